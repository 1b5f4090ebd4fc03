// SPDX-License-Identifier: Apache-2.0
#include "guard/held.hpp"

#include <sys/mman.h>

#include <atomic>
#include <cstdint>

#include "base/clock.hpp"
#include "base/syscall.hpp"

namespace ap::held {
namespace {

constexpr int kWipeOnFork = 18;  // MADV_WIPEONFORK
constexpr unsigned kCapacity = 16384;
constexpr std::uint64_t kPatienceNs = 2'000'000;

struct Page {
  std::atomic<std::int32_t> process;  // whose descriptors these are; 0 in a fresh fork
  std::atomic<std::uint32_t> opening;
  std::atomic<std::uint64_t> held[kCapacity / 64];
};
static_assert(sizeof(Page) <= 4096);

Page* page = nullptr;

bool any_held(unsigned first, unsigned last) noexcept {
  if (last >= kCapacity) last = kCapacity - 1;
  for (unsigned at = first; at <= last;) {
    const unsigned shift = at % 64, rest = last - at;
    std::uint64_t bits = page->held[at / 64].load(std::memory_order_seq_cst) >> shift;
    if (rest < 63) bits &= (std::uint64_t{2} << rest) - 1;
    if (bits != 0) return true;
    at += 64 - shift;
  }
  return false;
}

// A child of vfork shares the page and has descriptors of its own, which nobody else can reach; and an exec would leave
// them marked here for good.
bool is_ours() noexcept {
  if (page == nullptr) return false;
  const auto self = static_cast<std::int32_t>(sys::call(SYS_getpid));
  std::int32_t owner = 0;
  return page->process.compare_exchange_strong(owner, self, std::memory_order_seq_cst) || owner == self;
}

}  // namespace

void begin() noexcept {
  if (page != nullptr) return;
  const long at = sys::call(SYS_mmap, nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (at < 0 && at > -4096) return;
  if (sys::call(SYS_madvise, at, 4096, kWipeOnFork) == 0)
    page = reinterpret_cast<Page*>(at);
  else
    sys::call(SYS_munmap, at, 4096);
}

void add(int fd) noexcept {
  if (fd < 0 || static_cast<unsigned>(fd) >= kCapacity || !is_ours()) return;
  page->held[fd / 64].fetch_or(std::uint64_t{1} << (fd % 64), std::memory_order_seq_cst);
}

void remove(int fd) noexcept {
  if (fd < 0 || static_cast<unsigned>(fd) >= kCapacity || !is_ours()) return;
  page->held[fd / 64].fetch_and(~(std::uint64_t{1} << (fd % 64)), std::memory_order_seq_cst);
}

Opening::Opening() noexcept {
  if (page != nullptr) page->opening.fetch_add(1, std::memory_order_seq_cst);
}
Opening::~Opening() {
  if (page == nullptr) return;
  // Not below zero: a waiter that lost patience has set it back.
  std::uint32_t now = page->opening.load(std::memory_order_relaxed);
  while (now != 0 && !page->opening.compare_exchange_weak(now, now - 1, std::memory_order_seq_cst)) {
  }
}

bool wait_until_free(unsigned first, unsigned last) noexcept {
  if (page == nullptr || first >= kCapacity) return true;
  std::uint64_t end = 0;
  for (unsigned round = 0;; ++round) {
    if (page->opening.load(std::memory_order_seq_cst) == 0 && !any_held(first, last)) return true;
    if (round < 50) continue;  // most holders need less than the system call of a pause
    const std::uint64_t now = monotonic_ns();
    if (end == 0) end = now + kPatienceNs;
    if (now > end) break;
    sys::call(SYS_sched_yield);
  }
  // Left by a thread or a child of vfork that was killed in the middle: it must not cost every later call.
  page->opening.store(0, std::memory_order_seq_cst);
  return !any_held(first, last);
}

}  // namespace ap::held
