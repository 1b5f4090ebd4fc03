// SPDX-License-Identifier: Apache-2.0
#include "interpose/patch.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cstring>
#include <memory>

namespace ap::interpose {
namespace {

int replacement() {
  return 7;
}
int (*original)() = nullptr;
int through_original() {
  return original() + 100;
}

// A page of small functions, 64 bytes apart.
class Code {
 public:
  Code()
      : page_(static_cast<unsigned char*>(
            mmap(nullptr, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))) {
    std::memset(page_, 0x90, 4096);
  }
  ~Code() { munmap(page_, 4096); }
  unsigned char* add(std::initializer_list<unsigned char> bytes) {
    unsigned char* at = page_ + 64 * count_++;
    std::copy(bytes.begin(), bytes.end(), at);
    return at;
  }

 private:
  unsigned char* page_;
  int count_ = 0;
};

int call(unsigned char* function) {
  return reinterpret_cast<int (*)()>(function)();
}

template <typename F>
const void* code(F* f) {
  return reinterpret_cast<const void*>(f);
}

struct Shape {
  const char* text;
  std::initializer_list<unsigned char> bytes;  // returns 42
};
const Shape shapes[] = {
    {"mov eax; ret", {0xb8, 42, 0, 0, 0, 0xc3}},
    {"endbr64 first", {0xf3, 0x0f, 0x1e, 0xfa, 0xb8, 42, 0, 0, 0, 0xc3}},
    {"short first instruction", {0x55, 0x48, 0x89, 0xe5, 0xb8, 42, 0, 0, 0, 0x5d, 0xc3}},
    {"conditional jump moved", {0x48, 0x31, 0xc0, 0x74, 0x05, 0xb8, 1, 0, 0, 0, 0xb8, 42, 0, 0, 0, 0xc3}},
    {"reads relative to itself", {0x8b, 0x05, 0x02, 0, 0, 0, 0xc3, 0x90, 42, 0, 0, 0}},
    {"jumps at once", {0xeb, 0x06, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0xb8, 42, 0, 0, 0, 0xc3}},
};

TEST(Patcher, ReplacesAndKeepsTheOriginal) {
  for (const Shape& shape : shapes) {
    Code page;
    unsigned char* function = page.add(shape.bytes);
    ASSERT_EQ(call(function), 42) << shape.text;
    auto patcher = std::make_unique<Patcher>();
    original = nullptr;
    ASSERT_TRUE(patcher->plan(shape.text, function, code(through_original), reinterpret_cast<void**>(&original)));
    patcher->commit();
    EXPECT_EQ((*patcher)[0].state, Patch::State::patched)
        << shape.text << ": " << ((*patcher)[0].trouble ? (*patcher)[0].trouble : "");
    EXPECT_EQ(call(function), 142) << shape.text;
  }
}

TEST(Patcher, AnAliasIsPatchedOnce) {
  Code page;
  unsigned char* function = page.add({0xb8, 42, 0, 0, 0, 0xc3});
  auto patcher = std::make_unique<Patcher>();
  patcher->plan("a", function, code(replacement), nullptr);
  patcher->plan("b", function, code(through_original), nullptr);
  EXPECT_EQ(patcher->size(), 1u);
  patcher->commit();
  EXPECT_EQ(call(function), 7);
}

TEST(Patcher, RefusesWhatItCannotMoveOrDecode) {
  struct {
    std::initializer_list<unsigned char> bytes;
    bool wants_original;
  } cases[] = {
      {{0xc5, 0xf8, 0x77, 0xb8, 42, 0, 0, 0, 0xc3}, false},       // vzeroupper: not known
      {{0x0f, 0x05, 0xc3, 0xb8, 42, 0, 0, 0, 0xc3}, true},        // syscall cannot be moved
      {{0xe8, 0, 0, 0, 0, 0x58, 0xb8, 42, 0, 0, 0, 0xc3}, true},  // nor a call
      {{0xc3, 0xb8, 42, 0, 0, 0, 0xc3}, false},                   // another function 1 byte behind
  };
  for (const auto& c : cases) {
    Code page;
    unsigned char* function = page.add(c.bytes);
    const unsigned char before = function[0];
    auto patcher = std::make_unique<Patcher>();
    patcher->plan("f", function, code(replacement), c.wants_original ? reinterpret_cast<void**>(&original) : nullptr);
    patcher->commit();
    EXPECT_EQ((*patcher)[0].state, Patch::State::failed);
    EXPECT_NE((*patcher)[0].trouble, nullptr);
    EXPECT_EQ(function[0], before);
  }
}

TEST(Patcher, PutsBackWhatIsMissing) {
  Code page;
  unsigned char* function = page.add({0xb8, 42, 0, 0, 0, 0xc3});
  auto patcher = std::make_unique<Patcher>();
  patcher->plan("f", function, code(replacement), nullptr);
  patcher->commit();
  EXPECT_EQ(patcher->repair(), 0u);
  const unsigned char clean[] = {0xb8, 42, 0, 0, 0};
  ASSERT_EQ(mprotect(reinterpret_cast<void*>(reinterpret_cast<std::uintptr_t>(function) & ~4095ul), 4096,
                     PROT_READ | PROT_WRITE | PROT_EXEC),
            0);
  std::memcpy(function, clean, sizeof clean);
  EXPECT_EQ(call(function), 42);
  EXPECT_EQ(patcher->repair(), 1u);
  EXPECT_EQ(call(function), 7);
}

}  // namespace
}  // namespace ap::interpose
