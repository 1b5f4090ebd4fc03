// SPDX-License-Identifier: Apache-2.0
#include "interpose/decode_x86_64.hpp"

#include <dlfcn.h>
#include <gtest/gtest.h>

#include <vector>

namespace ap::interpose {
namespace {

using Kind = Instruction::Kind;

struct Case {
  const char* text;
  std::vector<unsigned char> code;
  Kind kind = Kind::plain;
  unsigned field = 0;
};

TEST(Decode, PrologueInstructions) {
  const Case cases[] = {
      {"push %rbp", {0x55}},
      {"push %r15", {0x41, 0x57}},
      {"mov %esi,%r10d", {0x41, 0x89, 0xf2}},
      {"sub $0x78,%rsp", {0x48, 0x83, 0xec, 0x78}},
      {"sub $0x88,%rsp", {0x48, 0x81, 0xec, 0x88, 0, 0, 0}},
      {"mov %rcx,0x58(%rsp)", {0x48, 0x89, 0x4c, 0x24, 0x58}},
      {"mov $0x31,%eax", {0xb8, 0x31, 0, 0, 0}},
      {"movabs", {0x48, 0xb8, 1, 2, 3, 4, 5, 6, 7, 8}},
      {"mov $-22,%rax", {0x48, 0xc7, 0xc0, 0xea, 0xff, 0xff, 0xff}},
      {"mov %fs:0x28,%rax", {0x64, 0x48, 0x8b, 0x04, 0x25, 0x28, 0, 0, 0}},
      {"cmpb $0,0xd0e21(%rip)", {0x80, 0x3d, 0x21, 0x0e, 0x0d, 0x00, 0x00}, Kind::rip_relative, 2},
      {"mov 0xfe369(%rip),%rax", {0x48, 0x8b, 0x05, 0x69, 0xe3, 0x0f, 0x00}, Kind::rip_relative, 3},
      {"test $0x40,%sil", {0x40, 0xf6, 0xc6, 0x40}},
      {"test $0xfffffeff,%esi", {0xf7, 0xc6, 0xff, 0xfe, 0xff, 0xff}},
      {"or $0x10,%dh", {0x80, 0xce, 0x10}},
      {"cmp $0x410000,%eax", {0x3d, 0, 0, 0x41, 0}},
      {"je +0x1e", {0x74, 0x1e}, Kind::jump_if, 1},
      {"ja rel32", {0x0f, 0x87, 1, 0, 0, 0}, Kind::jump_if, 2},
      {"jmp rel32", {0xe9, 1, 0, 0, 0}, Kind::jump, 1},
      {"call rel32", {0xe8, 1, 0, 0, 0}, Kind::call, 1},
      {"push $0", {0x6a, 0}},
      {"pxor %xmm0,%xmm0", {0x66, 0x0f, 0xef, 0xc0}},
      {"syscall", {0x0f, 0x05}, Kind::stop},
      {"nopw 0(%rax,%rax,1)", {0x66, 0x0f, 0x1f, 0x44, 0, 0}},
  };
  for (const Case& c : cases) {
    Instruction i;
    unsigned char padded[32] = {};
    std::copy(c.code.begin(), c.code.end(), padded);
    ASSERT_TRUE(decode(padded, 15, i)) << c.text;
    EXPECT_EQ(i.length, c.code.size()) << c.text;
    EXPECT_EQ(i.kind, c.kind) << c.text;
    if (c.field) {
      EXPECT_EQ(i.field, c.field) << c.text;
    }
    if (c.code.size() > 1) {
      EXPECT_FALSE(decode(padded, c.code.size() - 1, i)) << c.text << ", cut short";
    }
  }
}

TEST(Decode, RefusesWhatItDoesNotKnow) {
  const std::vector<unsigned char> unknown[] = {
      {0xcc}, {0xf4}, {0xc5, 0xf8, 0x77}, {0x62, 0xf1}, {0xf7, 0xd8}, {0xff, 0x25, 0, 0, 0, 0}, {0x0f, 0x0b}, {0x66}};
  for (const auto& code : unknown) {
    Instruction i;
    EXPECT_FALSE(decode(code.data(), code.size(), i)) << std::hex << int(code[0]);
  }
}

TEST(Decode, EveryByteStringEndsWithinItsBounds) {
  unsigned char code[15];
  unsigned random = 1;
  for (int round = 0; round < 200000; ++round) {
    for (unsigned char& byte : code) byte = static_cast<unsigned char>((random = random * 1103515245u + 12345u) >> 16);
    Instruction i;
    if (decode(code, sizeof code, i)) {
      EXPECT_GE(i.length, 1);
      EXPECT_LE(i.length, sizeof code);
      EXPECT_LE(i.field + i.field_size, i.length);
    }
  }
}

}  // namespace
}  // namespace ap::interpose
