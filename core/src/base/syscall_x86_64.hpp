// SPDX-License-Identifier: Apache-2.0
//
// Raw system calls: return -errno, touch neither libc's errno nor any libc entry that line 2 has patched.
// Async-signal-safe; usable in a vfork child. The only way the core itself opens, writes or maps after the policy is
// sealed.
#pragma once
#include <sys/syscall.h>

#include <type_traits>

namespace ap::sys {

inline long call6(long n, long a, long b, long c, long d, long e, long f) noexcept {
  long result;
  register long r10 __asm__("r10") = d;
  register long r8 __asm__("r8") = e;
  register long r9 __asm__("r9") = f;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(n), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
}

template <typename T>
inline long word(T v) noexcept {
  if constexpr (std::is_pointer_v<T>)
    return reinterpret_cast<long>(v);
  else
    return static_cast<long>(v);
}
inline long word(decltype(nullptr)) noexcept {
  return 0;
}

template <typename... A>
inline long call(long n, A... args) noexcept {
  static_assert(sizeof...(A) <= 6);
  long v[6] = {word(args)...};
  if constexpr (sizeof...(A) == 0) v[0] = 0;
  return call6(n, v[0], v[1], v[2], v[3], v[4], v[5]);
}

}  // namespace ap::sys
