// SPDX-License-Identifier: Apache-2.0
//
// The bytes of an entry patch: the jump at the function, and its island, which leads to the replacement and holds the
// moved instructions. Used by patch.cpp, which writes them into this process, and by prepared_libc.cpp, which writes
// them into a file for children. One file for each processor, patch_code_<processor>.cpp, chosen by CMake.
//
//   site:    jump ──► island (within its reach): jump to the replacement
//                     original: the moved instructions, jump back behind the patch
//
// x86_64: 5 bytes that reach 2 GiB; several instructions may have to move. arm64: one instruction of 4 bytes that
// reaches 128 MiB; the instruction that it replaces is the one that moves.
#pragma once
#include <cstddef>
#include <cstdint>

namespace ap::interpose {

constexpr std::size_t kIsland = 96;  // one island: 32 bytes of jump, 64 of relocated original
constexpr std::size_t kOriginalAt = 32;
constexpr std::size_t kLongestJump = 5;

// Islands of a prepared libc lie this far below it (prepared_libc.hpp).
std::size_t islands_distance() noexcept;

// Whether a jump at `from` can lead to `to`.
bool reaches(std::uintptr_t from, std::uintptr_t to) noexcept;

// Where the jump is: the entry, or behind its landing mark (endbr64, bti, paciasp).
unsigned char* jump_site(unsigned char* entry) noexcept;

// The jump that belongs to `at`, written to `to_bytes` (kLongestJump); its size. A jump to itself likewise.
std::size_t make_jump(unsigned char* to_bytes, const unsigned char* at, const unsigned char* to) noexcept;
std::size_t make_wait(unsigned char* to_bytes) noexcept;
bool is_jump_to(const unsigned char* at, const unsigned char* to) noexcept;

// The island's way from the function at `entry` to the replacement: through an address of its own, or through one that
// stands at `slot`. Returns the address behind it, at most `at + kOriginalAt`.
unsigned char* write_island(unsigned char* at, const unsigned char* entry, const void* replacement) noexcept;
unsigned char* write_island_by_slot(unsigned char* at, const unsigned char* entry, const void* const* slot) noexcept;

struct Prologue {
  unsigned char first = 0;        // length of the first instruction
  unsigned char moved = 0;        // bytes of whole instructions below the jump
  const char* trouble = nullptr;  // why it cannot be patched
};

// Reads the prologue of the function at `entry`; with `original` writes its instructions there, relocated, and the way
// back.
Prologue move_prologue(const unsigned char* entry, unsigned char* original) noexcept;

// Self-test of an original: known instructions up to a jump.
bool is_original(const unsigned char* code) noexcept;

}  // namespace ap::interpose
