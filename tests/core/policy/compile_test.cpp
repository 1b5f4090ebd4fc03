// SPDX-License-Identifier: Apache-2.0
#include "policy/compile.hpp"

#include <gtest/gtest.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/question.hpp"

namespace ap {
namespace {

using test::Question;

std::uint32_t needs(std::string_view json) {
  Question q(json);
  EXPECT_TRUE(q.valid()) << q.diagnostics;
  return q.view().header().needs;
}

TEST(Compile, NeedsOnlyWhatCanBeOtherThanGrant) {
  EXPECT_EQ(needs("grantAll"), 0u);
  EXPECT_EQ(needs("observeAll"), static_cast<unsigned>(AP_NEED_NETWORK | AP_NEED_FILES | AP_NEED_PROCESSES));
  EXPECT_EQ(needs("denyAll"),
            static_cast<unsigned>(AP_NEED_NETWORK | AP_NEED_FILES | AP_NEED_PROCESSES | AP_NEED_NATIVE));
  EXPECT_EQ(needs(R"({"outbound": {"local": "observe"}})"), static_cast<unsigned>(AP_NEED_NETWORK));
  EXPECT_EQ(needs(R"({"files": {"rules": [{"path": "/x", "read": "observe"}]}})"),
            static_cast<unsigned>(AP_NEED_FILES));
  EXPECT_EQ(needs(R"({"files": {"rules": [{"path": "/x", "read": "grant"}]}})"), 0u);
  EXPECT_EQ(needs(R"({"child_processes": {"rules": [{"command": "x", "action": "observe"}]}})"),
            static_cast<unsigned>(AP_NEED_PROCESSES));
  EXPECT_EQ(needs(R"({"outbound": "deny"})"),
            static_cast<unsigned>(AP_NEED_NETWORK | AP_NEED_PROCESSES | AP_NEED_NATIVE))
      << "unguarded and native_code are implied";
}

TEST(Compile, IsTheSameTwice) {
  ParsedPolicy parsed = parse_policy(built_in_group("denyAll"));
  auto a = compile(parsed.policy, test::lambda()), b = compile(parsed.policy, test::lambda());
  ASSERT_TRUE(a);
  ASSERT_TRUE(b);
  EXPECT_EQ(*a, *b);
}

TEST(Compile, KnowsASpelledAndARealPlace) {
  char folder[] = "/tmp/compile_test_XXXXXX";
  ASSERT_NE(mkdtemp(folder), nullptr);
  std::string root = folder;
  ASSERT_EQ(mkdir((root + "/real").c_str(), 0700), 0);
  ASSERT_EQ(symlink("real", (root + "/link").c_str()), 0);

  Surroundings here = test::lambda();
  here.read_link = read_link_of_this_machine;
  here.app_dirs = {root + "/link"};
  Question q(R"({"files": {"application": {"write": "deny"}, "rules": [{"path": ")" + root +
                 R"(/link/secret/**", "read": "deny"}, {"path": ")" + root + R"(/link/*.key", "read": "deny"}]}})",
             here);
  ASSERT_TRUE(q.valid()) << q.diagnostics;
  for (std::string dir : {"/link", "/real"}) {
    EXPECT_EQ(q.file(AP_FILE_WRITE, root + dir + "/x"), "deny files.application.write") << dir;
    EXPECT_EQ(q.file(AP_FILE_READ, root + dir + "/secret/x"), "deny files.rules[0]")
        << dir << ": the part that exists is real, the rest as spelled";
    EXPECT_EQ(q.file(AP_FILE_READ, root + dir + "/a.key"), "deny files.rules[1]") << dir;
    EXPECT_EQ(q.file(AP_FILE_READ, root + dir + "/x"), "grant files.application.read") << dir;
  }
  unlink((root + "/link").c_str());
  rmdir((root + "/real").c_str());
  rmdir(folder);
}

TEST(Compile, NamesPrintInLowerCase) {
  Question q(R"({"name": "Orders.Ability", "version": 7})");
  EXPECT_EQ(q.view().name(), "orders.ability");
  EXPECT_EQ(q.view().header().policy_version, 7);
  EXPECT_EQ(q.view().summary(), "outbound grant, tmp rw grant/grant, app rw grant/grant, child grant");
}

TEST(Compile, RuleIdsHaveTexts) {
  Question q(
      R"({"outbound": {"action": "deny", "allowed_domains": ["=a.example", "10.0.0.1"]}, "files": {"rules": [{"path": "/x", "read": "deny"}]}})");
  EXPECT_EQ(q.view().rule_text(rule_outbound_action), "outbound.action");
  EXPECT_EQ(q.view().rule_text(rule_native), "native_code");
  EXPECT_EQ(q.view().rule_text(rule_first_of_document), "outbound.allowed_domains[0]");
  EXPECT_EQ(q.view().rule_text(rule_first_of_document + 2), "files.rules[0]");
  EXPECT_EQ(q.view().rule_text(rule_first_of_document + 3), "");
  EXPECT_EQ(q.view().rule_text(0xffffffff), "");
}

}  // namespace
}  // namespace ap
