// SPDX-License-Identifier: Apache-2.0
//
// Decoder of function prologues: exactly the instructions that start a libc function, nothing else. What it does not
// know it refuses, and the symbol is then not patched in its entry (patch.hpp falls back to GOT rewriting).
//
//   Instruction i;
//   if (decode(code, 15, i)) code += i.length;
#pragma once
#include <cstddef>
#include <cstdint>

namespace ap::interpose {

struct Instruction {
  enum class Kind : std::uint8_t {
    plain,         // may be copied anywhere
    rip_relative,  // a memory operand relative to the instruction pointer: 32-bit displacement at `field`
    jump_if,       // conditional jump, `condition` 0..15, displacement at `field`
    jump,          // unconditional jump, displacement at `field`
    call,          // direct call, displacement at `field`
    stop,          // known, but must not be moved (syscall, ret)
  };
  Kind kind = Kind::plain;
  std::uint8_t length = 0;
  std::uint8_t field = 0;       // offset of the displacement within the instruction
  std::uint8_t field_size = 0;  // 1 or 4
  std::uint8_t condition = 0;
};

// Decodes the instruction at `code` (at most `size` bytes are read). False: not one of ours.
bool decode(const unsigned char* code, std::size_t size, Instruction& out) noexcept;

// `endbr64` (f3 0f 1e fa): a landing mark of CET, 4 bytes; kept in front of a patch.
bool is_endbr64(const unsigned char* code) noexcept;

}  // namespace ap::interpose
