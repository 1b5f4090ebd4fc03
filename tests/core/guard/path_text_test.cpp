// SPDX-License-Identifier: Apache-2.0
#include "guard/path_text.hpp"

#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

namespace ap {
namespace {

std::string normal(std::string_view path, std::string_view cwd = "/work") {
  PathText text;
  return text.normalise(path, cwd) ? std::string(text.view()) : "refused";
}

TEST(PathText, NormalForm) {
  struct Case {
    const char *path, *normal;
  };
  for (const auto& [path, expected] :
       {Case{"/a/b", "/a/b"}, Case{"/", "/"}, Case{"//", "/"}, Case{"/a/", "/a"}, Case{"/a//b/./c/../d", "/a/b/d"},
        Case{"/../..", "/"}, Case{"x", "/work/x"}, Case{"./x", "/work/x"}, Case{"../x", "/x"}, Case{"", "/work"},
        Case{".", "/work"}, Case{"/.hidden/..x/...", "/.hidden/..x/..."}, Case{"/a/..", "/"}, Case{"/a/.", "/a"},
        Case{"/\xff/\xc3", "/\xff/\xc3"}})
    EXPECT_EQ(normal(path), expected) << path;
  EXPECT_EQ(normal(std::string_view("/a\0/../b", 8)), "/a");
  EXPECT_EQ(normal(std::string_view("/longer/than/eight\0/bytes", 25)), "/longer/than/eight");
}

TEST(PathText, Bounds) {
  EXPECT_EQ(normal("/" + std::string(4094, 'a')).size(), 4095u);
  EXPECT_EQ(normal("/" + std::string(4095, 'a')), "refused");
  EXPECT_EQ(normal("a", "/" + std::string(4094, 'b')), "refused");
  EXPECT_EQ(normal(std::string(4094, '/') + "a"), "/a");
  std::string folded = "/x";
  for (int i = 0; i < 1000; ++i) folded += "/..";
  EXPECT_EQ(normal(folded), "/");
  EXPECT_EQ(normal("x", "relative"), "refused");
}

TEST(PathText, TheProcessesOwnDirectory) {
  PathText text;
  ASSERT_TRUE(text.normalise("x/../y", {}));
  EXPECT_EQ(text.view(), std::filesystem::current_path().string() + "/y");
}

TEST(PathText, AgreesWithTheStandardLibrary) {
  std::uint32_t state = 3;
  auto random = [&](std::uint32_t n) { return ((state = state * 1664525u + 1013904223u) >> 16) % n; };
  for (int round = 0; round < 20000; ++round) {
    std::string path;
    for (std::uint32_t i = 0; i < 1 + random(8); ++i)
      path += std::vector<const char*>{"/", "..", ".", "a", "bcdefghij", "/..", "/.", "//", "/.x"}[random(9)];
    std::string expected = (std::filesystem::path("/work") / path).lexically_normal().string();
    while (expected.size() > 1 && expected.back() == '/') expected.pop_back();
    if (expected.starts_with("//")) expected.erase(0, 1);
    ASSERT_EQ(normal(path), expected) << path;
  }
}

TEST(PathText, OwnProcessAndThreads) {
  std::string pid = std::to_string(getpid());
  EXPECT_EQ(normal("/proc/" + pid + "/maps"), "/proc/self/maps");
  EXPECT_EQ(normal("/proc/" + pid), "/proc/self");
  EXPECT_EQ(normal("/proc/" + pid + "x/maps"), "/proc/" + pid + "x/maps");
  EXPECT_EQ(normal("/proc/self/task"), "/proc/self/task");
  EXPECT_EQ(normal("/proc/self/root/etc/x"), "/etc/x");
  EXPECT_EQ(normal("/proc/self/root"), "/");
  EXPECT_EQ(normal("/proc/99999999999999/maps"), "/proc/99999999999999/maps");
  std::string deep;
  for (int i = 0; i < 100; ++i) deep += "/proc/self/root";
  EXPECT_EQ(normal(deep + "/tmp/x"), "/tmp/x") << "however often it is written";
  std::string tasks = "/proc/self";
  for (int i = 0; i < 200; ++i) tasks += "/task/7";
  EXPECT_EQ(normal(tasks + "/environ"), "/proc/self/environ");
  std::thread([&] {
    std::string tid = std::to_string(syscall(SYS_gettid));
    EXPECT_EQ(normal("/proc/" + tid + "/environ"), "/proc/self/environ")
        << "a thread's number leads to the same process";
    EXPECT_EQ(normal("/proc/self/task/" + tid + "/environ"), "/proc/self/environ");
  }).join();
  PathText text;
  ASSERT_TRUE(text.from_kernel("/proc/" + pid + "/maps"));
  EXPECT_EQ(text.view(), "/proc/self/maps");
}

}  // namespace
}  // namespace ap
