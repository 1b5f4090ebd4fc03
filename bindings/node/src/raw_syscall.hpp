// SPDX-License-Identifier: Apache-2.0
//
// The few system calls the addon makes itself, past libc: line 2 has patched libc's entries, and what we read for an
// event (the version in an installed package's package.json) is nothing the function did. Return -errno; touch no
// errno.
#pragma once
#include <fcntl.h>
#include <stddef.h>
#include <sys/syscall.h>

namespace ap::node::raw {

inline long call(long number, long a = 0, long b = 0, long c = 0, long d = 0) {
#if defined(__x86_64__)
  long result;
  register long r10 __asm__("r10") = d;
  __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10) : "rcx", "r11", "memory");
  return result;
#elif defined(__aarch64__)
  register long x8 __asm__("x8") = number;
  register long x0 __asm__("x0") = a;
  register long x1 __asm__("x1") = b;
  register long x2 __asm__("x2") = c;
  register long x3 __asm__("x3") = d;
  __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3) : "memory");
  return x0;
#else
#error "raw system calls are written for x86_64 and aarch64"
#endif
}

inline long word(const void* pointer) {
  return reinterpret_cast<long>(pointer);
}

// O_NONBLOCK: a FIFO in the place of a package.json must not stop us.
inline long open_to_read(const char* path) {
  return call(SYS_openat, AT_FDCWD, word(path), O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0);
}
inline long read(long fd, void* buffer, size_t size) {
  return call(SYS_read, fd, word(buffer), static_cast<long>(size));
}
inline bool exists(const char* path) {
  return call(SYS_faccessat, AT_FDCWD, word(path), 0 /* F_OK */) == 0;
}
inline long close(long fd) {
  return call(SYS_close, fd);
}

}  // namespace ap::node::raw
