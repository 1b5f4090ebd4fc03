// SPDX-License-Identifier: Apache-2.0
#include <cstring>

#include "interpose/decode_aarch64.hpp"
#include "interpose/patch_code.hpp"

namespace ap::interpose {
namespace {

using aarch64::decode;
using aarch64::Instruction;

constexpr std::int64_t kReach = 0x7ff0000;  // of b: 128 MiB
constexpr std::int64_t kReachOfPages = std::int64_t{0x7ff00000} * 2;
constexpr unsigned kScratch = 16;  // x16: free between a caller and the function it calls

std::uintptr_t word(const void* p) {
  return reinterpret_cast<std::uintptr_t>(p);
}

std::uint32_t get(const unsigned char* at) {
  std::uint32_t instruction;
  std::memcpy(&instruction, at, sizeof instruction);
  return instruction;
}

unsigned char* put(unsigned char* at, std::uint32_t instruction) {
  std::memcpy(at, &instruction, sizeof instruction);
  return at + sizeof instruction;
}

std::uint32_t jump(std::int64_t distance) {
  return 0x14000000 | (static_cast<std::uint32_t>(distance / 4) & 0x3ffffff);
}

// adrp: the page of `goal`, seen from `at`.
std::uint32_t page_of(unsigned target, std::uintptr_t at, std::uintptr_t goal) {
  const auto pages = static_cast<std::uint32_t>(
      (static_cast<std::int64_t>((goal & ~std::uintptr_t{4095}) - (at & ~std::uintptr_t{4095}))) >> 12);
  return 0x90000000 | ((pages & 3) << 29) | (((pages >> 2) & 0x7ffff) << 5) | target;
}
bool reaches_page(std::uintptr_t from, std::uintptr_t to) {
  const auto distance = static_cast<std::int64_t>(to - from);
  return distance > -kReachOfPages && distance < kReachOfPages;
}

// add target, target, the place in the page; ldr target, [base, the place in the page]
std::uint32_t add_in_page(unsigned target, std::uintptr_t goal) {
  return 0x91000000 | (static_cast<std::uint32_t>(goal & 4095) << 10) | (target << 5) | target;
}
std::uint32_t load_in_page(unsigned target, unsigned base, std::uintptr_t goal) {
  return 0xf9400000 | (static_cast<std::uint32_t>((goal & 4095) / 8) << 10) | (base << 5) | target;
}

// Moves one instruction; nullptr when it cannot be moved. Returns the address behind it; `next` is where the function
// goes on. Nothing written holds an address of its own: a prepared libc is mapped anywhere.
unsigned char* relocate(unsigned char* at, const unsigned char* from, const Instruction& i) {
  const std::uintptr_t next = word(from) + 4;
  const std::uintptr_t begin = i.of_page ? word(from) & ~std::uintptr_t{4095} : word(from);
  const std::uintptr_t goal = begin + static_cast<std::uintptr_t>(i.distance);
  switch (i.kind) {
    case Instruction::Kind::plain:
      return put(at, get(from));
    case Instruction::Kind::address:
      if (!reaches_page(word(at), goal)) return nullptr;
      at = put(at, page_of(i.target, word(at), goal));
      return i.of_page ? at : put(at, add_in_page(i.target, goal));
    case Instruction::Kind::load:
      if (!reaches_page(word(at), goal) || goal % 8) return nullptr;
      at = put(at, page_of(kScratch, word(at), goal));
      return put(at, load_in_page(i.target, kScratch, goal));
    case Instruction::Kind::jump:
      return reaches(word(at), goal) ? put(at, jump(static_cast<std::int64_t>(goal - word(at)))) : nullptr;
    case Instruction::Kind::jump_if:  // over the way back, to a jump that reaches as far
      if (!reaches(word(at), goal) || !reaches(word(at), next)) return nullptr;
      at = put(at, aarch64::with_distance(get(from), 8));
      at = put(at, jump(static_cast<std::int64_t>(next - word(at))));
      return put(at, jump(static_cast<std::int64_t>(goal - word(at))));
    case Instruction::Kind::stop:
      return nullptr;
  }
  return nullptr;
}

// What the entry's landing mark has done to the return address is undone on the way to the replacement.
unsigned char* write_landing_undone(unsigned char* at, const unsigned char* entry) {
  if (!aarch64::signs_return(get(entry))) return at;
  return put(at, get(entry) | 0x80);  // autiasp, autibsp
}

// ldr x16, [address]; br x16
unsigned char* write_indirect_jump(unsigned char* at, std::int64_t distance) {
  at = put(at, 0x58000000 | ((static_cast<std::uint32_t>(distance / 4) & 0x7ffff) << 5) | kScratch);
  return put(at, 0xd61f0000 | (kScratch << 5));
}

}  // namespace

// Less than a jump reaches, by the size of libc.
std::size_t islands_distance() noexcept {
  return 112u << 20;
}

bool reaches(std::uintptr_t from, std::uintptr_t to) noexcept {
  const auto distance = static_cast<std::int64_t>(to - from);
  return distance > -kReach && distance < kReach;
}

unsigned char* jump_site(unsigned char* entry) noexcept {
  return aarch64::is_landing(get(entry)) ? entry + 4 : entry;
}

std::size_t make_jump(unsigned char* to_bytes, const unsigned char* at, const unsigned char* to) noexcept {
  put(to_bytes, jump(static_cast<std::int64_t>(word(to) - word(at))));
  return 4;
}

std::size_t make_wait(unsigned char* to_bytes) noexcept {
  put(to_bytes, jump(0));
  return 4;
}

bool is_jump_to(const unsigned char* at, const unsigned char* to) noexcept {
  return get(at) == jump(static_cast<std::int64_t>(word(to) - word(at)));
}

unsigned char* write_island(unsigned char* at, const unsigned char* entry, const void* replacement) noexcept {
  unsigned char* begin = write_landing_undone(at, entry);
  unsigned char* behind = write_indirect_jump(begin, 8);
  std::memcpy(behind, &replacement, sizeof replacement);
  return behind + sizeof replacement;
}

unsigned char* write_island_by_slot(unsigned char* at, const unsigned char* entry, const void* const* slot) noexcept {
  unsigned char* begin = write_landing_undone(at, entry);
  return write_indirect_jump(begin, static_cast<std::int64_t>(word(slot) - word(begin)));
}

Prologue move_prologue(const unsigned char* entry, unsigned char* original) noexcept {
  Prologue out;
  const unsigned char* site = aarch64::is_landing(get(entry)) ? entry + 4 : entry;
  Instruction i;
  if (!decode(get(site), i)) {
    out.trouble = "unknown instruction in its prologue";
    return out;
  }
  out.first = out.moved = 4;
  if (!original) return out;
  if (aarch64::signs_return(get(entry))) original = put(original, get(entry));
  original = relocate(original, site, i);
  if (!original || !reaches(word(original), word(site) + 4)) {
    out.trouble = "its first instructions cannot be moved";
    return out;
  }
  if (i.kind != Instruction::Kind::jump && i.kind != Instruction::Kind::jump_if)
    put(original, jump(static_cast<std::int64_t>(word(site) + 4 - word(original))));
  return out;
}

bool is_original(const unsigned char* code) noexcept {
  for (const unsigned char* end = code + kIsland - kOriginalAt; code < end; code += 4) {
    Instruction i;
    if (!decode(get(code), i)) return false;
    if (i.kind == Instruction::Kind::jump) return true;  // the way back, or the function's own last jump
  }
  return false;
}

}  // namespace ap::interpose
