// SPDX-License-Identifier: Apache-2.0
#include "interpose/user_memory.hpp"

#include <errno.h>

#include <cstring>

#include "base/syscall.hpp"

namespace ap::interpose {
namespace {

constexpr std::uintptr_t kPage = 4096;
constexpr std::size_t kSlots = 64;
std::uintptr_t probed[kSlots];  // page numbers seen readable, by their low bits

bool page_readable(std::uintptr_t address) {
  const std::uintptr_t page = address / kPage;
  std::uintptr_t& slot = probed[page % kSlots];
  if (!page) return false;  // a null set would not be read
  if (__atomic_load_n(&slot, __ATOMIC_RELAXED) == page) return true;
  // Copies the set before it looks at `how`: EFAULT for a bad address, EINVAL otherwise, and the mask stays as it is.
  if (sys::call(SYS_rt_sigprocmask, -1, address & ~std::uintptr_t{7}, 0, 8) == -EFAULT) return false;
  __atomic_store_n(&slot, page, __ATOMIC_RELAXED);
  return true;
}

std::size_t to_page_end(std::uintptr_t address) {
  return kPage - address % kPage;
}

}  // namespace

bool readable(const void* address, std::size_t size) noexcept {
  auto at = reinterpret_cast<std::uintptr_t>(address);
  if (at + size < at) return false;
  for (const std::uintptr_t end = at + size; at < end; at += to_page_end(at))
    if (!page_readable(at)) return false;
  return true;
}

long copy_bytes(void* to, const void* from, std::size_t size) noexcept {
  if (!readable(from, size)) return -EFAULT;
  std::memcpy(to, from, size);
  return 0;
}

long copy_string(char* to, std::size_t capacity, const char* from) noexcept {
  std::size_t done = 0;
  while (done < capacity) {
    const auto at = reinterpret_cast<std::uintptr_t>(from + done);
    if (!page_readable(at)) return -EFAULT;
    std::size_t chunk = to_page_end(at);
    if (chunk > capacity - done) chunk = capacity - done;
    // INVARIANT: each byte is read once; the terminator that counts is the one in the copy.
    const void* end = memccpy(to + done, from + done, 0, chunk);
    if (end) return static_cast<const char*>(end) - to - 1;
    done += chunk;
  }
  return -ENAMETOOLONG;
}

long string_length(const char* from, std::size_t limit) noexcept {
  std::size_t done = 0;
  while (done < limit) {
    const auto at = reinterpret_cast<std::uintptr_t>(from + done);
    if (!page_readable(at)) return -EFAULT;
    std::size_t chunk = to_page_end(at);
    if (chunk > limit - done) chunk = limit - done;
    const void* end = std::memchr(from + done, 0, chunk);
    if (end) return static_cast<const char*>(end) - from;
    done += chunk;
  }
  return static_cast<long>(limit);
}

void forget_pages() noexcept {
  for (auto& slot : probed) __atomic_store_n(&slot, 0, __ATOMIC_RELAXED);
}

}  // namespace ap::interpose
