// SPDX-License-Identifier: Apache-2.0
#include "policy/surroundings.hpp"

#include <gtest/gtest.h>

namespace ap {
namespace {

TEST(Surroundings, EndPoints) {
  struct Case {
    const char *text, *host;
    int port;
  };
  for (const auto& [text, host, port] : {Case{"127.0.0.1:9001", "127.0.0.1", 9001}, Case{"[fd00::1]:80", "fd00::1", 80},
                                         Case{"fd00::1", "fd00::1", 0}, Case{"host", "host", 0}}) {
    EndPoint point;
    ASSERT_TRUE(parse_end_point(text, "X", point)) << text;
    EXPECT_EQ(point.host, host);
    EXPECT_EQ(point.port, port);
  }
  EndPoint point;
  for (const char* text : {"", ":80", "host:", "host:x", "host:70000", "[::1"})
    EXPECT_FALSE(parse_end_point(text, "X", point)) << text;
}

TEST(Surroundings, FromJson) {
  auto none = surroundings_from_json("");
  ASSERT_TRUE(none);
  EXPECT_EQ(none->app_dirs, (std::vector<std::string>{"/var/task", "/opt"}));
  EXPECT_EQ(none->read_link, nullptr) << "answers are the same on every machine";

  auto here = surroundings_from_json(
      R"({"task_root": "/srv/fn", "tmp": "/var/tmp", "nameservers": ["1.2.3.4"], "runtime_api": "127.0.0.1:9001", "provider": "aws", "region": null})");
  ASSERT_TRUE(here) << here.error().message;
  EXPECT_EQ(here->app_dirs, (std::vector<std::string>{"/srv/fn", "/opt"}));
  EXPECT_EQ(here->tmp_dirs, (std::vector<std::string>{"/tmp", "/var/tmp"}));
  EXPECT_EQ(here->end_points.size(), 1u);

  for (auto [json, says] : {std::pair{"[]", "object"},
                            {R"({"providr": "aws"})", "`provider`"},
                            {R"({"tmp": 1})", "a text"},
                            {R"({"runtime_api": ":"})", "host:port"},
                            {"{", "JSON"}}) {
    auto wrong = surroundings_from_json(json);
    ASSERT_FALSE(wrong) << json;
    EXPECT_NE(wrong.error().message.find(says), std::string::npos) << wrong.error().message;
  }
}

}  // namespace
}  // namespace ap
