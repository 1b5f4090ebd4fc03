// SPDX-License-Identifier: Apache-2.0
#include "interpose/decode_x86_64.hpp"

#include <cstring>

namespace ap::interpose {
namespace {

using Kind = Instruction::Kind;

// How an opcode's operands are laid out behind it.
enum class Form : std::uint8_t {
  unknown,
  none,
  modrm,
  modrm_imm8,
  modrm_imm32,
  imm8,
  imm32,
  imm32_or_64,
  jump8,
  jump32,
  jcc8,
  call32,
  stop
};

Form one_byte(unsigned op) {
  if (op >= 0x50 && op <= 0x5f) return Form::none;         // push, pop
  if (op >= 0x70 && op <= 0x7f) return Form::jcc8;         // jcc rel8
  if (op >= 0xb8 && op <= 0xbf) return Form::imm32_or_64;  // mov r, imm
  switch (op) {
    case 0x01:
    case 0x03:
    case 0x09:
    case 0x0b:
    case 0x21:
    case 0x23:
    case 0x29:
    case 0x2b:  // add or and sub
    case 0x31:
    case 0x33:
    case 0x39:
    case 0x3b:  // xor cmp
    case 0x38:
    case 0x3a:
    case 0x84:
    case 0x85:
    case 0x88:
    case 0x89:
    case 0x8a:
    case 0x8b:  // cmp test mov
    case 0x8d:
    case 0x63:  // lea, movslq
      return Form::modrm;
    case 0x80:
    case 0x83:
    case 0xc0:
    case 0xc1:
    case 0xc6:
      return Form::modrm_imm8;  // arithmetic, shifts, mov imm8
    case 0x81:
    case 0xc7:
      return Form::modrm_imm32;
    case 0x3c:
    case 0xa8:
    case 0x6a:
      return Form::imm8;  // cmp al, test al, push
    case 0x05:
    case 0x0d:
    case 0x25:
    case 0x2d:
    case 0x35:
    case 0x3d:
    case 0xa9:
    case 0x68:
      return Form::imm32;
    case 0x90:
      return Form::none;
    case 0xeb:
      return Form::jump8;
    case 0xe9:
      return Form::jump32;
    case 0xe8:
      return Form::call32;
    case 0xc3:
      return Form::stop;
    default:
      return Form::unknown;
  }
}

Form two_byte(unsigned op) {
  if (op >= 0x40 && op <= 0x4f) return Form::modrm;  // cmovcc
  switch (op) {
    case 0x05:
      return Form::stop;  // syscall
    case 0x1f:
    case 0x57:
    case 0xef:  // xorps, pxor
    case 0xb6:
    case 0xb7:
    case 0xbe:
    case 0xbf:
      return Form::modrm;  // also nop, movzx, movsx
    default:
      return Form::unknown;
  }
}

}  // namespace

bool is_endbr64(const unsigned char* code) noexcept {
  return std::memcmp(code, "\xf3\x0f\x1e\xfa", 4) == 0;
}

bool decode(const unsigned char* code, std::size_t size, Instruction& out) noexcept {
  out = Instruction{};
  std::size_t at = 0;
  bool operand16 = false, wide = false;
  auto left = [&](std::size_t n) { return at + n <= size; };

  // Legacy prefixes that prologues use: fs: (the thread pointer) and the operand size.
  while (left(1) && (code[at] == 0x64 || code[at] == 0x66)) operand16 |= code[at++] == 0x66;
  if (left(1) && (code[at] & 0xf0) == 0x40) wide = (code[at++] & 8) != 0;  // REX
  if (!left(1)) return false;

  unsigned op = code[at++];
  Form form;
  bool test_group = false;
  if (op == 0x0f) {
    if (!left(1)) return false;
    op = code[at++];
    if (op >= 0x80 && op <= 0x8f) {  // jcc rel32
      if (!left(4)) return false;
      out.kind = Kind::jump_if;
      out.condition = static_cast<std::uint8_t>(op & 15);
      out.field = static_cast<std::uint8_t>(at);
      out.field_size = 4;
      out.length = static_cast<std::uint8_t>(at + 4);
      return true;
    }
    form = two_byte(op);
  } else if (op == 0xf6 || op == 0xf7) {
    form = op == 0xf6 ? Form::modrm_imm8 : Form::modrm_imm32;  // group 3: only `test` (/0) carries an immediate
    test_group = true;
  } else {
    form = one_byte(op);
  }

  std::size_t immediate = 0;
  switch (form) {
    case Form::unknown:
      return false;
    case Form::none:
      break;
    case Form::stop:
      out.kind = Kind::stop;
      break;
    case Form::imm8:
      immediate = 1;
      break;
    case Form::imm32:
      immediate = operand16 ? 2 : 4;
      break;
    case Form::imm32_or_64:
      immediate = wide ? 8 : operand16 ? 2 : 4;
      break;
    case Form::jcc8:
    case Form::jump8:
      out.kind = form == Form::jcc8 ? Kind::jump_if : Kind::jump;
      out.condition = static_cast<std::uint8_t>(op & 15);
      out.field = static_cast<std::uint8_t>(at);
      out.field_size = 1;
      immediate = 1;
      break;
    case Form::jump32:
    case Form::call32:
      out.kind = form == Form::jump32 ? Kind::jump : Kind::call;
      out.field = static_cast<std::uint8_t>(at);
      out.field_size = 4;
      immediate = 4;
      break;
    case Form::modrm:
    case Form::modrm_imm8:
    case Form::modrm_imm32: {
      if (!left(1)) return false;
      const unsigned modrm = code[at++], mode = modrm >> 6, rm = modrm & 7;
      if (test_group && ((modrm >> 3) & 7) != 0) return false;
      if (mode != 3) {
        std::size_t displacement = mode == 1 ? 1 : mode == 2 ? 4 : 0;
        if (rm == 4) {
          if (!left(1)) return false;
          if (mode == 0 && (code[at] & 7) == 5) displacement = 4;  // [index * scale + disp32]
          ++at;
        } else if (mode == 0 && rm == 5) {
          displacement = 4;
          out.kind = Kind::rip_relative;
          out.field = static_cast<std::uint8_t>(at);
          out.field_size = 4;
        }
        at += displacement;
      }
      immediate = form == Form::modrm_imm8 ? 1 : form == Form::modrm_imm32 ? (operand16 ? 2 : 4) : 0;
      break;
    }
  }
  at += immediate;
  if (at > size || at > 15) return false;
  out.length = static_cast<std::uint8_t>(at);
  return true;
}

}  // namespace ap::interpose
