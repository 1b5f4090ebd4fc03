// SPDX-License-Identifier: Apache-2.0
#include "interpose/other_threads.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>

#include <atomic>
#include <cerrno>
#include <cstring>

#include "base/clock.hpp"
#include "base/syscall.hpp"
#include "interpose/machine.hpp"

namespace ap::interpose {
namespace {

constexpr int kSignal = SIGURG;
constexpr long kPauseNs = 20'000;  // between two looks
constexpr std::uint64_t kPatienceNs = 20'000'000;

std::atomic<int> held{0};  // futex: 1 while threads shall stay
HeldThreads::Inside is_inside = nullptr;
const void* inside_context = nullptr;
struct sigaction before;

void stay(int signal, siginfo_t* info, void* context) {
  const int kept = errno;
  if (info->si_code != SI_TKILL) {  // urgent data on a socket of the function's
    if (before.sa_flags & SA_SIGINFO)
      before.sa_sigaction(signal, info, context);
    else if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN)
      before.sa_handler(signal);
  } else if (held.load() && !is_inside(machine::next_instruction(context), inside_context)) {
    while (held.load()) sys::call(SYS_futex, &held, FUTEX_WAIT_PRIVATE, 1, nullptr);
  }
  errno = kept;
}

// Calls `each` with the id of every other thread; false when they cannot be listed.
template <typename Each>
bool for_other_threads(Each&& each) {
  const long list = sys::call(SYS_openat, AT_FDCWD, "/proc/self/task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (list < 0) return false;
  const long self = sys::call(SYS_gettid);
  alignas(8) char entries[2048];
  long size;
  while ((size = sys::call(SYS_getdents64, list, entries, sizeof entries)) > 0) {
    for (long at = 0; at < size;) {
      const auto* entry = reinterpret_cast<const dirent*>(entries + at);  // 64-bit: as the kernel's
      at += entry->d_reclen;
      long id = 0;
      for (const char* digit = entry->d_name; *digit >= '0' && *digit <= '9'; ++digit) id = id * 10 + (*digit - '0');
      if (id && id != self) each(list, entry->d_name, id);
    }
  }
  sys::call(SYS_close, list);
  return true;
}

// The letter behind "pid (name) " in proc(5)'s stat; 0 when the thread has gone.
char state_of(long list, const char* id) {
  char name[32], text[128];
  const std::size_t length = std::strlen(id);
  if (length + 6 > sizeof name) return 0;
  std::memcpy(name, id, length);
  std::memcpy(name + length, "/stat", 6);
  const long fd = sys::call(SYS_openat, list, name, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  const long size = sys::call(SYS_read, fd, text, sizeof text);
  sys::call(SYS_close, fd);
  for (long i = size - 1; i >= 0; --i)
    if (text[i] == ')') return i + 2 < size ? text[i + 2] : 0;
  return 0;
}

// A thread of a real-time policy that waits at an entry is not taken off its processor for us to go on: where there is
// one processor, we must not leave it.
bool may_pause() {
  const long policy = sys::call(SYS_sched_getscheduler, 0);
  return policy != SCHED_FIFO && policy != SCHED_RR;
}

}  // namespace

SignalsHeldBack::SignalsHeldBack() noexcept {
  constexpr std::uint64_t all = ~std::uint64_t{0};
  sys::call(SYS_rt_sigprocmask, SIG_SETMASK, &all, &before_, sizeof all);
}
SignalsHeldBack::~SignalsHeldBack() {
  sys::call(SYS_rt_sigprocmask, SIG_SETMASK, &before_, nullptr, sizeof before_);
}

HeldThreads::HeldThreads(Inside inside, const void* context) noexcept {
  is_inside = inside;
  inside_context = context;
  held.store(1);
  struct sigaction ours{};
  ours.sa_sigaction = stay;
  ours.sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK;
  sigfillset(&ours.sa_mask);
  handling_ = sigaction(kSignal, &ours, &before) == 0;
  if (!handling_) return;

  const long process = sys::call(SYS_getpid);
  const std::uint64_t end = monotonic_ns() + kPatienceNs;
  const bool pauses = may_pause();
  for (;;) {
    bool asleep = true;
    const bool listed = for_other_threads([&](long list, const char* name, long id) {
      const char state = state_of(list, name);
      if (state != 'R' && state != 'D') return;  // asleep, gone, or stopped by somebody else
      asleep = false;
      sys::call(SYS_tgkill, process, id, kSignal);
    });
    if (asleep || !listed || monotonic_ns() > end) return;
    if (!pauses) continue;
    const timespec pause{0, kPauseNs};
    sys::call(SYS_nanosleep, &pause, nullptr);
  }
}

HeldThreads::~HeldThreads() {
  held.store(0);
  sys::call(SYS_futex, &held, FUTEX_WAKE_PRIVATE, 0x7fffffff);
  if (handling_) sigaction(kSignal, &before, nullptr);
}

}  // namespace ap::interpose
