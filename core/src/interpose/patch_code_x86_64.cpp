// SPDX-License-Identifier: Apache-2.0
#include "interpose/patch_code.hpp"

#include <cstring>

#include "interpose/decode_x86_64.hpp"

namespace ap::interpose {
namespace {

constexpr std::int64_t kReach = 0x7ff00000;
constexpr std::size_t kJump = 5;  // e9 rel32

std::uintptr_t word(const void* p) {
  return reinterpret_cast<std::uintptr_t>(p);
}

void put32(unsigned char* at, std::int64_t value) {
  const auto v = static_cast<std::int32_t>(value);
  std::memcpy(at, &v, 4);
}

std::int32_t get32(const unsigned char* at) {
  std::int32_t v;
  std::memcpy(&v, at, 4);
  return v;
}

// Returns the address behind the jump.
unsigned char* write_jump(unsigned char* at, const unsigned char* to) {
  return at + make_jump(at, at, to);
}

// Moves one instruction; nullptr when it cannot be moved. Returns the address behind it.
unsigned char* relocate(unsigned char* at, const unsigned char* from, const Instruction& i) {
  const std::uintptr_t next = word(from) + i.length;
  auto displacement = [&] {
    return i.field_size == 1 ? static_cast<std::int64_t>(static_cast<signed char>(from[i.field]))
                             : get32(from + i.field);
  };
  switch (i.kind) {
    case Instruction::Kind::plain:
      std::memcpy(at, from, i.length);
      return at + i.length;
    case Instruction::Kind::rip_relative: {
      const std::uintptr_t goal = next + static_cast<std::uintptr_t>(displacement());
      if (!reaches(word(at), goal)) return nullptr;
      std::memcpy(at, from, i.length);
      put32(at + i.field, static_cast<std::int64_t>(goal - (word(at) + i.length)));
      return at + i.length;
    }
    case Instruction::Kind::jump_if:
    case Instruction::Kind::jump: {
      const std::uintptr_t goal = next + static_cast<std::uintptr_t>(displacement());
      if (!reaches(word(at), goal)) return nullptr;
      if (i.kind == Instruction::Kind::jump) return write_jump(at, reinterpret_cast<const unsigned char*>(goal));
      at[0] = 0x0f;
      at[1] = static_cast<unsigned char>(0x80 | i.condition);
      put32(at + 2, static_cast<std::int64_t>(goal - (word(at) + 6)));
      return at + 6;
    }
    case Instruction::Kind::call:  // would push an address inside the island
    case Instruction::Kind::stop:
      return nullptr;
  }
  return nullptr;
}

// endbr64; jmp *[rip + ...]
unsigned char* write_indirect_jump(unsigned char* at) {
  static const unsigned char code[] = {0xf3, 0x0f, 0x1e, 0xfa, 0xff, 0x25, 0, 0, 0, 0};
  std::memcpy(at, code, sizeof code);
  return at + sizeof code;
}

}  // namespace

std::size_t islands_distance() noexcept {
  return 256u << 20;
}

bool reaches(std::uintptr_t from, std::uintptr_t to) noexcept {
  const std::int64_t distance = static_cast<std::int64_t>(to - from);
  return distance > -kReach && distance < kReach;
}

unsigned char* jump_site(unsigned char* entry) noexcept {
  return is_endbr64(entry) ? entry + 4 : entry;
}

std::size_t make_jump(unsigned char* to_bytes, const unsigned char* at, const unsigned char* to) noexcept {
  to_bytes[0] = 0xe9;
  put32(to_bytes + 1, static_cast<std::int64_t>(word(to) - word(at) - kJump));
  return kJump;
}

std::size_t make_wait(unsigned char* to_bytes) noexcept {
  to_bytes[0] = 0xeb;
  to_bytes[1] = 0xfe;
  return 2;
}

bool is_jump_to(const unsigned char* at, const unsigned char* to) noexcept {
  return at[0] == 0xe9 && at + kJump + get32(at + 1) == to;
}

unsigned char* write_island(unsigned char* at, const unsigned char*, const void* replacement) noexcept {
  unsigned char* behind = write_indirect_jump(at);
  std::memcpy(behind, &replacement, sizeof replacement);
  return behind + sizeof replacement;
}

unsigned char* write_island_by_slot(unsigned char* at, const unsigned char*, const void* const* slot) noexcept {
  unsigned char* behind = write_indirect_jump(at);
  put32(behind - 4, static_cast<std::int64_t>(word(slot) - word(behind)));
  return behind;
}

Prologue move_prologue(const unsigned char* entry, unsigned char* original) noexcept {
  Prologue out;
  const unsigned char* site = is_endbr64(entry) ? entry + 4 : entry;
  const unsigned char* from = site;
  bool movable = true, ended = false;
  while (word(from) - word(site) < kJump && !ended) {
    Instruction i;
    if (!decode(from, 15, i)) {
      out.trouble = "unknown instruction in its prologue";
      return out;
    }
    if (!out.first) out.first = i.length;
    ended = i.kind == Instruction::Kind::jump || (i.kind == Instruction::Kind::stop && *from == 0xc3);
    if (movable && original) {
      unsigned char* behind = relocate(original, from, i);
      movable = behind != nullptr;
      if (movable) original = behind;
    }
    from += i.length;
  }
  // A function shorter than the jump: what lies behind it must be padding, which the linker fills with nops or int3.
  for (const unsigned char* pad = from; word(pad) - word(site) < kJump;) {
    Instruction i;
    if (*pad != 0xcc && !(decode(pad, 15, i) && (*pad == 0x90 || *pad == 0x66 || *pad == 0x0f))) {
      out.trouble = "shorter than a jump";
      return out;
    }
    pad += *pad == 0xcc ? 1 : i.length;
  }
  out.moved = static_cast<unsigned char>(word(from) - word(site));
  if (original && !movable) {
    out.trouble = "its first instructions cannot be moved";
    return out;
  }
  if (original && !ended) write_jump(original, from);
  return out;
}

bool is_original(const unsigned char* code) noexcept {
  for (const unsigned char* end = code + kIsland - kOriginalAt; code < end;) {
    Instruction i;
    if (!decode(code, 15, i)) return false;
    if (i.kind == Instruction::Kind::jump) return true;  // the way back, or the function's own last jump
    code += i.length;
  }
  return false;
}

}  // namespace ap::interpose
