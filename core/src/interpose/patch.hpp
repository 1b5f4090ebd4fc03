// SPDX-License-Identifier: Apache-2.0
//
// Entry patching: the first instruction of a libc function becomes a jump to our replacement.
//
// Used by install.cpp alone; the bytes themselves are patch_code.hpp's. Only prologues that the decoder knows are
// patched; the jump is one aligned atomic store, in a window of write permission that keeps the pages executable,
// because other threads may be running them; those are kept out of the bytes that change (other_threads.hpp). What
// cannot be patched is redirected in the GOT of each loaded object instead (calls from inside libc are then not seen),
// and said. Why so, with measurements: docs/adr/0006-entry-patching.md.
#pragma once
#include <cstddef>
#include <cstdint>

#include "interpose/loaded_object.hpp"

namespace ap::interpose {

struct Patch {
  enum class State : std::uint8_t { planned, patched, redirected, failed };
  const char* symbol = nullptr;
  unsigned char* target = nullptr;  // entry of the function
  const void* replacement = nullptr;
  void** original = nullptr;      // receives the address that runs the unpatched function; may be null
  unsigned char* site = nullptr;  // where the jump is: the entry, or behind its endbr64
  unsigned char* island = nullptr;
  unsigned char first = 0;  // length of the first instruction
  unsigned char moved = 0;  // bytes of whole instructions that the relocated original holds
  State state = State::planned;
  const char* trouble = nullptr;  // why it is not `patched`
};

class Patcher {
 public:
  static constexpr std::size_t kCapacity = 256;

  // Plans one function; a function that is planned already (an alias) is left out. False when the table is full.
  bool plan(const char* symbol, unsigned char* target, const void* replacement, void** original) noexcept;

  // Patches everything planned. Call once, as early as possible. Afterwards each Patch has its final state.
  void commit() noexcept;

  // Whether each jump is still in place; puts back what is missing. Returns how many were missing.
  std::size_t repair() noexcept;

  std::size_t size() const { return count_; }
  const Patch& operator[](std::size_t i) const { return patches_[i]; }
  AddressRange islands() const { return islands_; }

 private:
  bool map_islands() noexcept;
  bool build(Patch& patch) noexcept;
  void close_entries() noexcept;
  static bool is_inside(std::uintptr_t instruction, const void* patcher) noexcept;
  void write_jumps() noexcept;
  bool verify(const Patch& patch) const noexcept;
  void redirect(Patch& patch) noexcept;

  static constexpr std::size_t kSlots = 2 * kCapacity;
  std::uint16_t planned_[kSlots] = {};  // by the target's address: 1 + its place in patches_
  Patch patches_[kCapacity];
  std::size_t count_ = 0;
  AddressRange islands_;
};

}  // namespace ap::interpose
