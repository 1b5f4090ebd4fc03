// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "guard/guard.hpp"
#include "support/question.hpp"

namespace ap {
namespace {

using test::Question;

// A folder with two programs and a link, so that nothing of the machine matters.
class Processes : public ::testing::Test {
 protected:
  void SetUp() override {
    char folder[] = "/tmp/processes_test_XXXXXX";
    ASSERT_NE(mkdtemp(folder), nullptr);
    root = folder;
    for (std::string name : {"/tool", "/evil"}) {
      FILE* f = fopen((root + name).c_str(), "w");
      ASSERT_NE(f, nullptr);
      fclose(f);
      chmod((root + name).c_str(), 0755);
    }
    ASSERT_EQ(symlink("tool", (root + "/link").c_str()), 0);
    here.program_path = root;
  }
  void TearDown() override {
    for (std::string name : {"/tool", "/evil", "/link"}) unlink((root + name).c_str());
    rmdir(root.c_str());
  }
  Question policy(const std::string& pattern, const std::string& action = "grant", const std::string& more = "") {
    return Question(R"({"child_processes": {"action": "deny", "rules": [{"command": ")" + pattern +
                        R"(", "action": ")" + action + "\"}]" + more + "}}",
                    here);
  }
  std::string root;
  Surroundings here = test::lambda();
};

TEST_F(Processes, RealProgramAndQuotedArguments) {
  auto q = policy("^" + root + "/tool ");
  EXPECT_EQ(q.spawn(root + "/tool", {"tool", "x"}), "grant child_processes.rules[0]");
  EXPECT_EQ(q.spawn(root + "/link", {"link", "x"}), "grant child_processes.rules[0]") << "the real path is searched";
  EXPECT_EQ(q.spawn("tool", {"tool", "x"}), "grant child_processes.rules[0]") << "found in PATH";
  EXPECT_EQ(q.spawn(root + "/evil", {root + "/tool", "x"}), "deny child_processes.action") << "a false argv[0]";
  EXPECT_EQ(q.spawn(root + "/evil", {"tool", "x"}), "deny child_processes.action");
  EXPECT_EQ(q.spawn(root + "/tool", {"tool"}), "deny child_processes.action") << "the pattern wants an argument";
  EXPECT_EQ(policy("^" + root + "/tool 'a b' '\\\"'$").spawn("tool", {"tool", "a b", "\""}),
            "grant child_processes.rules[0]");
}

TEST_F(Processes, AsCalledWhereTheFirstWordLeadsThere) {
  auto q = policy("^tool ");
  EXPECT_EQ(q.spawn("tool", {"tool", "x"}), "grant child_processes.rules[0]");
  EXPECT_EQ(q.spawn(root + "/tool", {"tool", "x"}), "grant child_processes.rules[0]")
      << "argv[0] is looked up and is this program";
  EXPECT_EQ(q.spawn(root + "/evil", {"tool", "x"}), "deny child_processes.action");
  EXPECT_EQ(policy("^" + root + "/link ").spawn(root + "/link", {"link", "x"}), "grant child_processes.rules[0]")
      << "as called";
}

TEST_F(Processes, DotDotSaysOnePlaceAndMeansAnother) {
  auto q = policy("^/usr/bin/");
  EXPECT_EQ(q.spawn("/usr/bin/../.." + root + "/evil", {"evil"}), "deny child_processes.action");
  EXPECT_EQ(q.spawn("/usr/bin/../../not/there", {"x"}), "deny child_processes.action");
}

TEST_F(Processes, ADenyMeetsEverySpellingOfTheCall) {
  Question q(R"({"child_processes": {"rules": [{"command": "^)" + root + R"x(/link( |$)", "action": "deny"}]}})x",
             here);
  for (const std::string& program :
       {root + "/link", root + "/./link", root + "//link", root + "/../" + root.substr(5) + "/link"})
    EXPECT_EQ(q.spawn(program, {"x"}), "deny child_processes.rules[0]") << program;
  EXPECT_EQ(q.spawn(root + "/tool", {"x"}), "grant child_processes.action") << "the same program under its real name";
}

TEST_F(Processes, ProgramsThatAreNotThere) {
  EXPECT_EQ(policy("^/var/task/bin/nothing ").spawn("/var/task/bin/nothing", {"x", "y"}),
            "grant child_processes.rules[0]");
  EXPECT_EQ(policy("^nosuchprogram ").spawn("nosuchprogram", {"x", "y"}), "grant child_processes.rules[0]");
}

TEST_F(Processes, FirstRuleWins) {
  Question q(
      R"({"child_processes": {"action": "observe", "rules": [{"command": "secret", "action": "deny"}, {"command": "^)" +
          root + R"(/tool", "action": "grant"}]}})",
      here);
  EXPECT_EQ(q.spawn("tool", {"tool", "secret"}), "deny child_processes.rules[0]");
  EXPECT_EQ(q.spawn("tool", {"tool", "x"}), "grant child_processes.rules[1]");
  EXPECT_EQ(q.spawn("evil", {"evil"}), "observe child_processes.action");
}

TEST_F(Processes, ForkHasNoCommand) {
  auto q = policy(".*");
  EXPECT_EQ(q.ask(Question::operation(AP_PROCESSES, AP_FORK)), "deny child_processes.action");
  EXPECT_EQ(q.spawn("anything", {}), "grant child_processes.rules[0]");
}

TEST_F(Processes, UnguardedIsTheWorseOfBoth) {
  auto q = policy("^" + root + "/tool");
  EXPECT_EQ(q.spawn("tool", {"tool"}, AP_OP_UNGUARDED), "deny child_processes.unguarded");
  auto open = policy("^" + root + "/tool", "grant", R"(, "unguarded": "observe")");
  EXPECT_EQ(open.spawn("tool", {"tool"}, AP_OP_UNGUARDED), "observe child_processes.unguarded");
  EXPECT_EQ(open.spawn("evil", {"evil"}, AP_OP_UNGUARDED), "deny child_processes.action");
  Question implied(R"({"outbound": "deny"})", here);
  EXPECT_EQ(implied.spawn("tool", {"tool"}), "grant child_processes.action");
  EXPECT_EQ(implied.spawn("tool", {"tool"}, AP_OP_UNGUARDED), "deny child_processes.unguarded");
}

TEST_F(Processes, LongCommandsAreSearchedToTheirEnd) {
  std::vector<std::string> argv = {"tool"};
  for (int i = 0; i < 100; ++i) argv.push_back(std::string(10000, '\''));
  argv.push_back("the-end");
  EXPECT_EQ(policy("the-end$").spawn("tool", argv), "grant child_processes.rules[0]");
}

}  // namespace
}  // namespace ap
