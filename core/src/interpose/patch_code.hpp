// SPDX-License-Identifier: Apache-2.0
//
// The bytes of an entry patch: the jump at the function, and its island, which leads to the replacement and holds the
// moved instructions. Used by patch.cpp, which writes them into this process, and by prepared_libc.cpp, which writes
// them into a file for children.
//
//   site:    jmp rel32 ──► island (within 2 GiB): jmp *replacement
//                          original: the moved instructions, jmp back behind the patch
#pragma once
#include <cstddef>
#include <cstdint>

namespace ap::interpose {

constexpr std::size_t kJump = 5;     // e9 rel32
constexpr std::size_t kIsland = 96;  // one island: 32 bytes of jump, 64 of relocated original
constexpr std::size_t kOriginalAt = 32;

// Whether a jump at `from` can lead to `to`.
bool reaches(std::uintptr_t from, std::uintptr_t to) noexcept;

// Where the jump is: the entry, or behind its endbr64.
unsigned char* jump_site(unsigned char* entry) noexcept;

// Returns the address behind the jump.
unsigned char* write_jump(unsigned char* at, const unsigned char* to) noexcept;
bool is_jump_to(const unsigned char* at, const unsigned char* to) noexcept;

// The island's way to the replacement: through an address of its own, or through one that stands at `slot`.
constexpr std::size_t kIslandJump = 18;
void write_island(unsigned char* at, const void* replacement) noexcept;
void write_island_by_slot(unsigned char* at, const void* const* slot) noexcept;

struct Prologue {
  unsigned char first = 0;        // length of the first instruction
  unsigned char moved = 0;        // bytes of whole instructions below the jump
  const char* trouble = nullptr;  // why it cannot be patched
};

// Reads the prologue at `site`; with `original` writes its instructions there, relocated, and the way back.
Prologue move_prologue(const unsigned char* site, unsigned char* original) noexcept;

// Self-test of an original: known instructions up to a jump.
bool is_original(const unsigned char* code) noexcept;

}  // namespace ap::interpose
