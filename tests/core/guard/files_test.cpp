// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "guard/guard.hpp"
#include "support/question.hpp"

namespace ap {
namespace {

using test::Question;

TEST(Files, Places) {
  Question q(
      R"({"files": {"tmp": {"write": "deny"}, "application": {"read": "observe", "write": "deny"}, "elsewhere": {"write": "observe"}}})");
  EXPECT_EQ(q.file(AP_FILE_READ, "/tmp/x"), "grant files.tmp.read");
  EXPECT_EQ(q.file(AP_FILE_CREATE, "/tmp/a/b"), "deny files.tmp.write");
  EXPECT_EQ(q.file(AP_FILE_DELETE, "/tmp"), "deny files.tmp.write");
  EXPECT_EQ(q.file(AP_FILE_WRITE, "/tmpx"), "observe files.elsewhere.write");
  EXPECT_EQ(q.file(AP_FILE_READ, "/var/task/app.py"), "observe files.application.read");
  EXPECT_EQ(q.file(AP_FILE_WRITE, "/opt/x"), "deny files.application.write");
  EXPECT_EQ(q.file(AP_FILE_WRITE, "x/../../tmp/y", {}, "/var"), "deny files.tmp.write");
  EXPECT_EQ(q.file(AP_FILE_STAT, "/var/task"), "observe files.application.read");
}

TEST(Files, TheDeeperPlaceWins) {
  Surroundings here = test::lambda();
  here.app_dirs = {"/tmp/project"};
  Question q(R"({"files": {"tmp": "deny", "application": {"write": "observe"}}})", here);
  EXPECT_EQ(q.file(AP_FILE_READ, "/tmp/project/app.py"), "grant files.application.read");
  EXPECT_EQ(q.file(AP_FILE_WRITE, "/tmp/project/app.py"), "observe files.application.write");
  EXPECT_EQ(q.file(AP_FILE_READ, "/tmp/projects"), "deny files.tmp.read");
}

TEST(Files, FirstRuleThatSpeaksAboutTheDirection) {
  Question q(R"({"files": {"tmp": "deny", "rules": [
    {"path": "/tmp/out/**", "write": "grant"}, {"path": "/tmp/out/secret", "write": "deny", "read": "observe"}, {"path": "/tmp/out/**", "read": "grant"}, {"path": "/srv/*.key", "action": "deny"}]}})");
  EXPECT_EQ(q.file(AP_FILE_WRITE, "/tmp/out/secret"), "grant files.rules[0]");
  EXPECT_EQ(q.file(AP_FILE_READ, "/tmp/out/secret"), "observe files.rules[1]");
  EXPECT_EQ(q.file(AP_FILE_READ, "/tmp/out/x"), "grant files.rules[2]");
  EXPECT_EQ(q.file(AP_FILE_READ, "/tmp/x"), "deny files.tmp.read");
  EXPECT_EQ(q.file(AP_FILE_READ, "/srv/a.key"), "deny files.rules[3]");
  EXPECT_EQ(q.file(AP_FILE_METADATA, "/srv/a.key"), "deny files.rules[3]");
  EXPECT_EQ(q.file(AP_FILE_READ, "/srv/d/a.key"), "grant files.elsewhere.read");
}

TEST(Files, BothDirectionsOfAnOpenForReadingAndWriting) {
  Question q(R"({"files": {"tmp": {"read": "deny"}}})");
  EXPECT_EQ(q.file(AP_FILE_WRITE, "/tmp/x"), "grant files.tmp.write");
  Operation op = Question::operation(AP_FILES, AP_FILE_WRITE, "/tmp/x");
  op.flags = AP_OP_READ_TOO;
  EXPECT_EQ(q.ask(op), "deny files.tmp.read");
}

