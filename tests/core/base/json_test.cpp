// SPDX-License-Identifier: Apache-2.0
#include "base/json.hpp"

#include <gtest/gtest.h>

namespace ap::json {
namespace {

TEST(Json, KeepsOrderTypesAndDuplicates) {
  auto root = parse(R"({"b": 1, "a": [true, null, -2.5, "x"], "b": {"c": 18446744073709551615}})");
  ASSERT_TRUE(root) << root.error().message;
  ASSERT_EQ(root->members.size(), 3u);
  EXPECT_EQ(root->members[0].first, "b");
  EXPECT_EQ(root->members[2].first, "b");
  EXPECT_EQ(root->find("b")->integer, 1) << "the first of a duplicate key";
  const Value& list = *root->find("a");
  EXPECT_TRUE(list.items[0].flag);
  EXPECT_EQ(list.items[1].type, Type::null);
  EXPECT_EQ(list.items[2].number, -2.5);
  EXPECT_EQ(list.items[3].text, "x");
  EXPECT_EQ(root->members[2].second.find("c")->type, Type::number) << "does not fit 64 bits with a sign";
  EXPECT_EQ(root->find("absent"), nullptr);
}

struct Wrong {
  const char *text, *message;
};

TEST(Json, SaysWhereItIsWrong) {
  for (const auto& [text, message] : {
           Wrong{"", "the text is empty"},
           Wrong{" \n\t", "the text is empty"},
           Wrong{"{\n  \"a\": 1,\n}", "line 3, column 1: not valid JSON"},
           Wrong{"{\"a\" 1}", "line 1, column 6: not valid JSON"},
           Wrong{"{} x", "line 1, column 4: not valid JSON"},
           Wrong{"{\"a\": 'x'}", "line 1, column 7: not valid JSON"},
           Wrong{"\"\xff\"", "line 1, column 2: not valid UTF-8"},
           Wrong{"{\"\xc3\xa9\": \"\xed\xa0\x80\"}", "line 1, column 8: not valid UTF-8"},
           Wrong{"[1e999]", "line 1, column 2: not valid JSON"},
       }) {
    auto root = parse(text);
    ASSERT_FALSE(root) << text;
    EXPECT_EQ(root.error().message.substr(0, std::string_view(message).size()), message) << root.error().message;
    EXPECT_EQ(root.error().message.find('\n'), std::string::npos);
  }
  EXPECT_FALSE(parse(std::string_view("{\"a\0b\": 1}", 10)));
}

TEST(Json, AByteOrderMarkIsPassedOver) {
  EXPECT_TRUE(parse("\xef\xbb\xbf{}"));
}

TEST(Json, IsBounded) {
  auto nested = [](int n) {
    return std::string(static_cast<std::size_t>(n), '[') + std::string(static_cast<std::size_t>(n), ']');
  };
  EXPECT_TRUE(parse(nested(64)));
  auto deep = parse(nested(65));
  ASSERT_FALSE(deep);
  EXPECT_EQ(deep.error().code, ErrorCode::limit);
  EXPECT_NE(deep.error().message.find("nested too deeply"), std::string::npos);
  EXPECT_FALSE(parse(std::string(1 << 20, '['))) << "a million brackets are refused, not followed";
  EXPECT_FALSE(parse(std::string(1 << 20, '{')));

  auto large = parse(std::string((4u << 20) + 1, ' '));
  ASSERT_FALSE(large);
  EXPECT_EQ(large.error().code, ErrorCode::limit);
  EXPECT_NE(large.error().message.find("4194305 bytes"), std::string::npos) << large.error().message;

  std::string many = "[0";
  for (int i = 0; i < 1100000; ++i) many += ",0";
  auto counted = parse(many + "]");
  ASSERT_FALSE(counted);
  EXPECT_EQ(counted.error().code, ErrorCode::limit);
}

TEST(Json, Quotes) {
  EXPECT_EQ(quoted("a\"b\\c\n\x01"), "\"a\\\"b\\\\c\\u000a\\u0001\"");
  EXPECT_EQ(quoted("\xc3\xa9\xff"), "\"\xc3\xa9\xef\xbf\xbd\"");
  EXPECT_TRUE(parse(quoted(std::string_view("\0\x7f\xed\xa0\x80", 5))));
}

}  // namespace
}  // namespace ap::json
