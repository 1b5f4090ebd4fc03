// SPDX-License-Identifier: Apache-2.0
#include "event/fold.hpp"

#include <errno.h>

#include "base/syscall.hpp"

namespace ap::event {
namespace {

void relax() noexcept {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#else
  __asm__ volatile("yield");
#endif
}

bool same_rule(const Verdict& a, const Verdict& b) noexcept {
  return a.action == b.action && a.policy == b.policy && a.rule == b.rule;
}

std::uint64_t interval_ms(const Verdict& v) noexcept {
  if (v.policy == AP_POLICY_AGENT_HEALTH) return 60000;
  return v.action == AP_DENY ? Fold::kDenyEveryMs : Fold::kObserveEveryMs;
}

}  // namespace

bool Fold::lock() noexcept {
  const auto self = static_cast<std::uint64_t>(sys::call(SYS_gettid));
  for (int round = 0; round < 2000; ++round) {
    std::uint64_t holder = 0;
    if (owner_.compare_exchange_weak(holder, self, std::memory_order_acquire)) return true;
    if (holder == self) return false;  // we interrupted ourselves
    if (round < 1000)
      relax();
    else if (round < 1999)
      sys::call(SYS_sched_yield);
    else if (holder != 0 && sys::call(SYS_kill, holder, 0) == -ESRCH)
      return owner_.compare_exchange_strong(holder, self, std::memory_order_acquire);  // it died with the lock
  }
  return false;
}

Fold::Entry* Fold::find(std::uint64_t key, bool& room) noexcept {
  room = false;
  for (std::size_t i = key % kEntries, n = 0; n < kEntries; ++n, i = (i + 1) % kEntries) {
    if (entries_[i].key == key) return &entries_[i];
    if (entries_[i].key == 0) {
      room = used_ < kEntries * 3 / 4;
      return room ? &entries_[i] : nullptr;
    }
  }
  return nullptr;
}

bool Fold::take_token(const Verdict& v, std::uint64_t now_ms) noexcept {
  const bool deny = v.action == AP_DENY;
  Bucket& b = buckets_[deny ? 1 : 0];
  const std::uint64_t most = 1000ull * (deny ? kDenyBurst : kObserveBurst);
  if (b.refilled_ms == 0) {
    b.tokens = most;
  } else if (now_ms > b.refilled_ms) {
    b.tokens += (now_ms - b.refilled_ms) * (deny ? kDenyPerSecond : kObservePerSecond);
    if (b.tokens > most) b.tokens = most;
  }
  b.refilled_ms = now_ms;
  if (b.tokens < 1000) return false;
  b.tokens -= 1000;
  return true;
}

bool Fold::is_retry(const Attempt& a, std::uint64_t now_us) noexcept {
  if (a.thread == 0) return false;
  Last& l = last_[(a.thread >> 6) % kThreads];
  const bool same = a.subject != 0 && l.thread == a.thread && l.subject == a.subject && a.rank <= l.rank &&
                    now_us - l.time_us <= kRetryUs;
  if (same && l.form_count < 6) {
    bool seen = false;
    for (std::uint32_t i = 0; i < l.form_count; ++i) seen = seen || l.forms[i] == a.form;
    if (!seen) {
      l.forms[l.form_count++] = a.form;
      l.time_us = now_us;
      l.rank = a.rank;
      return true;
    }
  }
  // Another operation, or the same form again: the program itself came back.
  l = {a.thread, a.subject, now_us, {a.form}, 1, a.rank};
  return false;
}

Fold::Outcome Fold::count(std::uint64_t key, const Verdict& v, const Attempt& attempt, std::uint64_t now_us,
                          std::uint64_t now_ms) noexcept {
  if (!lock()) return unfolded;
  counted_ = true;
  if (is_retry(attempt, now_us)) {
    unlock();
    return retry;
  }
  bool room;
  Entry* e = find(key, room);
  if (e == nullptr) {
    unlock();
    return full;
  }
  if (e->key == key) {
    if (e->pending++ == 0) e->first_us = now_us;
    e->last_us = now_us;
    pending_total_.fetch_add(1, std::memory_order_relaxed);
    unlock();
    return counted;
  }
  if (v.policy == AP_POLICY_AGENT_HEALTH || take_token(v, now_ms)) {
    unlock();
    return write;
  }
  for (Flood& f : floods_) {
    if (f.pending != 0 && !same_rule(f.verdict, v)) continue;
    if (f.pending++ == 0) {
      f.verdict = v;
      f.first_us = now_us;
      f.written_ms = now_ms;
    }
    f.last_us = now_us;
    pending_total_.fetch_add(1, std::memory_order_relaxed);
    unlock();
    return counted;
  }
  unlock();
  return write;  // more than kFloods rules at once in a flood
}

void Fold::remember(std::uint64_t key, const Verdict& v, std::string_view head, bool truncated,
                    std::uint64_t now_ms) noexcept {
  if (head.size() > sizeof Pending::head || !lock()) return;
  bool room;
  Entry* e = find(key, room);
  if (e != nullptr && e->key == 0 && arena_used_ + head.size() <= kArena) {
    *e = {key, now_ms, 0, 0, 0, arena_used_, static_cast<std::uint16_t>(head.size()), truncated, v};
    __builtin_memcpy(arena_ + arena_used_, head.data(), head.size());
    arena_used_ += static_cast<std::uint32_t>(head.size());
    ++used_;
  } else if (e != nullptr && e->key == 0) {
    used_ = kEntries;  // the arena is full: so is the table
  }
  unlock();
}

bool Fold::take_due(Pending& out, bool all, std::uint64_t now_ms) noexcept {
  if (pending_total_.load(std::memory_order_relaxed) == 0 || !lock()) return false;
  const auto due = [&](const auto& x) {
    return x.pending != 0 && (all || now_ms - x.written_ms >= interval_ms(x.verdict));
  };
  const auto take = [&](auto& x) {
    out.verdict = x.verdict;
    out.count = x.pending;
    out.first_us = x.first_us;
    out.last_us = x.last_us;
    pending_total_.fetch_sub(x.pending, std::memory_order_relaxed);
    x.pending = 0;
    x.written_ms = now_ms;
  };
  for (Entry& e : entries_) {
    if (e.key == 0 || !due(e)) continue;
    take(e);
    out.head_size = e.head_size;
    out.truncated = e.truncated;
    __builtin_memcpy(out.head, arena_ + e.head, e.head_size);
    unlock();
    return true;
  }
  for (Flood& f : floods_) {
    if (!due(f)) continue;
    take(f);
    out.head_size = 0;
    out.truncated = false;
    unlock();
    return true;
  }
  unlock();
  return false;
}

bool Fold::sweep_time(std::uint64_t now_ms) noexcept {
  std::uint64_t next = next_sweep_ms_.load(std::memory_order_relaxed);
  if (now_ms < next || pending_total_.load(std::memory_order_relaxed) == 0) return false;
  return next_sweep_ms_.compare_exchange_strong(next, now_ms + 500, std::memory_order_relaxed);
}

void Fold::forget() noexcept {
  if (!lock()) return;
  if (pending_total_.load(std::memory_order_relaxed) == 0) {
    __builtin_memset(entries_, 0, sizeof entries_);
    used_ = arena_used_ = 0;
  }
  unlock();
}

void Fold::reset() noexcept {
  if (!counted_) {  // a fresh process's pages stay untouched
    if (owner_.load(std::memory_order_relaxed) != 0) owner_.store(0, std::memory_order_release);
    return;
  }
  __builtin_memset(entries_, 0, sizeof entries_);
  __builtin_memset(floods_, 0, sizeof floods_);
  __builtin_memset(last_, 0, sizeof last_);
  __builtin_memset(buckets_, 0, sizeof buckets_);
  used_ = arena_used_ = 0;
  pending_total_.store(0, std::memory_order_relaxed);
  next_sweep_ms_.store(0, std::memory_order_relaxed);
  counted_ = false;
  owner_.store(0, std::memory_order_release);
}

}  // namespace ap::event
