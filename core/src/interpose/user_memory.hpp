// SPDX-License-Identifier: Apache-2.0
//
// Copies of what a caller points at. Each hook copies every pointer argument once, judges the copy and passes the copy
// on, so that no other thread can change it between the two. A bad pointer is reported as the kernel would (EFAULT),
// not by a crash: a page is probed with a system call that reads eight bytes and does nothing (rt_sigprocmask with an
// impossible `how`, the way Abseil tests addresses) and then remembered, so that a call costs no probe in the usual
// case. munmap, mremap and mprotect forget.
#pragma once
#include <cstddef>
#include <cstdint>

#include "guard/canonical.hpp"

namespace ap::interpose {

// Whether `size` bytes at `address` can be read now.
bool readable(const void* address, std::size_t size) noexcept;

// Copies `size` bytes. 0, or -EFAULT.
long copy_bytes(void* to, const void* from, std::size_t size) noexcept;

// Copies a terminated string with its terminator. Its length, -EFAULT, or -ENAMETOOLONG when `capacity` does not hold
// it.
long copy_string(char* to, std::size_t capacity, const char* from) noexcept;

// A path argument, as the kernel takes it: at most PATH_MAX bytes with the terminator.
inline long copy_path(PathBuffer& to, const char* from) noexcept {
  const long length = copy_string(to.data, sizeof to.data, from);
  to.size = length > 0 ? static_cast<std::uint32_t>(length) : 0;
  return length;
}

// Length of a terminated string without copying it; -EFAULT; `limit` when it is longer.
long string_length(const char* from, std::size_t limit) noexcept;

// Pages may have gone or changed: forget what was probed.
void forget_pages() noexcept;

}  // namespace ap::interpose
