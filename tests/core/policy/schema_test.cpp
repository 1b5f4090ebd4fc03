// SPDX-License-Identifier: Apache-2.0
// policy.schema.json knows the very keys that the parser knows.
#include <gtest/gtest.h>

#include <set>

#include "base/json.hpp"
#include "policy/embedded.hpp"
#include "policy/parse.hpp"

namespace ap {
namespace {

using Keys = std::set<std::string>;

// Keys that the parser names for an unknown one at this place.
Keys known_to_parser(const std::string& before, const std::string& after) {
  ParsedPolicy parsed = parse_policy("{" + before + "\"qqqqqqqqqqqqqq\": 1" + after + "}");
  Keys keys;
  for (const Diagnostic& d : parsed.diagnostics) {
    std::size_t at = d.message.find("known here: ");
    if (at == d.message.npos) continue;
    for (std::size_t open = d.message.find('`', at); open != d.message.npos; open = d.message.find('`', open + 1)) {
      std::size_t close = d.message.find('`', open + 1);
      keys.insert(d.message.substr(open + 1, close - open - 1));
      open = close;
    }
  }
  return keys;
}

Keys known_to_schema(const json::Value& node) {
  Keys keys;
  for (const auto& [key, value] : node.find("properties")->members) keys.insert(key);
  EXPECT_FALSE(node.find("additionalProperties")->flag);
  return keys;
}

TEST(Schema, KnowsWhatTheParserKnows) {
  auto schema = json::parse(embedded::schema);
  ASSERT_TRUE(schema) << schema.error().message;
  const json::Value& definitions = *schema->find("$defs");
  Keys top = known_to_parser("", "");
  top.erase("controls");  // reserved: no document has it
  EXPECT_EQ(known_to_schema(*schema), top);
  EXPECT_EQ(known_to_schema(*definitions.find("outbound")), known_to_parser("\"outbound\": {", "}"));
  EXPECT_EQ(known_to_schema(*definitions.find("files")), known_to_parser("\"files\": {", "}"));
  EXPECT_EQ(known_to_schema(*definitions.find("directions")), known_to_parser("\"files\": {\"tmp\": {", "}}"));
  EXPECT_EQ(known_to_schema(*definitions.find("pathRule")), known_to_parser("\"files\": {\"rules\": [{", "}]}"));
  EXPECT_EQ(known_to_schema(*definitions.find("childProcesses")), known_to_parser("\"child_processes\": {", "}"));
  EXPECT_EQ(known_to_schema(*definitions.find("commandRule")),
            known_to_parser("\"child_processes\": {\"rules\": [{", "}]}"));
}

TEST(Schema, ActionWordsAreThoseOfTheParser) {
  auto schema = json::parse(embedded::schema);
  ASSERT_TRUE(schema);
  const json::Value& words = *schema->find("$defs")->find("action")->find("enum");
  ASSERT_EQ(words.items.size(), 10u);
  for (const json::Value& word : words.items) {
    std::string text = word.is_text() ? json::quoted(word.text) : "false";
    EXPECT_TRUE(parse_policy("{\"native_code\": " + text + "}").valid()) << text;
  }
}

}  // namespace
}  // namespace ap
