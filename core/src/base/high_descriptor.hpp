// SPDX-License-Identifier: Apache-2.0
//
// Numbers of descriptors that are ours: away from those that programs close one by one or expect to get next.
//
// With threads, as in Node, they stay below 64: the first descriptor beyond the process's table makes the kernel wait
// there for every processor (synchronize_rcu), 10 to 20 ms of a cold start. In an executed child they do so too: a
// larger table costs each of them a few microseconds.
#pragma once
#include <fcntl.h>

#include "base/syscall.hpp"
#include "base/threads.hpp"

namespace ap {

constexpr int kWithinTable = 56, kBeyondTable = 240;

// For the process's life. A close-on-exec duplicate, at `floor` or above, lower where the limit is; -1 when there is
// none to be had.
inline int duplicate_high(int fd, int floor) noexcept {
  for (; floor > 2; floor /= 2) {
    const long high = sys::call(SYS_fcntl, fd, F_DUPFD_CLOEXEC, floor);
    if (high >= 0) return static_cast<int>(high);
  }
  return -1;
}
inline int duplicate_high(int fd) noexcept {
  return duplicate_high(fd, has_other_threads() ? kWithinTable : kBeyondTable);
}

// The same, with `fd` closed; `fd` itself, close-on-exec, when there is none to be had.
inline int move_high(int fd, int floor) noexcept {
  const int high = duplicate_high(fd, floor);
  if (high < 0) {
    sys::call(SYS_fcntl, fd, F_SETFD, FD_CLOEXEC);
    return fd;
  }
  sys::call(SYS_close, fd);
  return high;
}
inline int move_high(int fd) noexcept {
  return move_high(fd, has_other_threads() ? kWithinTable : kBeyondTable);
}

// For the length of a call: where the numbers to begin with are, without asking for threads.
inline long transient_floor(long fd) noexcept {
  constexpr long kFirst = 48, kDistance = 16;
  return fd < kFirst ? kFirst : fd + kDistance;
}

}  // namespace ap
