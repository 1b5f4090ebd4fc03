// SPDX-License-Identifier: Apache-2.0
//
// Numbers of descriptors that are ours: away from those that programs close one by one or expect to get next.
//
// With threads, as in Node, they stay below 64: the first descriptor beyond the process's table makes the kernel wait
// there for every processor (synchronize_rcu), 10 to 20 ms of a cold start.
#pragma once
#include <fcntl.h>

#include "base/syscall.hpp"
#include "base/threads.hpp"

namespace ap {

// For the process's life. A close-on-exec duplicate, as high as the limits let it be; -1 when there is none to be had.
inline int duplicate_high(int fd) noexcept {
  for (int floor = has_other_threads() ? 56 : 1000; floor > 2; floor /= 2) {  // lower where the limit is
    const long high = sys::call(SYS_fcntl, fd, F_DUPFD_CLOEXEC, floor);
    if (high >= 0) return static_cast<int>(high);
  }
  return -1;
}

// The same, with `fd` closed; `fd` itself, close-on-exec, when there is none to be had.
inline int move_high(int fd) noexcept {
  const int high = duplicate_high(fd);
  if (high < 0) {
    sys::call(SYS_fcntl, fd, F_SETFD, FD_CLOEXEC);
    return fd;
  }
  sys::call(SYS_close, fd);
  return high;
}

// For the length of a call: where the numbers to begin with are, without asking for threads.
inline long transient_floor(long fd) noexcept {
  constexpr long kFirst = 48, kDistance = 16;
  return fd < kFirst ? kFirst : fd + kDistance;
}

}  // namespace ap
