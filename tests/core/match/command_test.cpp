// SPDX-License-Identifier: Apache-2.0
#include "match/command.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <string>
#include <thread>

namespace ap {
namespace {

TEST(Command, IsSearched) {
  EXPECT_TRUE(search_command("^/usr/bin/file ", "/usr/bin/file report.pdf"));
  EXPECT_FALSE(search_command("^/usr/bin/file ", "/usr/bin/fileX"));
  EXPECT_TRUE(search_command("report", "/usr/bin/file report.pdf")) << "anywhere, without an anchor";
  EXPECT_TRUE(search_command("(?i)FILE", "/usr/bin/file"));
  EXPECT_TRUE(search_command("caf\xc3\xa9", "echo caf\xc3\xa9")) << "bytes";
  EXPECT_TRUE(search_command("^a.b$",
                             "a\xff"
                             "b"));
  EXPECT_FALSE(search_command("^a.b$", "a\nb"));
}

TEST(Command, SaysWhatIsWrong) {
  EXPECT_TRUE(check_command_pattern("^file.*"));
  EXPECT_FALSE(check_command_pattern(""));
  EXPECT_FALSE(check_command_pattern(std::string(5000, 'a')));
  for (auto [pattern, says] :
       {std::pair{"(", "missing"}, {"(?=x)", "look-ahead"}, {"*.py", "glob"}, {"a{1001}", "RE2"}}) {
    auto result = check_command_pattern(pattern);
    ASSERT_FALSE(result) << pattern;
    EXPECT_NE(result.error().message.find(says), std::string::npos) << result.error().message;
    EXPECT_EQ(result.error().message.find('\n'), std::string::npos);
  }
}

TEST(Command, AnchoredLiteral) {
  EXPECT_EQ(anchored_literal("^/usr/bin/file "), "/usr/bin/file ");
  EXPECT_EQ(anchored_literal("^file.*"), "file");
  EXPECT_EQ(anchored_literal("^abc?"), "ab") << "the quantifier's byte may be absent";
  EXPECT_EQ(anchored_literal("^abc*"), "ab");
  EXPECT_EQ(anchored_literal("^a|b"), "");
  EXPECT_EQ(anchored_literal("file"), "");
  EXPECT_EQ(anchored_literal("^(?i)x"), "");
}

std::string quoted(std::string_view text) {
  std::string out;
  shell_quote(text, [&](std::string_view piece) { out += piece; });
  return out;
}

TEST(Command, QuotesAsAShellNeedsIt) {
  EXPECT_EQ(quoted("report.pdf"), "report.pdf");
  EXPECT_EQ(quoted(""), "''");
  EXPECT_EQ(quoted("a b"), "'a b'");
  EXPECT_EQ(quoted("it's"), "'it'\"'\"'s'");
  EXPECT_EQ(quoted("$(x)"), "'$(x)'");
  EXPECT_EQ(quoted("caf\xc3\xa9"), "'caf\xc3\xa9'");
}

// A fork while other threads search must leave a child that can search.
TEST(Command, WorksInAForkedChild) {
  std::atomic<bool> stop{false};
  std::thread busy([&] {
    for (int i = 0; !stop; ++i) search_command("^x" + std::to_string(i % 50) + "[a-z]+", "x1abc");
  });
  for (int i = 0; i < 50; ++i) {
    pid_t child = fork();
    if (child == 0) {
      alarm(10);
      _exit(search_command("^fork" + std::to_string(i), "fork" + std::to_string(i)) ? 0 : 1);
    }
    int status = -1;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_EQ(status, 0) << "round " << i;
  }
  stop = true;
  busy.join();
}

}  // namespace
}  // namespace ap
