// SPDX-License-Identifier: Apache-2.0
//
// Where exceptions live. The C++ library's own allocator reserves 72 KB at the start of every process, for exceptions
// that are thrown when memory has run out: malloc's first call, and a tenth of what a policed child pays. The core
// throws none; what the library throws in it (a pattern too large) finds memory, or the process ends as by abort().
#include <cstdlib>
#include <cstring>

#if defined(__GLIBCXX__)

namespace {

// In front of the object: __cxa_refcounted_exception of the C++ ABI, 128 bytes on 64-bit machines.
constexpr std::size_t kHeader = 128;
constexpr std::size_t kDependent = 112;

void* zeroed(std::size_t size) {
  void* at = std::calloc(1, size);
  if (at == nullptr) std::abort();
  return at;
}

}  // namespace

extern "C" {

void* __cxa_allocate_exception(std::size_t size) noexcept;
void* __cxa_allocate_exception(std::size_t size) noexcept {
  return static_cast<char*>(zeroed(size + kHeader)) + kHeader;
}

void __cxa_free_exception(void* object) noexcept;
void __cxa_free_exception(void* object) noexcept {
  std::free(static_cast<char*>(object) - kHeader);
}

void* __cxa_allocate_dependent_exception() noexcept;
void* __cxa_allocate_dependent_exception() noexcept {
  return zeroed(kDependent);
}

void __cxa_free_dependent_exception(void* object) noexcept;
void __cxa_free_dependent_exception(void* object) noexcept {
  std::free(object);
}

}  // extern "C"

#endif
