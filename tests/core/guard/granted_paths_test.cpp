// SPDX-License-Identifier: Apache-2.0
#include "guard/granted_paths.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>

namespace ap {
namespace {

TEST(GrantedPaths, KnowsWhatWasAddedAndNothingElse) {
  for (const char* text :
       {"/", "/a", "/var/x", "/var/tmp", "/var/tmp/", "/var/tmp/a", "/a/rather/long/path/of/a/file"}) {
    EXPECT_FALSE(granted_paths::has(text, 1)) << text;
    granted_paths::add(text, 1);
    EXPECT_TRUE(granted_paths::has(text, 1)) << text;
    EXPECT_FALSE(granted_paths::has(text, 2)) << "another kind of " << text;
    EXPECT_FALSE(granted_paths::has(std::string(text) + "x", 1)) << text;
    EXPECT_FALSE(granted_paths::has(std::string(text) + std::string(8, '\0'), 1)) << text;
    EXPECT_FALSE(granted_paths::has(std::string(text).substr(1), 1)) << text;
  }
  granted_paths::add("", 1);
  EXPECT_FALSE(granted_paths::has("", 1));
  const std::string longest(112, 'x'), longer(113, 'x');
  granted_paths::add(longest, 1);
  granted_paths::add(longer, 1);
  EXPECT_TRUE(granted_paths::has(longest, 1));
  EXPECT_FALSE(granted_paths::has(longer, 1));
}

// Two halves that were never added together are never found together.
TEST(GrantedPaths, IsNeverTorn) {
  std::atomic<bool> stop{false};
  const auto text = [](unsigned a, unsigned b) {
    return "/" + std::to_string(1000000 + a) + "/" + std::to_string(1000000 + b);
  };
  std::thread writer([&] {
    for (unsigned i = 0; !stop; ++i) granted_paths::add(text(i % 50, i % 50), 1);
  });
  unsigned found = 0;
  for (unsigned i = 0; i < 300000; ++i) {
    found += granted_paths::has(text(i % 50, i % 50), 1);
    EXPECT_FALSE(granted_paths::has(text(i % 50, (i + 1) % 50), 1));
  }
  stop = true;
  writer.join();
  EXPECT_GT(found, 0u);
}

}  // namespace
}  // namespace ap
