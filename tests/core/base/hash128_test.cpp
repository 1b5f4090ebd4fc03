// SPDX-License-Identifier: Apache-2.0
#include "base/hash128.hpp"

#include <gtest/gtest.h>

#include <string>

namespace ap {
namespace {

// Values of the reference implementation (smhasher, MurmurHash3_x64_128, seed 0).
TEST(Hash128, MeetsTheReference) {
  EXPECT_EQ(hash128(""), (Hash128{0, 0}));
  EXPECT_EQ(hash128("hello"), (Hash128{0xcbd8a7b341bd9b02ull, 0x5b1e906a48ae1d19ull}));
  EXPECT_EQ(hash128("hello, world"), (Hash128{0x342fac623a5ebc8eull, 0x4cdcbc079642414dull}));
  EXPECT_EQ(hash128("The quick brown fox jumps over the lazy dog."),
            (Hash128{0xcd99481f9ee902c9ull, 0x695da1a38987b6e7ull}));
}

TEST(Hash128, SeesEveryByte) {
  std::string bytes(100, 'x');
  const Hash128 whole = hash128(bytes);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    std::string changed = bytes;
    changed[i] = 'y';
    EXPECT_NE(hash128(changed), whole) << i;
  }
  EXPECT_NE(hash128(std::string(99, 'x')), whole);
  EXPECT_NE(hash128(std::string(3, '\0')), hash128(std::string(4, '\0'))) << "the length counts";
}

}  // namespace
}  // namespace ap