TEST(Files, TheRuntimesOwnNeedsStayOpenForReading) {
  Surroundings here = test::lambda();
  here.runtime_read = {"/home/u/.pyenv/versions/3.12/lib/python3.12"};
  Question q(
      R"({"files": {"tmp": "deny", "application": "deny", "elsewhere": "deny", "rules": [{"path": "/proc/**", "read": "deny"}, {"path": "/etc/ssl/certs/private/**", "read": "deny"}, {"path": "/proc/self/stat", "read": "deny"}]}})",
      here);
  for (const char* path : {"/etc/resolv.conf", "/etc/ssl/certs/ca.pem", "/lib/x86_64-linux-gnu/libz.so.1",
                           "/proc/self/maps", "/proc/meminfo", "/dev/urandom", "/usr/share/zoneinfo/UTC",
                           "/home/u/.pyenv/versions/3.12/lib/python3.12/os.py", "/sys/fs/cgroup/memory.max"})
    EXPECT_EQ(q.file(AP_FILE_READ, path), "grant files.runtime") << path;
  EXPECT_EQ(q.file(AP_FILE_WRITE, "/etc/resolv.conf"), "deny files.elsewhere.write");
  EXPECT_EQ(q.file(AP_FILE_WRITE, "/dev/null"), "grant files.runtime");
  EXPECT_EQ(q.file(AP_FILE_READ, "/etc/shadow"), "deny files.elsewhere.read");
  EXPECT_EQ(q.file(AP_FILE_READ, "/proc/self/environ"), "deny files.rules[0]") << "not a need";
  EXPECT_EQ(q.file(AP_FILE_READ, "/etc/ssl/certs/private/x"), "deny files.rules[1]") << "a rule that is closer wins";
  EXPECT_EQ(q.file(AP_FILE_READ, "/proc/self/stat"), "deny files.rules[2]") << "a rule that is as close wins";
  EXPECT_EQ(q.file(AP_FILE_STAT, "/home/u"), "grant files.runtime") << "directories above may be examined";
  EXPECT_EQ(q.file(AP_FILE_STAT, "/"), "grant files.runtime");
  EXPECT_EQ(q.file(AP_FILE_LIST, "/home/u"), "deny files.elsewhere.read");
  EXPECT_EQ(q.file(AP_FILE_STAT, "/home/other"), "deny files.elsewhere.read");
}

TEST(Files, OurOwnFilesAreOutOfReach) {
  Surroundings here = test::lambda();
  here.own_paths = {"/tmp/trend_cache", "/var/log/app_protect.log"};
  Question q(R"({"outbound": "deny"})", here);
  EXPECT_EQ(q.file(AP_FILE_WRITE, "/tmp/trend_cache/bundle"), "deny files.own");
  EXPECT_EQ(q.file(AP_FILE_READ, "/var/log/app_protect.log"), "deny files.own");
  EXPECT_EQ(q.file(AP_FILE_RENAME, "/tmp/trend_cache", "/tmp/x"), "deny files.own");
  EXPECT_EQ(q.file(AP_FILE_RENAME, "/tmp", "/tmp2"), "deny files.own");
  EXPECT_EQ(q.file(AP_FILE_WRITE, "/tmp/x"), "grant files.tmp.write");
  Question observe("observeAll", here);
  EXPECT_EQ(observe.file(AP_FILE_READ, "/tmp/trend_cache/bundle"), "observe files.tmp.read")
      << "a policy that refuses nothing changes nothing";
}

TEST(Files, OurOwnCodeIsReadOnly) {
  Surroundings here = test::lambda();
  here.own_code = {"/opt/app_protect"};
  Question q(R"({"outbound": "deny"})", here);
  EXPECT_EQ(q.file(AP_FILE_READ, "/opt/app_protect/node.js"), "grant files.application.read");
  EXPECT_EQ(q.file(AP_FILE_WRITE, "/opt/app_protect/node.js"), "deny files.own");
  EXPECT_EQ(q.file(AP_FILE_DELETE, "/opt/app_protect/lib/libapp_protect.so"), "deny files.own");
  EXPECT_EQ(q.file(AP_FILE_LINK, "/opt/app_protect/lib/libapp_protect.so", "/tmp/x"), "deny files.own");
  EXPECT_EQ(q.file(AP_FILE_RENAME, "/opt", "/opt2"), "deny files.own");
  EXPECT_EQ(q.file(AP_FILE_WRITE, "/opt/app_protect2"), "grant files.application.write");
  Question observe("observeAll", here);
  EXPECT_EQ(observe.file(AP_FILE_WRITE, "/opt/app_protect/x"), "observe files.application.write");
}

TEST(Files, TwoPathsTakeTheWorse) {
  Question q(
      R"({"files": {"tmp": {"read": "deny"}, "application": {"write": "deny"}, "elsewhere": {"write": "observe"}}})");
  EXPECT_EQ(q.file(AP_FILE_RENAME, "/data/a", "/data/b"), "observe files.elsewhere.write");
  EXPECT_EQ(q.file(AP_FILE_RENAME, "/data/a", "/var/task/b"), "deny files.application.write");
  EXPECT_EQ(q.file(AP_FILE_RENAME, "/tmp/a", "/data/b"), "deny files.tmp.read") << "a new name must not undo a deny";
  EXPECT_EQ(q.file(AP_FILE_LINK, "/var/task/app.py", "/data/b"), "deny files.application.write") << "nor a second one";
  EXPECT_EQ(q.file(AP_FILE_SYMLINK, "/data/b", "/var/task/app.py"), "observe files.elsewhere.write")
      << "what a link leads to is judged when it is used";
}

TEST(Files, AProtectedTreeIsNotMovedAway) {
  Question q(
      R"({"files": {"application": {"write": "deny"}, "rules": [{"path": "/srv/app/secret", "read": "deny"}, {"path": "/data/*/private/**", "read": "deny"}, {"path": "/store/**/key", "write": "observe"}]}})");
  EXPECT_EQ(q.file(AP_FILE_RENAME, "/var", "/var2"), "deny files.application.write");
  EXPECT_EQ(q.file(AP_FILE_RENAME, "/srv", "/srv2"), "deny files.rules[0]");
  EXPECT_EQ(q.file(AP_FILE_RENAME, "/srv/app", "/tmp/app"), "deny files.rules[0]");
  EXPECT_EQ(q.file(AP_FILE_RENAME, "/srv/app-2", "/tmp/app"), "grant files.elsewhere.read");
  EXPECT_EQ(q.file(AP_FILE_RENAME, "/tmp/empty", "/srv/app"), "deny files.rules[0]") << "an exchange moves both ways";
  EXPECT_EQ(q.file(AP_FILE_RENAME, "/data/a", "/elsewhere/a"), "deny files.rules[1]");
  EXPECT_EQ(q.file(AP_FILE_RENAME, "/data/a", "/data/b"), "grant files.elsewhere.read") << "the rule goes along";
  EXPECT_EQ(q.file(AP_FILE_RENAME, "/data", "/data2"), "deny files.rules[1]");
  EXPECT_EQ(q.file(AP_FILE_RENAME, "/store/a", "/tmp/a"), "observe files.rules[2]");
  EXPECT_EQ(q.file(AP_FILE_RENAME, "/store/a", "/store/b"), "grant files.elsewhere.read");
  EXPECT_EQ(q.file(AP_FILE_DELETE, "/srv/app"), "grant files.elsewhere.write")
      << "a directory that holds something cannot be removed";
}

