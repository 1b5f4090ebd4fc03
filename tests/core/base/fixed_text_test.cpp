// SPDX-License-Identifier: Apache-2.0
#include "base/fixed_text.hpp"

#include <gtest/gtest.h>

namespace ap {
namespace {

TEST(FixedText, HoldsWhatFits) {
  FixedText<8> text;
  text.append("abc");
  text.append('d');
  text.append("");
  EXPECT_EQ(text.view(), "abcd");
  text.append("efgh");
  EXPECT_EQ(text.view(), "abcdefgh");
  EXPECT_FALSE(text.overflowed());
}

TEST(FixedText, RemembersWhatDidNotFit) {
  FixedText<4> text;
  text.append("abc");
  text.append("de");
  EXPECT_TRUE(text.overflowed());
  EXPECT_EQ(text.view(), "abc") << "a piece is appended whole or not at all";
  text.clear();
  EXPECT_FALSE(text.overflowed());
  EXPECT_TRUE(text.empty());
}

}  // namespace
}  // namespace ap
