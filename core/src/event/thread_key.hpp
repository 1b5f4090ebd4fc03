// SPDX-License-Identifier: Apache-2.0
//
// The identity of the calling thread without thread-local storage: its thread pointer. Unique among the live threads of
// an address space, free to read, and unchanged in the child of fork and of vfork.
#pragma once
#include <cstdint>

namespace ap {

inline std::uint64_t thread_key() noexcept {
  std::uint64_t key;
#if defined(__x86_64__)
  __asm__("mov %%fs:0, %0" : "=r"(key));  // the thread control block's pointer to itself
#elif defined(__aarch64__)
  __asm__("mrs %0, tpidr_el0" : "=r"(key));
#else
#error "thread_key() is written for x86_64 and aarch64"
#endif
  return key;
}

}  // namespace ap
