// SPDX-License-Identifier: Apache-2.0
#include "base/utf8.hpp"

#include <gtest/gtest.h>

namespace ap {
namespace {

TEST(Utf8, DecodesWhatIsValid) {
  struct Case {
    std::string_view bytes;
    char32_t point;
  };
  for (const auto& [bytes, point] : {Case{"a", U'a'}, Case{"\xc3\xa9", 0xe9}, Case{"\xe2\x82\xac", 0x20ac},
                                     Case{"\xf0\x9f\x98\x80", 0x1f600}, Case{"\xf4\x8f\xbf\xbf", 0x10ffff}}) {
    std::size_t at = 0;
    char32_t got = 0;
    ASSERT_TRUE(decode_utf8(bytes, at, got));
    EXPECT_EQ(got, point);
    EXPECT_EQ(at, bytes.size());
  }
}

TEST(Utf8, RefusesWhatIsNot) {
  for (std::string_view bytes : {"\x80", "\xc0\x80", "\xc1\xbf", "\xe0\x80\x80", "\xed\xa0\x80", "\xf0\x80\x80\x80",
                                 "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xc3", "\xe2\x82", "\xc3\x28", "\xff"})
    EXPECT_EQ(first_invalid_utf8(bytes), 0u);
  EXPECT_EQ(first_invalid_utf8("ab\xff"), 2u);
  EXPECT_EQ(first_invalid_utf8("ab\xc3\xa9"), 4u);
}

}  // namespace
}  // namespace ap
