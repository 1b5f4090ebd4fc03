// SPDX-License-Identifier: Apache-2.0
//
// Fold: equal events become one line with a count. A fixed table of what was written lately; an event that is in it is
// only counted, and the count is written when it is due: five seconds after the last line for an observed operation,
// one second for a denial, and always at the end of an invocation, before an exec and at exit.
//
// Floods of different events are bounded too: when the lines of the moment are used up (kBurst, refilled per second),
// an event is counted under its rule alone. No event is ever left uncounted: the sum of all counts is the number of
// operations.
//
//   switch (fold.count(key, ...)) { case Fold::write: render, fold.remember(key, head, ...), write; case Fold::counted:
//   done; }
//
// The lock is tried for a moment only and never held across a write or a system call that can wait: whoever does not
// get it (a signal handler that interrupted the holder, a vfork child) writes unfolded. One whose holder has died is
// taken over.
#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "guard/operation.hpp"

namespace ap::event {

// What can be said again of a folded event.
struct Pending {
  char head[3800];
  std::uint16_t head_size;  // 0: the rest of a flood, described by verdict and rule
  bool truncated;
  Verdict verdict;
  std::uint64_t count, first_us, last_us;
};

// A refused operation as seen by retry folding: what it was about, and in which form it was tried.
struct Attempt {
  std::uint64_t thread = 0, subject = 0, form = 0;  // subject 0: not a candidate
  std::uint32_t rank = 0;                           // how much it asked for: who retries does not ask for more
};

class Fold {
 public:
  static constexpr std::size_t kEntries = 512, kArena = 192 * 1024, kFloods = 32, kThreads = 64;
  static constexpr std::uint64_t kDenyEveryMs = 1000, kObserveEveryMs = 5000;
  static constexpr std::uint32_t kDenyBurst = 500, kDenyPerSecond = 100, kObserveBurst = 2000, kObservePerSecond = 200;
  static constexpr std::uint64_t kRetryUs = 2000;

  enum Outcome : std::uint8_t {
    write,     // the first of its kind: write it, then remember() it
    counted,   // folded into an earlier one
    retry,     // a library trying the refused operation once more in another form: not an operation of its own
    full,      // no room: flush everything, forget(), then ask again
    unfolded,  // the lock was not to be had: write it, alone
  };
  Outcome count(std::uint64_t key, const Verdict& verdict, const Attempt& attempt, std::uint64_t now_us,
                std::uint64_t now_ms) noexcept;

  // Keeps a head that was written. When another thread was faster nothing happens: both lines count one.
  void remember(std::uint64_t key, const Verdict& verdict, std::string_view head, bool truncated,
                std::uint64_t now_ms) noexcept;

  // Hands out one count that is due (every one when `all`), until it returns false.
  bool take_due(Pending& out, bool all, std::uint64_t now_ms) noexcept;
  // True once per half second: somebody should call take_due.
  bool sweep_time(std::uint64_t now_ms) noexcept;

  void forget() noexcept;  // empties the table, unless a count came in meanwhile
  void reset() noexcept;   // a forked child: no lock, no content

 private:
  struct Entry {
    std::uint64_t key, written_ms, first_us, last_us;
    std::uint64_t pending;
    std::uint32_t head;
    std::uint16_t head_size;
    bool truncated;
    Verdict verdict;
  };
  struct Flood {
    std::uint64_t pending, written_ms, first_us, last_us;
    Verdict verdict;
  };
  struct Bucket {
    std::uint64_t tokens, refilled_ms;  // tokens in thousandths
  };
  struct Last {
    std::uint64_t thread, subject, time_us, forms[6];
    std::uint32_t form_count, rank;
  };

  bool lock() noexcept;
  void unlock() noexcept { owner_.store(0, std::memory_order_release); }
  Entry* find(std::uint64_t key, bool& room) noexcept;
  bool take_token(const Verdict& verdict, std::uint64_t now_ms) noexcept;
  bool is_retry(const Attempt& attempt, std::uint64_t now_us) noexcept;

  std::atomic<std::uint64_t> owner_{0};
  std::atomic<std::uint64_t> next_sweep_ms_{0};
  std::atomic<std::uint64_t> pending_total_{0};
  bool counted_ = false;  // whether anything below, or above, has ever been written
  std::uint32_t used_ = 0, arena_used_ = 0;
  Bucket buckets_[2]{};
  Entry entries_[kEntries]{};
  Flood floods_[kFloods]{};
  Last last_[kThreads]{};
  char arena_[kArena]{};
};

}  // namespace ap::event
