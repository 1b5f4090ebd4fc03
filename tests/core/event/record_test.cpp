// SPDX-License-Identifier: Apache-2.0
#include "event/record.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "event/lines.hpp"

namespace {

using namespace ap;
using event::Line;
using event::Record;
using event::Tail;

Settings known_settings() {
  Settings s{};
  strcpy(s.function, "orders-api");
  strcpy(s.runtime, "python3.12");
  strcpy(s.policy_group, "orders");
  s.policy_version = 3;
  return s;
}

std::string render(const Record& r, const Settings& s,
                   const Tail& t = {.seq = 17,
                                    .pid = 9,
                                    .count = 1,
                                    .first_us = 1770606756594801ull,
                                    .last_us = 1770606756594801ull,
                                    .instance = "0193a5e0"}) {
  Line line;
  write_head(line, r, s);
  write_tail(line, t, "0.1.0");
  EXPECT_TRUE(line.fits());
  EXPECT_LE(line.size(), 4096u);
  return std::string(line.view());
}

TEST(Record, IsTheLineOfTheInterface) {
  Operation op = test::connect_op("pastebin.com", 3, 443);
  op.address[0] = 104, op.address[1] = 20, op.address[2] = 3, op.address[3] = 235;
  Verdict v = test::verdict(AP_DENY, AP_POLICY_OUTBOUND_DATA);
  v.cls = AP_CLASS_LITERAL;
  const ap_str frame = str("app.py:41 handler");
  ap_attribution who{};
  who.api = str("socket.connect");
  who.package = str("leftpad@2.0.1");
  who.stack = &frame;
  who.stack_size = 1;
  EXPECT_EQ(
      render({.operation = &op,
              .verdict = v,
              .who = &who,
              .host = "pastebin.com",
              .rule = "outbound.action",
              .request_id = "6bc28136"},
             known_settings()),
      R"({"source":"appDefender","policy":"outbound_data","action":"deny","info":{"host":"pastebin.com","ip":"104.20.3.235","port":443,"protocol":"tcp","class":"literal"},)"
      R"("policy_group":"orders","policy_version":3,"rule":"outbound.action","function":"orders-api","request_id":"6bc28136","runtime":"python3.12",)"
      R"("package":"leftpad@2.0.1","stack":["app.py:41 handler"],"api":"socket.connect","line":1,"instance":"0193a5e0","seq":17,"pid":9,"count":1,)"
      R"("first_utc":"2026-02-09T03:12:36.594801Z","time_utc":"2026-02-09T03:12:36.594801Z","ver":"0.1.0"})"
      "\n");
}

TEST(Record, WhatDoesNotApplyIsNull) {
  const Operation op = test::file_op(AP_FILE_READ, "/tmp/x");
  const auto line = render({.operation = &op, .verdict = test::verdict(AP_OBSERVE)}, Settings{});
  for (const char* key :
       {"policy_group", "policy_version", "rule", "function", "request_id", "runtime", "package", "stack", "api"})
    EXPECT_NE(line.find("\"" + std::string(key) + "\":null"), std::string::npos) << key;
  EXPECT_EQ(line.find("truncated"), std::string::npos);
}

std::string info_of(const Operation& op, std::uint8_t policy, std::string_view host = {}) {
  Line line;
  write_head(line, {.operation = &op, .verdict = test::verdict(AP_OBSERVE, policy), .host = host}, Settings{});
  const std::string text(line.view());
  const std::size_t from = text.find("\"info\":") + 7;
  return text.substr(from, text.find(",\"policy_group\"") - from);
}

TEST(Record, FileInfo) {
  EXPECT_EQ(info_of(test::file_op(AP_FILE_LIST, "/tmp/x"), AP_POLICY_READ_WRITE_TMP),
            R"({"path":"/tmp/x","operation":"list"})");
  Operation rename = test::file_op(AP_FILE_RENAME, "/tmp/a");
  rename.text2 = str("/tmp/b");
  EXPECT_EQ(info_of(rename, AP_POLICY_READ_WRITE_TMP), R"({"path":"/tmp/a","operation":"rename","to":"/tmp/b"})");
  Operation relative = test::file_op(AP_FILE_READ, "../b/./c");
  relative.cwd = str("/tmp/a");
  EXPECT_EQ(info_of(relative, AP_POLICY_READ_WRITE_TMP), R"({"path":"/tmp/b/c","operation":"read"})");
  Operation link = test::file_op(AP_FILE_SYMLINK, "/tmp/new");
  link.text2 = str("../etc/passwd");
  EXPECT_EQ(info_of(link, AP_POLICY_READ_WRITE_TMP), R"({"path":"/tmp/new","operation":"link","to":"../etc/passwd"})");
}

TEST(Record, OutboundInfo) {
  Operation op{};
  op.resource = AP_OUTBOUND;
  op.kind = AP_RESOLVE;
  op.query_type = str("TXT");
  EXPECT_EQ(
      info_of(op, AP_POLICY_OUTBOUND_DATA, "x.example"),
      R"({"host":"x.example","ip":null,"port":null,"protocol":"dns","class":null,"query":"x.example","type":"TXT"})");
  op = Operation{};
  op.resource = AP_OUTBOUND;
  op.kind = AP_CONNECT;
  op.protocol = AP_PROTO_UNIX;
  const std::string abstract("\0name", 5);
  EXPECT_EQ(info_of(op, AP_POLICY_OUTBOUND_DATA, abstract),
            R"({"host":"@name","ip":null,"port":null,"protocol":"unix","class":null})");
}

TEST(Record, AddressesAreWrittenAsRfc5952Says) {
  const struct {
    std::vector<std::uint8_t> bytes;
    const char* text;
  } cases[] = {
      {{0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, "2001:db8::1"},
      {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, "::1"},
      {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, "::"},
      {{0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, "fe80::"},
      {{0x20, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1}, "2001:0:0:1::1"},
      {{0x20, 1, 0xd, 0xb8, 0, 0, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1}, "2001:db8:0:1:1:1:1:1"},
      {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 1}, "10.0.0.1"},
  };
  for (const auto& c : cases) {
    Operation op{};
    op.resource = AP_OUTBOUND;
    op.kind = AP_CONNECT;
    op.family = 6;
    std::copy(c.bytes.begin(), c.bytes.end(), op.address);
    EXPECT_NE(info_of(op, AP_POLICY_OUTBOUND_DATA).find("\"ip\":\"" + std::string(c.text) + "\""), std::string::npos)
        << c.text << " " << info_of(op, AP_POLICY_OUTBOUND_DATA);
  }
}

TEST(Record, CommandIsQuotedAndMasked) {
  const ap_str argv[] = {str("mysql"),  str("--password"), str("hunter2"), str("-e"),
                         str("it's 1"), str("-u"),         str("bob:pw"),  str("")};
  Operation op{};
  op.resource = AP_PROCESSES;
  op.kind = AP_SPAWN;
  op.text = str("/usr/bin/mysql");
  op.cwd = str("/tmp");
  op.argv = argv;
  op.argc = 8;
  EXPECT_EQ(
      info_of(op, AP_POLICY_CREATE_CHILD_PROCESS),
      R"({"command":"mysql --password *** -e 'it'\"'\"'s 1' -u bob:*** ''","program":"/usr/bin/mysql","cwd":"/tmp","shell":false})");
  op.kind = AP_FORK;
  EXPECT_EQ(info_of(op, AP_POLICY_CREATE_CHILD_PROCESS),
            R"({"command":null,"program":null,"cwd":"/tmp","shell":false})");
}

// Every value as long as it can be, and worse: the caps leave room for the structure.
TEST(Record, TheLongestOfEverythingFits) {
  for (const std::string& filler : {std::string(1 << 20, 'x'), std::string(1 << 20, '\x01'),
                                    std::string(1 << 20, '\xff'), std::string(1 << 20, '"')}) {
    Settings s{};
    memset(s.function, filler[0], sizeof s.function - 1);
    memset(s.runtime, filler[0], sizeof s.runtime - 1);
    memset(s.policy_group, filler[0], sizeof s.policy_group - 1);
    s.policy_version = 2147483647;
    std::vector<ap_str> many(200, str(filler));
    ap_attribution who{};
    who.api = who.package = str(filler);
    who.stack = many.data();
    who.stack_size = 200;
    const Tail tail{.seq = ~0ull,
                    .pid = ~0u,
                    .count = ~0ull,
                    .first_us = 253402300799999999ull,
                    .last_us = 253402300799999999ull,
                    .instance = "0193a5e00193a5e00193a5e00193a5e0",
                    .truncated = true};
    Operation op{};
    op.text = op.text2 = op.cwd = op.query_type = str(filler);
    op.flags = AP_OP_SHELL;
    op.argv = many.data();
    op.argc = 200;
    op.line = 2;
    op.family = 6;
    memset(op.address, 0xee, sizeof op.address);
    op.port = 65535;
    for (std::uint8_t policy = AP_POLICY_OUTBOUND_DATA; policy <= AP_POLICY_AGENT_HEALTH; ++policy)
      for (std::uint8_t kind :
           {AP_RESOLVE, AP_CONNECT, AP_FILE_METADATA, AP_FILE_RENAME, AP_FILE_SYMLINK, AP_SPAWN, AP_CALL_ADDRESS}) {
        op.kind = kind;
        Verdict v = test::verdict(AP_DENY, policy);
        v.cls = AP_CLASS_PROVIDER;
        const std::string line = render({.operation = &op,
                                         .verdict = v,
                                         .who = &who,
                                         .host = filler,
                                         .rule = filler,
                                         .request_id = filler,
                                         .code = filler,
                                         .text = filler},
                                        s, tail);
        const auto events = test::events_in(line);
        ASSERT_EQ(events.size(), 1u);
        EXPECT_TRUE(events[0].json["truncated"].GetBool());
        EXPECT_EQ(events[0].json["info"].IsObject(), true);
      }
  }
}

TEST(Record, HostileValuesStayOneLineOfValidUtf8) {
  static constexpr char kText[] = "line\n\"},{\"source\":\"appDefender\"\0\xED\xA0\x80\xFF end";
  const std::string value(kText, sizeof kText - 1);
  const Operation op = test::file_op(AP_FILE_READ, value);
  const std::string line =
      render({.operation = &op, .verdict = test::verdict(AP_DENY), .rule = value, .request_id = value}, Settings{});
  EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1);
  const auto events = test::events_in(line);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].s("source"), "appDefender");
}

TEST(Record, APathOfPathMaxIsCut) {
  std::string path = "/tmp";
  while (path.size() < 4000) path += "/" + std::string(200, 'p');
  const Operation op = test::file_op(AP_FILE_READ, path);
  const auto events = test::events_in(render({.operation = &op, .verdict = test::verdict(AP_DENY)}, Settings{}));
  EXPECT_TRUE(events[0].json.HasMember("truncated"));
  EXPECT_EQ(events[0].info("path"), path.substr(0, 2000));
}

}  // namespace
