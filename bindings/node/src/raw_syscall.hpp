// SPDX-License-Identifier: Apache-2.0
//
// The few system calls the addon makes itself, past libc: line 2 has patched libc's entries, and what we read for an
// event (the version in an installed package's package.json) is nothing the function did. Return -errno; touch no
// errno.
#pragma once
#include <fcntl.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <app_protect/raw_syscall.hpp>

namespace ap::node::raw {

using app_protect::raw_syscall;

inline long word(const void* pointer) {
  return reinterpret_cast<long>(pointer);
}

// O_NONBLOCK: a FIFO in the place of a package.json must not stop us.
inline long open_to_read(const char* path) {
  return raw_syscall(SYS_openat, AT_FDCWD, word(path), O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0);
}
inline long read(long fd, void* buffer, size_t size) {
  return raw_syscall(SYS_read, fd, word(buffer), static_cast<long>(size));
}
inline bool exists(const char* path) {
  return raw_syscall(SYS_faccessat, AT_FDCWD, word(path), 0 /* F_OK */) == 0;
}
inline long close(long fd) {
  return raw_syscall(SYS_close, fd);
}

}  // namespace ap::node::raw
