// SPDX-License-Identifier: Apache-2.0
//
// The arm64 decoder and patch bytes, on any machine: words in, words out. That they run is tests/arm64's.
#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "interpose/decode_aarch64.hpp"
#include "interpose/patch_code.hpp"

namespace ap::interpose {
namespace {

using aarch64::decode;
using aarch64::Instruction;
using Kind = Instruction::Kind;

TEST(DecodeAarch64, PrologueInstructions) {
  const struct {
    const char* text;
    std::uint32_t word;
    Kind kind = Kind::plain;
    std::int64_t distance = 0;
    unsigned target = 0;
  } cases[] = {
      {"stp x29, x30, [sp, #-48]!", 0xa9bd7bfd},
      {"sub sp, sp, #0x50", 0xd10143ff},
      {"mov x8, #56", 0xd2800708},
      {"mov w1, w1", 0x2a0103e1},
      {"mrs x1, tpidr_el0", 0xd53bd041},
      {"bti c", 0xd503245f},
      {"paciasp", 0xd503233f},
      {"nop", 0xd503201f},
      {"str x19, [sp, #-16]!", 0xf81f0ff3},
      {"cmp x1, #0", 0xf100003f},
      {"fmov d0, #1.0", 0x1e6e1000},
      {"ldr q0, [x1]", 0x3dc00020},
      {"adrp x3, +0x17f000", 0xb0000be3, Kind::address, 0x17d000, 3},
      {"adrp x0, -1 page", 0xf0ffffe0, Kind::address, -4096, 0},
      {"adr x5, -4", 0x10ffffe5, Kind::address, -4, 5},
      {"adr x5, +5", 0x30000025, Kind::address, 5, 5},
      {"ldr x4, +16", 0x58000084, Kind::load, 16, 4},
      {"b +0x100", 0x14000040, Kind::jump, 0x100},
      {"b -4", 0x17ffffff, Kind::jump, -4},
      {"b.eq +8", 0x54000040, Kind::jump_if, 8},
      {"cbz x0, -8", 0xb4ffffc0, Kind::jump_if, -8},
      {"cbnz w1, +12", 0x35000061, Kind::jump_if, 12},
      {"tbnz w2, #6, +0x54", 0x373002a2, Kind::jump_if, 0x54},
      {"bl +4", 0x94000001, Kind::stop, 4},
      {"svc #0", 0xd4000001, Kind::stop},
      {"ret", 0xd65f03c0, Kind::stop},
      {"br x16", 0xd61f0200, Kind::stop},
      {"blr x1", 0xd63f0020, Kind::stop},
      {"ldxr x0, [x1]", 0xc85f7c20, Kind::stop},
      {"dmb ish", 0xd5033bbf, Kind::stop},
  };
  for (const auto& c : cases) {
    Instruction i;
    ASSERT_TRUE(decode(c.word, i)) << c.text;
    EXPECT_EQ(i.kind, c.kind) << c.text;
    if (c.kind != Kind::plain && c.kind != Kind::stop) {
      EXPECT_EQ(i.distance, c.distance) << c.text;
    }
    EXPECT_EQ(i.target, c.target) << c.text;
  }
}

TEST(DecodeAarch64, RefusesWhatItDoesNotKnow) {
  for (const std::uint32_t word : {0x00000000u, 0x04200000u, 0x18000000u, 0x98000000u, 0xd8000000u, 0x1c000000u}) {
    Instruction i;
    EXPECT_FALSE(decode(word, i)) << std::hex << word;  // udf, sve, ldr w, ldrsw, prfm, ldr s
  }
}

// A function, its island some way below it, and what a processor would do there.
class PatchCodeAarch64 : public testing::Test {
 protected:
  PatchCodeAarch64() : memory_(1 << 20), base_(memory_.data()) {
    base_ += 4096 - reinterpret_cast<std::uintptr_t>(base_) % 4096;
    island_ = base_ + 4096;
    function_ = base_ + 0x80000;
  }
  void write(std::initializer_list<std::uint32_t> words) {
    unsigned char* at = function_;
    for (const std::uint32_t word : words) {
      std::memcpy(at, &word, 4);
      at += 4;
    }
  }
  static std::uint32_t word_at(const unsigned char* at) {
    std::uint32_t word;
    std::memcpy(&word, at, 4);
    return word;
  }
  // Where the instruction at `at` leads, or the address that it makes.
  static std::uintptr_t goal(const unsigned char* at) {
    Instruction i;
    EXPECT_TRUE(decode(word_at(at), i));
    const auto here = reinterpret_cast<std::uintptr_t>(at);
    return (i.of_page ? here & ~std::uintptr_t{4095} : here) + static_cast<std::uintptr_t>(i.distance);
  }
  static std::uintptr_t number(const void* p) { return reinterpret_cast<std::uintptr_t>(p); }

