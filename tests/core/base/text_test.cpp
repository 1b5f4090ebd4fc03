// SPDX-License-Identifier: Apache-2.0
#include "base/text.hpp"

#include <gtest/gtest.h>

namespace ap {
namespace {

TEST(Text, StaysOneReadableLine) {
  EXPECT_EQ(shown("a b"), "`a b`");
  EXPECT_EQ(shown("a\nb\x1b[31m\x7f"), "`a\\nb\\x1b[31m\\x7f`");
  EXPECT_EQ(shown("\xff\xc3\xa9"), "`\\xff\xc3\xa9`");
  EXPECT_EQ(shown("\xe2\x80\xa8"), "`\\xe2\\x80\\xa8`") << "U+2028 breaks lines in terminals and JSON viewers";
  std::string million = shown(std::string(1000000, 'x'));
  EXPECT_LT(million.size(), 200u);
  EXPECT_TRUE(million.ends_with("...`"));
}

}  // namespace
}  // namespace ap
