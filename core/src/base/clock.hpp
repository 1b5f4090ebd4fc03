// SPDX-License-Identifier: Apache-2.0
//
// Clock: the two times that the core asks for. Injected where a test must move time; `SystemClock` is the default.
// Reads the vDSO: no system call, async-signal-safe.
//
//   std::uint64_t now = monotonic_ns();
#pragma once
#include <time.h>

#include <cstdint>

namespace ap {

inline std::uint64_t clock_ns(clockid_t clock) noexcept {
  timespec t{};
  clock_gettime(clock, &t);
  return static_cast<std::uint64_t>(t.tv_sec) * 1000000000ull + static_cast<std::uint64_t>(t.tv_nsec);
}

inline std::uint64_t monotonic_ns() noexcept {
  return clock_ns(CLOCK_MONOTONIC);
}
// To about 4 ms, for a quarter of the price: ages of table entries.
inline std::uint64_t monotonic_coarse_ns() noexcept {
  return clock_ns(CLOCK_MONOTONIC_COARSE);
}
inline std::uint64_t unix_ns() noexcept {
  return clock_ns(CLOCK_REALTIME);
}

}  // namespace ap
