// SPDX-License-Identifier: Apache-2.0
//
// Whether this process has a thread beside the caller's, from proc(5): /proc/self/task has one sub-directory for each.
// One system call. True where there is no /proc.
#pragma once
#include <fcntl.h>
#include <sys/stat.h>

#include "base/syscall.hpp"

namespace ap {

inline bool has_other_threads() noexcept {
  struct stat st;
  return sys::call(SYS_newfstatat, AT_FDCWD, "/proc/self/task", &st, 0) != 0 || st.st_nlink != 3;
}

}  // namespace ap