TEST(Files, AFileIsNoTree) {
  char folder[] = "/tmp/files_test_XXXXXX";
  ASSERT_NE(mkdtemp(folder), nullptr);
  std::string root = folder;
  std::ofstream(root + "/file") << "x";
  ASSERT_EQ(mkdir((root + "/dir").c_str(), 0700), 0);
  Question q(R"({"files": {"rules": [{"path": ")" + root + R"(/**/key", "read": "deny"}]}})");
  EXPECT_EQ(q.file(AP_FILE_RENAME, root + "/file", "/var/tmp/x").substr(0, 5), "grant");
  EXPECT_EQ(q.file(AP_FILE_RENAME, root + "/dir", "/var/tmp/x"), "deny files.rules[0]");
  unlink((root + "/file").c_str());
  rmdir((root + "/dir").c_str());
  rmdir(folder);
}

TEST(Files, WhatCannotBeJudged) {
  Question deny(R"({"files": {"tmp": {"write": "deny"}}})"), observe("observeAll"), grant(R"({"outbound": "deny"})");
  std::string longer = "/data/" + std::string(5000, 'a');
  EXPECT_EQ(deny.file(AP_FILE_READ, longer), "deny files.path");
  EXPECT_EQ(observe.file(AP_FILE_READ, longer), "observe files.path");
  EXPECT_EQ(grant.file(AP_FILE_READ, longer), "grant");
  EXPECT_EQ(deny.file(AP_FILE_WRITE, std::string_view("/tmp/a\0/../../data", 18)), "deny files.tmp.write")
      << "cut at NUL, as the kernel does";
}

TEST(Files, TheOwnProcessIsSelf) {
  Question q(R"({"files": {"rules": [{"path": "/proc/self/environ", "read": "deny"}]}})");
  std::string pid = std::to_string(getpid());
  for (const std::string& path :
       {std::string("/proc/self/environ"), "/proc/" + pid + "/environ", std::string("/proc/thread-self/environ"),
        "/proc/self/task/" + pid + "/environ", "/proc/" + pid + "/task/" + pid + "/environ",
        "/proc/self/root/proc/" + pid + "/environ", std::string("/proc/./self//environ")})
    EXPECT_EQ(q.file(AP_FILE_READ, path), "deny files.rules[0]") << path;
  EXPECT_EQ(q.file(AP_FILE_READ, "/proc/1/environ").substr(0, 5), getpid() == 1 ? "deny " : "grant");
}

}  // namespace
}  // namespace ap
