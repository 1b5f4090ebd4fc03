// SPDX-License-Identifier: Apache-2.0
#include "guard/held.hpp"

#include <sys/mman.h>

#include <atomic>

#include "base/clock.hpp"
#include "base/syscall.hpp"

namespace ap::held {
namespace {

constexpr int kWipeOnFork = 18;  // MADV_WIPEONFORK
constexpr unsigned kCapacity = 8192;
constexpr std::uint64_t kPatienceNs = 2'000'000;

// INVARIANT: every access is sequentially consistent; the two sides rely on seeing each other's announcements.
struct Page {
  std::atomic<std::int32_t> process;         // whose descriptors these are; 0 in a fresh fork
  std::atomic<std::uint32_t> opening;        // holders between their announcement and keep()
  std::atomic<std::uint32_t> changing_many;  // close_range in progress
  std::atomic<std::uint32_t> changes;        // changes made so far
  std::atomic<std::uint64_t> held[kCapacity / 64], changing[kCapacity / 64];
};
static_assert(sizeof(Page) <= 4096);

Page* page = nullptr;

bool is_covered(int fd) noexcept {
  return page != nullptr && fd >= 0 && static_cast<unsigned>(fd) < kCapacity;
}

std::uint64_t bit_of(int fd) noexcept {
  return std::uint64_t{1} << (fd % 64);
}

// A child of vfork shares the page and has descriptors of its own, which nobody else can reach; and an exec would leave
// them marked here for good. It never comes first: see claim().
bool is_ours() noexcept {
  const auto self = static_cast<std::int32_t>(sys::call(SYS_getpid));
  std::int32_t owner = 0;
  return page->process.compare_exchange_strong(owner, self) || owner == self;
}

bool is_changing(int fd) noexcept {
  return (page->changing[fd / 64].load() & bit_of(fd)) != 0 || page->changing_many.load() != 0;
}

bool any_held(unsigned first, unsigned last) noexcept {
  if (last >= kCapacity) last = kCapacity - 1;
  for (unsigned at = first; at <= last;) {
    const unsigned shift = at % 64, rest = last - at;
    std::uint64_t bits = page->held[at / 64].load() >> shift;
    if (rest < 63) bits &= (std::uint64_t{2} << rest) - 1;
    if (bits != 0) return true;
    at += 64 - shift;
  }
  return false;
}

// Repeats `done` until it is true, for 2 ms at most.
template <typename Done>
bool await(Done&& done) noexcept {
  std::uint64_t end = 0;
  for (unsigned round = 0;; ++round) {
    if (done()) return true;
    if (round < 50) continue;  // most holders need less than the system call of a pause
    const std::uint64_t now = monotonic_ns();
    if (end == 0) end = now + kPatienceNs;
    if (now > end) return false;
    sys::call(SYS_sched_yield);
  }
}

// Left by a thread or a child of vfork that was killed in the middle: it must not cost every later call.
void give_up_on_openings() noexcept {
  page->opening.store(0);
}

}  // namespace

void begin() noexcept {
  if (page != nullptr) return;
  const long at = sys::call(SYS_mmap, nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (at < 0 && at > -4096) return;
  if (sys::call(SYS_madvise, at, 4096, kWipeOnFork) != 0) {
    sys::call(SYS_munmap, at, 4096);
    return;
  }
  page = reinterpret_cast<Page*>(at);
  claim();
}

void claim() noexcept {
  if (page != nullptr) is_ours();
}

void remove(int fd) noexcept {
  if (is_covered(fd) && is_ours()) page->held[fd / 64].fetch_and(~bit_of(fd));
}

Opening::Opening() noexcept : changes_(0) {
  if (page == nullptr) return;
  page->opening.fetch_add(1);
  changes_ = page->changes.load();
}
Opening::~Opening() {
  if (page == nullptr) return;
  std::uint32_t now = page->opening.load();
  while (now != 0 && !page->opening.compare_exchange_weak(now, now - 1)) {  // not below zero: give_up_on_openings()
  }
}

bool Opening::keep(int fd) noexcept {
  if (!is_covered(fd) || !is_ours()) return true;
  page->held[fd / 64].fetch_or(bit_of(fd));
  if (!is_changing(fd) && page->changes.load() == changes_) return true;
  page->held[fd / 64].fetch_and(~bit_of(fd));
  return false;
}

Lock::Lock(int fd) noexcept : fd_(-1), taken_(true) {
  if (!is_covered(fd) || !is_ours()) return;
  taken_ = await([&] {
    if ((page->held[fd / 64].fetch_or(bit_of(fd)) & bit_of(fd)) != 0) return false;
    if (!is_changing(fd)) return true;
    page->held[fd / 64].fetch_and(~bit_of(fd));
    return false;
  });
  if (taken_) fd_ = fd;
}
Lock::~Lock() {
  if (fd_ >= 0) remove(fd_);
}

Change::Change(int fd) noexcept : fd_(fd), allowed_(true) {
  if (!is_covered(fd)) return;
  const auto number = static_cast<unsigned>(fd);
  const auto announce = [&] {
    // Two that change one number: the second has nothing to announce, and its change counts all the same.
    announced_ = (page->changing[fd / 64].fetch_or(bit_of(fd)) & bit_of(fd)) == 0;
    if (page->opening.load() == 0 && !any_held(number, number)) return true;
    if (announced_) page->changing[fd / 64].fetch_and(~bit_of(fd));
    announced_ = false;
    return false;
  };
  if (await(announce)) return;
  give_up_on_openings();
  allowed_ = announce();
}

Change::Change(unsigned first, unsigned last) noexcept : fd_(-1), allowed_(true) {
  if (page == nullptr || first >= kCapacity) return;
  const auto announce = [&] {
    page->changing_many.fetch_add(1);
    announced_ = true;
    if (page->opening.load() == 0 && !any_held(first, last)) return true;
    page->changing_many.fetch_sub(1);
    announced_ = false;
    return false;
  };
  if (await(announce)) return;
  give_up_on_openings();
  allowed_ = announce();
}

Change::~Change() {
  if (page == nullptr || !allowed_) return;
  if (fd_ < 0 && announced_) {
    page->changes.fetch_add(1);
    page->changing_many.fetch_sub(1);
  } else if (is_covered(fd_)) {
    page->changes.fetch_add(1);
    if (announced_) page->changing[fd_ / 64].fetch_and(~bit_of(fd_));
  }
}

}  // namespace ap::held
