// SPDX-License-Identifier: Apache-2.0
#include "guard/guard.hpp"

#include <gtest/gtest.h>

#include "support/count_allocations.hpp"
#include "support/question.hpp"

namespace ap {
namespace {

using test::Question;

constexpr const char* kOrders = R"({"name": "orders",
  "outbound": {"action": "deny", "allow_cloud_provider": "services", "allowed_domains": ["=api.stripe.com", "*.example.com", "10.0.0.0/16:5432"]},
  "files": {"tmp": {"write": "observe"}, "application": {"write": "deny"}, "rules": [{"path": "/proc/self/environ", "read": "deny"}, {"path": "/data/**/x", "read": "grant"}]},
  "child_processes": "deny", "on_deny": "block"})";

TEST(Guard, VerdictIsWhole) {
  Question q(kOrders);
  Verdict v = q.judge(Question::operation(AP_FILES, AP_FILE_WRITE, "/var/task/x"));
  EXPECT_EQ(v.action, AP_DENY);
  EXPECT_EQ(v.on_deny, AP_ON_DENY_BLOCK);
  EXPECT_EQ(v.policy, AP_POLICY_READ_WRITE_APP);
  EXPECT_EQ(q.view().rule_text(v.rule), "files.application.write");
  v = q.judge(Question::operation(AP_OUTBOUND, AP_RESOLVE, "evil.example.org"));
  EXPECT_EQ(v.policy, AP_POLICY_OUTBOUND_DATA);
  EXPECT_EQ(v.cls, AP_CLASS_NAME);
  EXPECT_EQ(q.judge(Question::operation(AP_PROCESSES, AP_FORK)).policy, AP_POLICY_CREATE_CHILD_PROCESS);
  EXPECT_EQ(q.judge(Question::operation(AP_NATIVE, AP_MEMFD)).policy, AP_POLICY_NATIVE_CODE);
}

TEST(Guard, AResourceThatDoesNotExistIsNoWayThrough) {
  Question q(kOrders), open("grantAll");
  for (std::uint8_t resource : {0, 5, 255}) {
    EXPECT_EQ(q.judge(Question::operation(resource, AP_CONNECT, "x")).action, AP_DENY);
    EXPECT_EQ(open.judge(Question::operation(resource, AP_CONNECT, "x")).action, AP_GRANT);
  }
  EXPECT_EQ(q.judge(Question::operation(AP_FILES, 200, "/var/task/x")).action, AP_DENY)
      << "an unknown kind is judged as reading and writing";
}

TEST(Guard, DirectionsOfEveryKind) {
  using enum guard::Direction;
  struct Row {
    std::uint8_t kind;
    guard::Direction path, to;
  };
  for (const auto& [kind, path, to] :
       {Row{AP_FILE_READ, read, none}, Row{AP_FILE_WRITE, write, none}, Row{AP_FILE_CREATE, write, none},
        Row{AP_FILE_DELETE, write, none}, Row{AP_FILE_RENAME, read_and_write, write},
        Row{AP_FILE_LINK, read_and_write, write}, Row{AP_FILE_SYMLINK, write, none}, Row{AP_FILE_STAT, read, none},
        Row{AP_FILE_METADATA, write, none}, Row{AP_FILE_LIST, read, none}}) {
    EXPECT_EQ(guard::directions(kind).path, path) << int(kind);
    EXPECT_EQ(guard::directions(kind).to, to) << int(kind);
  }
}

// The grant path of every resource, and the denials too: nothing is allocated.
TEST(Guard, AllocatesNothing) {
  Question q(kOrders);
  q.note("api.stripe.com", "54.187.0.1");
  std::vector<Operation> operations = {
      Question::operation(AP_OUTBOUND, AP_RESOLVE, "api.stripe.com"),
      Question::operation(AP_OUTBOUND, AP_RESOLVE,
                          "B\xc3\x9c"
                          "CHER.example.com"),
      Question::operation(AP_OUTBOUND, AP_RESOLVE, "sqs.us-east-1.amazonaws.com"),
      Question::operation(AP_OUTBOUND, AP_RESOLVE, "evil.example.org"),
      Question::connect_operation("", "54.187.0.1", 443),
      Question::connect_operation("", "10.0.1.1", 5432),
      Question::connect_operation("", "127.0.0.1", 9001),
      Question::operation(AP_FILES, AP_FILE_READ, "/var/task/node_modules/express/lib/router/layer.js"),
      Question::operation(AP_FILES, AP_FILE_READ, "relative/../path"),
      Question::operation(AP_FILES, AP_FILE_READ, "/data/a/b/x"),
      Question::operation(AP_FILES, AP_FILE_WRITE, "/tmp/x"),
      Question::operation(AP_FILES, AP_FILE_RENAME, "/tmp/x"),
      Question::operation(AP_PROCESSES, AP_SPAWN, "/bin/true"),
      Question::operation(AP_PROCESSES, AP_FORK),
      Question::operation(AP_NATIVE, AP_LOAD, "/usr/lib/libz.so"),
  };
  operations[11].text2 = str("/tmp/y");
  for (const Operation& operation : operations) {
    Verdict verdict;
    const std::size_t before = test::allocations();
    guard::check_against(q.view(), &q.names(), operation, verdict);
    EXPECT_EQ(test::allocations(), before) << std::string(view(operation.text));
  }
  const std::size_t before = test::allocations();
  ::operator delete(::operator new(8));
  EXPECT_GT(test::allocations(), before) << "the counter counts";
}

}  // namespace
}  // namespace ap
