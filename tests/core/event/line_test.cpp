// SPDX-License-Identifier: Apache-2.0
#include "event/line.hpp"

#include <gtest/gtest.h>
#include <rapidjson/document.h>

#include <string>

namespace {

using ap::event::Line;

std::string quoted(std::string_view value, std::size_t cap = 4000) {
  Line line;
  line.string(value, cap);
  return std::string(line.view());
}

TEST(Line, EscapesWhatJsonAsksFor) {
  EXPECT_EQ(quoted("plain /path"), "\"plain /path\"");
  EXPECT_EQ(quoted("a\"b\\c"), R"("a\"b\\c")");
  EXPECT_EQ(quoted("a\nb\rc\td"), R"("a\nb\rc\td")");
  EXPECT_EQ(quoted(std::string_view("a\0b\x1f\x7f", 5)), R"("a\u0000b\u001f\u007f")");
  EXPECT_EQ(quoted("gr\xC3\xBC\xC3\x9F \xE2\x82\xAC \xF0\x9F\x98\x80"),
            "\"gr\xC3\xBC\xC3\x9F \xE2\x82\xAC \xF0\x9F\x98\x80\"");
}

TEST(Line, ReplacesWhatIsNoUtf8) {
  const std::string r = "\xEF\xBF\xBD";
  EXPECT_EQ(quoted("\xFF"), "\"" + r + "\"");
  EXPECT_EQ(quoted("\x80x"), "\"" + r + "x\"");
  EXPECT_EQ(quoted("\xED\xA0\x80"), "\"" + r + r + r + "\"") << "a lone surrogate";
  EXPECT_EQ(quoted("\xED\xB2\x80x"), "\"" + r + r + r + "x\"") << "as Python's surrogatepass writes it";
  EXPECT_EQ(quoted("\xC0\xAF"), "\"" + r + r + "\"") << "overlong";
  EXPECT_EQ(quoted("\xF4\x90\x80\x80"), "\"" + r + r + r + r + "\"") << "above U+10FFFF";
  EXPECT_EQ(quoted("\xE2\x82"), "\"" + r + r + "\"") << "cut in the middle";
}

TEST(Line, CutsAValueAtACharacterAndSaysSo) {
  Line line;
  line.string("12345\xC3\xBC", 6);
  EXPECT_EQ(line.view(), "\"12345\"");
  EXPECT_TRUE(line.truncated());
  Line escaped;
  escaped.string("1234\n", 5);
  EXPECT_EQ(escaped.view(), "\"1234\"") << "an escape is not cut in two";
  Line whole;
  whole.string("123456", 6);
  EXPECT_EQ(whole.view(), "\"123456\"");
  EXPECT_FALSE(whole.truncated());
}

TEST(Line, AMegabyteIsCutAndCostsNothingMuch) {
  const std::string text(1 << 20, '\n');
  Line line;
  line.raw("{\"x\":");
  line.string(text, 2000);
  line.raw("}");
  EXPECT_LE(line.size(), 2010u);
  rapidjson::Document json;
  EXPECT_FALSE(json.Parse(line.view().data(), line.size()).HasParseError());
}

TEST(Line, NeverLeavesItsBuffer) {
  Line line;
  for (int i = 0; i < 1000; ++i) line.string("0123456789", 10);
  EXPECT_LE(line.size(), Line::kMax);
  line.raw(std::string(5000, 'x'));
  EXPECT_FALSE(line.fits());
}

TEST(Line, NullIsNotEmpty) {
  Line line;
  line.string_or_null({}, 10);
  line.raw(",");
  line.string_or_null("", 10);
  EXPECT_EQ(line.view(), "null,\"\"");
}

TEST(Line, Numbers) {
  Line line;
  line.number(0);
  line.raw(" ");
  line.number(18446744073709551615ull);
  EXPECT_EQ(line.view(), "0 18446744073709551615");
}

}  // namespace
