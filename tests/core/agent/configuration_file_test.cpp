// SPDX-License-Identifier: Apache-2.0
#include "agent/configuration_file.hpp"

#include <gtest/gtest.h>

#include "event/lines.hpp"

namespace {

using namespace ap::agent;

TEST(ConfigurationFile, Ini) {
  const auto values = parse_ini(
      "\xEF\xBB\xBF# a comment\r\n[other]\nbroken line\n[Trend_AP_Protect]\nx=1\n[trend_app_protect]\r\nLog_Level = "
      "debug\r\n; more\npolicy_file: \"a b.json\"\n"
      "defence.log_file='x'\nempty =\n[third]\nlog_level=trace\n");
  ASSERT_TRUE(values);
  const KeyValues expected = {
      {"log_level", "debug"}, {"policy_file", "a b.json"}, {"defence.log_file", "x"}, {"empty", ""}};
  EXPECT_EQ(*values, expected);
}

TEST(ConfigurationFile, IniMistakesNameTheLine) {
  auto broken = parse_ini("[trend_app_protect]\n\nlog_level debug\n");
  ASSERT_FALSE(broken);
  EXPECT_EQ(broken.error().message, "line 3: `log_level debug` has no `=`; write `key = value`");
  broken = parse_ini("[trend_app_protect\n");
  ASSERT_FALSE(broken);
  EXPECT_NE(broken.error().message.find("line 1"), std::string::npos);
}

TEST(ConfigurationFile, Json) {
  const auto values = parse_json_configuration(
      R"({"log_level":"debug","fail_closed":true,"ready_timeout":1.5,"max_delay_ms":100,"plugins_disabled":["sqli","rce"],"defence":{"log_file":"x"},"key":null,)"
      R"("policy": {"schema": 1, "name": "a}\"b", "outbound": {"action": "deny"}}})");
  ASSERT_TRUE(values) << values.error().message;
  const KeyValues expected = {{"log_level", "debug"},
                              {"fail_closed", "true"},
                              {"ready_timeout", "1.5"},
                              {"max_delay_ms", "100"},
                              {"plugins_disabled", "sqli,rce"},
                              {"defence.log_file", "x"},
                              {"key", ""},
                              {"policy", R"({"schema": 1, "name": "a}\"b", "outbound": {"action": "deny"}})"}};
  EXPECT_EQ(*values, expected);
}

TEST(ConfigurationFile, JsonMistakes) {
  for (const char* text : {"", "{", "[]", "\"x\"", "{\"a\": [[]]}", "{\"a\": {\"b\": {}}}", "{\"a\": }"})
    EXPECT_FALSE(parse_json_configuration(text)) << text;
  EXPECT_FALSE(parse_json_configuration(std::string(100000, '[')));
}

TEST(ConfigurationFile, ReadFileNeverWaits) {
  EXPECT_EQ(read_file("/nonexistent/x", 100).state, FileState::missing);
  EXPECT_EQ(read_file("/etc/passwd/x", 100).state, FileState::missing);
  const FileText folder = read_file("/tmp", 100);
  EXPECT_EQ(folder.state, FileState::unusable);
  EXPECT_TRUE(folder.is_folder);
  EXPECT_EQ(read_file("/dev/zero", 100).text, "it is a device, expected a regular file");
  test::TempFile file;
  unlink(file.path().c_str());
  ASSERT_EQ(mkfifo(file.path().c_str(), 0600), 0);
  EXPECT_EQ(read_file(file.path(), 100).text, "it is a FIFO, expected a regular file");
  test::TempFile large;
  std::ofstream(large.path()) << std::string(3 << 20, 'x');
  EXPECT_EQ(read_file(large.path(), 2 << 20).text, "it is larger than 2 MB");
  EXPECT_EQ(read_file(large.path(), 4 << 20).text.size(), 3u << 20);
}

}  // namespace
