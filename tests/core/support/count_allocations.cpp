// SPDX-License-Identifier: Apache-2.0
#include "support/count_allocations.hpp"

#include <atomic>
#include <cstdlib>
#include <new>

namespace ap::test {
namespace {
std::atomic<std::size_t> count{0};
}
std::size_t allocations() {
  return count;
}
}  // namespace ap::test

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
// The sanitizer owns malloc: operator new is what can be counted.
void* operator new(std::size_t size) {
  ++ap::test::count;
  if (void* p = std::malloc(size ? size : 1)) return p;
  std::abort();
}
void operator delete(void* p) noexcept {
  std::free(p);
}
void operator delete(void* p, std::size_t) noexcept {
  std::free(p);
}
#else
extern "C" {
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* malloc(std::size_t size) {
  ++ap::test::count;
  return __libc_malloc(size);
}
void* calloc(std::size_t n, std::size_t size) {
  ++ap::test::count;
  return __libc_calloc(n, size);
}
void* realloc(void* p, std::size_t size) {
  ++ap::test::count;
  return __libc_realloc(p, size);
}
}
#endif
