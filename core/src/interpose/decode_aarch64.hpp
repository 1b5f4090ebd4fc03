// SPDX-License-Identifier: Apache-2.0
//
// Decoder of function prologues for arm64: what the first instruction of a libc function is, as far as moving it goes.
// What it does not know it refuses, and the symbol is then not patched in its entry (patch.hpp falls back to GOT
// rewriting). Plain arithmetic on words: tested on any machine.
//
//   Instruction i;
//   if (aarch64::decode(word, i) && i.kind == Instruction::Kind::plain) ...
#pragma once
#include <cstdint>

namespace ap::interpose::aarch64 {

struct Instruction {
  enum class Kind : std::uint8_t {
    plain,    // may be copied anywhere
    address,  // adr, adrp: an address relative to the instruction, into `target`
    load,     // ldr (literal): from an address relative to the instruction
    jump,     // b
    jump_if,  // b.cond, cbz, cbnz, tbz, tbnz
    stop,     // known, but must not be moved (calls, returns, system calls, exclusive loads and stores)
  };
  Kind kind = Kind::plain;
  std::uint8_t target = 0;    // register of address and load
  bool of_page = false;       // adrp
  std::int64_t distance = 0;  // bytes from the instruction (of adrp: from its page) to what it means
};

// False: not one of ours.
bool decode(std::uint32_t word, Instruction& out) noexcept;

// The same conditional jump with another distance (bytes, small).
std::uint32_t with_distance(std::uint32_t jump_if, std::int64_t distance) noexcept;

// `bti c` and its relatives: a landing mark. `paciasp`, `pacibsp`: one that also signs the return address.
bool is_landing(std::uint32_t word) noexcept;
bool signs_return(std::uint32_t word) noexcept;

}  // namespace ap::interpose::aarch64
