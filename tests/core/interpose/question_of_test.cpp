// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <string>

#include "interpose/network.hpp"

namespace ap::interpose {
namespace {

std::string query(std::string_view labels, std::string_view flags = "\x01") {
  std::string out = "\x12\x34";
  out += flags;
  out += std::string("\0\0\1\0\0\0\0\0\0", 9);
  out += labels;
  return out + std::string("\0\0\1\0\1", 5);
}

std::string question(std::string_view packet, int& type) {
  char name[256];
  const auto size =
      question_of(reinterpret_cast<const unsigned char*>(packet.data()), packet.size(), name, sizeof name, type);
  return {name, size};
}

TEST(QuestionOf, ReadsNameAndType) {
  int type = 0;
  EXPECT_EQ(question(query("\x03"
                           "www"
                           "\x07"
                           "example"),
                     type),
            "www.example");
  EXPECT_EQ(type, 1);
}

TEST(QuestionOf, RefusesWhatIsNoQuery) {
  int type = 0;
  const std::string good = query(
      "\x03"
      "www");
  for (std::size_t cut = 0; cut < good.size(); ++cut) EXPECT_EQ(question(good.substr(0, cut), type), "") << cut;
  EXPECT_EQ(question(query("\x03"
                           "www",
                           "\x81"),
                     type),
            "");                                     // an answer
  EXPECT_EQ(question(query("\xc0\x0c"), type), "");  // compressed
  EXPECT_EQ(question(query(std::string(300, '\x01')), type), "");
}

}  // namespace
}  // namespace ap::interpose
