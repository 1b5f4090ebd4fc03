// SPDX-License-Identifier: Apache-2.0
#include <ucontext.h>

#include <cstring>

#include "interpose/machine.hpp"

namespace ap::interpose::machine {

bool runs(Elf64_Half machine) noexcept {
  return machine == EM_X86_64;
}

bool holds_function(std::uint32_t relocation) noexcept {
  return relocation == R_X86_64_JUMP_SLOT || relocation == R_X86_64_GLOB_DAT;
}

std::uintptr_t next_instruction(const void* ucontext) noexcept {
  return static_cast<std::uintptr_t>(static_cast<const ucontext_t*>(ucontext)->uc_mcontext.gregs[REG_RIP]);
}

int text_protection(const LoadedObject&) noexcept {
  return 0;
}

unsigned char* hidden_openat(const LoadedObject& libc) noexcept {
  FunctionSymbol before;
  if (find_functions(libc, "__open_nocancel", &before, 1) != 1 || !before.size) return nullptr;
  const auto behind = reinterpret_cast<std::uintptr_t>(before.address) + before.size;
  auto* candidate = reinterpret_cast<unsigned char*>((behind + 15) & ~std::uintptr_t{15});
  const unsigned char* start = candidate;
  if (std::memcmp(start, "\xf3\x0f\x1e\xfa", 4) == 0) start += 4;
  if (std::memcmp(start, "\x48\x83\xec", 3) != 0) return nullptr;  // sub $n, %rsp
  static const unsigned char openat_call[] = {0xb8, 0x01, 0x01, 0x00, 0x00, 0x0f, 0x05};
  for (const unsigned char* p = start; p < start + 160; ++p)
    if (std::memcmp(p, openat_call, sizeof openat_call) == 0) return candidate;
  return nullptr;
}

bool store_code(unsigned char* at, const unsigned char* bytes, std::size_t size) noexcept {
  const auto word = reinterpret_cast<std::uintptr_t>(at);
  auto* eight = reinterpret_cast<std::uint64_t*>(word & ~std::uintptr_t{7});
  const std::size_t skip = word & 7;
  if (skip + size <= 8) {
    std::uint64_t value = __atomic_load_n(eight, __ATOMIC_RELAXED);
    std::memcpy(reinterpret_cast<unsigned char*>(&value) + skip, bytes, size);
    __atomic_store_n(eight, value, __ATOMIC_SEQ_CST);
    return true;
  }
  auto* sixteen = reinterpret_cast<std::uint64_t*>(word & ~std::uintptr_t{15});
  const std::size_t skip16 = word & 15;
  if (skip16 + size > 16) return false;
  std::uint64_t old[2], fresh[2];
  bool done = false;
  while (!done) {
    old[0] = sixteen[0];
    old[1] = sixteen[1];
    std::memcpy(fresh, old, sizeof fresh);
    std::memcpy(reinterpret_cast<unsigned char*>(fresh) + skip16, bytes, size);
    __asm__ volatile("lock cmpxchg16b %1\n\tsetz %0"
                     : "=q"(done), "+m"(*reinterpret_cast<std::uint64_t(*)[2]>(sixteen)), "+a"(old[0]), "+d"(old[1])
                     : "b"(fresh[0]), "c"(fresh[1])
                     : "memory", "cc");
  }
  return true;
}

// Caches and pipelines follow writes by themselves.
void code_written(unsigned char*, unsigned char*) noexcept {}

}  // namespace ap::interpose::machine
