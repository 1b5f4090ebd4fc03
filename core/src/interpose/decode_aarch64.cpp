// SPDX-License-Identifier: Apache-2.0
#include "interpose/decode_aarch64.hpp"

namespace ap::interpose::aarch64 {
namespace {

using Kind = Instruction::Kind;

constexpr std::uint32_t kPaciasp = 0xd503233f, kPacibsp = 0xd503237f;
constexpr std::uint32_t kBtiC = 0xd503245f, kBtiJ = 0xd503249f, kBtiJc = 0xd50324df;

// `bits` bits of `word` from `low` on, as a signed number.
std::int64_t signed_field(std::uint32_t word, unsigned low, unsigned bits) {
  const std::uint64_t value = (word >> low) & ((1u << bits) - 1);
  const std::uint64_t sign = std::uint64_t{1} << (bits - 1);
  return static_cast<std::int64_t>((value ^ sign) - sign);
}

bool decode_branch(std::uint32_t word, Instruction& out) {
  if ((word & 0x7c000000) == 0x14000000) {  // b, bl
    out.kind = word >> 31 ? Kind::stop : Kind::jump;
    out.distance = signed_field(word, 0, 26) * 4;
    return true;
  }
  if ((word & 0xff000010) == 0x54000000 || (word & 0x7e000000) == 0x34000000) {  // b.cond; cbz, cbnz
    out.kind = Kind::jump_if;
    out.distance = signed_field(word, 5, 19) * 4;
    return true;
  }
  if ((word & 0x7e000000) == 0x36000000) {  // tbz, tbnz
    out.kind = Kind::jump_if;
    out.distance = signed_field(word, 5, 14) * 4;
    return true;
  }
  if ((word & 0xfffff01f) == 0xd503201f) return true;  // hints: nop, bti, pac..., aut...
  if ((word & 0xfff00000) == 0xd5300000) return true;  // mrs: the thread pointer
  if ((word & 0xfe000000) == 0xd6000000 || (word & 0xff000000) == 0xd4000000 || (word & 0xffc00000) == 0xd5000000) {
    out.kind = Kind::stop;  // br, blr, ret; svc, brk; msr, barriers
    return true;
  }
  return false;
}

bool decode_memory(std::uint32_t word, Instruction& out) {
  if ((word & 0x3b000000) == 0x18000000) {                     // literal
    if (word >> 30 != 1 || (word & 0x04000000)) return false;  // of its four kinds, ldr of 64 bits is used
    out.kind = Kind::load;
    out.target = word & 31;
    out.distance = signed_field(word, 5, 19) * 4;
    return true;
  }
  if ((word & 0x3f000000) == 0x08000000) out.kind = Kind::stop;  // exclusive and ordered
  return true;
}

}  // namespace

bool decode(std::uint32_t word, Instruction& out) noexcept {
  out = Instruction{};
  switch ((word >> 25) & 15) {
    case 0b1000:
    case 0b1001:  // data processing, immediate
      if ((word & 0x1f000000) == 0x10000000) {
        out.kind = Kind::address;
        out.target = word & 31;
        out.of_page = (word >> 31) != 0;
        const std::int64_t value = signed_field(word, 5, 19) * 4 + ((word >> 29) & 3);
        out.distance = out.of_page ? value * 4096 : value;
      }
      return true;
    case 0b1010:
    case 0b1011:
      return decode_branch(word, out);
    case 0b0100:
    case 0b0110:
    case 0b1100:
    case 0b1110:
      return decode_memory(word, out);
    case 0b0101:
    case 0b1101:  // data processing, registers
    case 0b0111:
    case 0b1111:  // floating point and vectors
      return true;
    default:
      return false;
  }
}

std::uint32_t with_distance(std::uint32_t jump_if, std::int64_t distance) noexcept {
  const bool tests_bit = (jump_if & 0x7e000000) == 0x36000000;
  const std::uint32_t mask = tests_bit ? 0x3fff : 0x7ffff;
  return (jump_if & ~(mask << 5)) | ((static_cast<std::uint32_t>(distance / 4) & mask) << 5);
}

bool is_landing(std::uint32_t word) noexcept {
  return word == kBtiC || word == kBtiJ || word == kBtiJc || signs_return(word);
}

bool signs_return(std::uint32_t word) noexcept {
  return word == kPaciasp || word == kPacibsp;
}

}  // namespace ap::interpose::aarch64
