// SPDX-License-Identifier: Apache-2.0
//
// The few system calls the binding makes itself, past libc: line 2 has patched libc's entries, and what we read for an
// event (names of installed packages, where a descriptor points) is nothing the function did. Return -errno; touch no
// errno.
#pragma once
#include <fcntl.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <app_protect/raw_syscall.hpp>

namespace ap::python::raw {

using app_protect::raw_syscall;

inline long word(const void* pointer) {
  return reinterpret_cast<long>(pointer);
}

inline long open(const char* path, int flags) {
  return raw_syscall(SYS_openat, AT_FDCWD, word(path), flags | O_CLOEXEC, 0);
}
inline long read(long fd, void* buffer, size_t size) {
  return raw_syscall(SYS_read, fd, word(buffer), static_cast<long>(size));
}
inline long getdents(long fd, void* buffer, size_t size) {
  return raw_syscall(SYS_getdents64, fd, word(buffer), static_cast<long>(size));
}
inline long close(long fd) {
  return raw_syscall(SYS_close, fd);
}
inline long readlink(const char* path, char* buffer, size_t size) {
  return raw_syscall(SYS_readlinkat, AT_FDCWD, word(path), word(buffer), static_cast<long>(size));
}
inline bool executable(const char* path) {
  return raw_syscall(SYS_faccessat, AT_FDCWD, word(path), 1 /* X_OK */) == 0;
}
inline bool is_directory(const char* path) {
  const long fd = raw_syscall(SYS_openat, AT_FDCWD, word(path), O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
  if (fd >= 0) close(fd);
  return fd >= 0;
}

}  // namespace ap::python::raw
