// SPDX-License-Identifier: Apache-2.0
//
// Whether this process has a thread beside the caller's. unshare(2): CLONE_THREAD has no effect, and is allowed, only
// in a process of one thread. Where that is refused for another reason, proc(5): /proc/self/task has one sub-directory
// for each (the kernel has to set up three entries below /proc for it first, which a short-lived child would feel).
// True where there is no /proc.
#pragma once
#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>

#include "base/syscall.hpp"

namespace ap {

inline bool has_other_threads() noexcept {
  if (sys::call(SYS_unshare, CLONE_THREAD) == 0) return false;
  struct stat st;
  return sys::call(SYS_newfstatat, AT_FDCWD, "/proc/self/task", &st, 0) != 0 || st.st_nlink != 3;
}

}  // namespace ap