  std::vector<unsigned char> memory_;
  unsigned char *base_, *island_, *function_;
};

TEST_F(PatchCodeAarch64, TheJumpIsBehindTheLandingMark) {
  write({0xd10143ff, 0xd65f03c0});
  EXPECT_EQ(jump_site(function_), function_);
  for (const std::uint32_t mark : {0xd503245fu, 0xd503233fu, 0xd503237fu}) {
    write({mark, 0xd10143ff});
    EXPECT_EQ(jump_site(function_), function_ + 4);
  }
  unsigned char jump[kLongestJump];
  ASSERT_EQ(make_jump(jump, function_, island_), 4u);
  std::memcpy(function_, jump, 4);
  EXPECT_EQ(goal(function_), number(island_));
  EXPECT_TRUE(is_jump_to(function_, island_));
  EXPECT_FALSE(is_jump_to(function_, island_ + 4));
}

TEST_F(PatchCodeAarch64, WhatThePrologueHasSignedIsUndone) {
  write({0xd10143ff});
  const unsigned char* end = write_island(island_, function_, function_ + 64);
  EXPECT_EQ(word_at(island_), 0x58000050u);      // ldr x16, +8
  EXPECT_EQ(word_at(island_ + 4), 0xd61f0200u);  // br x16
  std::uint64_t address;
  std::memcpy(&address, island_ + 8, 8);
  EXPECT_EQ(address, number(function_ + 64));
  EXPECT_EQ(end, island_ + 16);

  write({0xd503233f, 0xd10143ff});
  write_island(island_, function_, function_ + 64);
  EXPECT_EQ(word_at(island_), 0xd50323bfu);  // autiasp
  ASSERT_EQ(move_prologue(function_, island_ + kOriginalAt).trouble, nullptr);
  EXPECT_EQ(word_at(island_ + kOriginalAt), 0xd503233fu);
  EXPECT_EQ(word_at(island_ + kOriginalAt + 4), 0xd10143ffu);
  EXPECT_EQ(goal(island_ + kOriginalAt + 8), number(function_ + 8));
}

TEST_F(PatchCodeAarch64, ReachesItsReplacementThroughASlot) {
  write({0xd10143ff});
  write_island_by_slot(island_, function_, reinterpret_cast<const void* const*>(base_));
  EXPECT_EQ(goal(island_), number(base_));
}

TEST_F(PatchCodeAarch64, MovesEachKind) {
  unsigned char* original = island_ + kOriginalAt;
  struct {
    std::uint32_t word;
    const char* text;
  } cases[] = {{0xd10143ff, "plain"}, {0xb0000be3, "adrp"}, {0x10ffffe5, "adr"}, {0x58000084, "ldr"}};
  for (const auto& c : cases) {
    write({c.word, 0xd65f03c0});
    Instruction i;
    ASSERT_TRUE(decode(c.word, i));
    const std::uintptr_t meant = goal(function_);
    const Prologue prologue = move_prologue(function_, original);
    ASSERT_EQ(prologue.trouble, nullptr) << c.text;
    EXPECT_EQ(prologue.moved, 4);
    EXPECT_TRUE(is_original(original)) << c.text;
    unsigned char* at = original + 4;
    if (i.kind == Kind::plain) {
      EXPECT_EQ(word_at(original), c.word);
    } else {
      EXPECT_EQ(goal(original), meant & ~std::uintptr_t{4095}) << c.text;
      const std::uint32_t low = (word_at(at) >> 10) & 4095;
      if (i.kind == Kind::load) {
        EXPECT_EQ(low * 8, meant & 4095) << c.text;
      }
      if (i.kind == Kind::address && !i.of_page) {
        EXPECT_EQ(low, meant & 4095) << c.text;
      }
      at += i.of_page ? 0 : 4;
    }
    EXPECT_EQ(goal(at), number(function_ + 4)) << c.text << ": the way back";
  }
}

TEST_F(PatchCodeAarch64, MovesJumps) {
  unsigned char* original = island_ + kOriginalAt;
  write({0x14000040});
  ASSERT_EQ(move_prologue(function_, original).trouble, nullptr);
  EXPECT_EQ(goal(original), number(function_ + 0x100));

  for (const std::uint32_t jump_if : {0x54000040u, 0xb4ffffc0u, 0x373002a2u}) {
    write({jump_if});
    const std::uintptr_t meant = goal(function_);
    ASSERT_EQ(move_prologue(function_, original).trouble, nullptr);
    EXPECT_EQ(goal(original), number(original + 8));
    EXPECT_EQ(goal(original + 4), number(function_ + 4)) << "not taken";
    EXPECT_EQ(goal(original + 8), meant) << "taken";
    EXPECT_TRUE(is_original(original));
  }
}

TEST_F(PatchCodeAarch64, RefusesWhatCannotBeMoved) {
  unsigned char* original = island_ + kOriginalAt;
  for (const std::uint32_t word : {0x94000001u, 0xd65f03c0u, 0xd4000001u, 0u}) {
    write({word});
    EXPECT_NE(move_prologue(function_, original).trouble, nullptr) << std::hex << word;
  }
  write({0x94000001});  // a call may be replaced, where nobody wants the original
  EXPECT_EQ(move_prologue(function_, nullptr).trouble, nullptr);
  EXPECT_FALSE(reaches(0x10000000, 0x10000000 + (128u << 20)));
  EXPECT_TRUE(reaches(0x10000000, 0x10000000 + islands_distance()));
}

}  // namespace
}  // namespace ap::interpose
