// SPDX-License-Identifier: Apache-2.0
//
// Raw system calls: return -errno, touch neither libc's errno nor any libc entry that line 2 has patched.
// Async-signal-safe; usable in a vfork child. The only way the core itself opens, writes or maps after the policy is
// sealed.
#pragma once
#include <errno.h>
#include <sys/syscall.h>
#include <app_protect/raw_syscall.hpp>

#include <string_view>
#include <type_traits>

namespace ap::sys {

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
  return app_protect::raw_syscall(n, word(args)...);
}

// All of `bytes`: 0, or -errno.
inline long write_all(int fd, std::string_view bytes) noexcept {
  while (!bytes.empty()) {
    const long n = call(SYS_write, fd, bytes.data(), bytes.size());
    if (n == -EINTR) continue;
    if (n <= 0) return n ? n : -EIO;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return 0;
}

}  // namespace ap::sys
