// SPDX-License-Identifier: Apache-2.0
#include "interpose/granted_opens.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>

namespace ap::interpose {
namespace {

PathBuffer path(const std::string& text) {
  PathBuffer out;
  out.assign(text);
  // What lies behind the end is of no importance.
  for (std::size_t i = out.size + 1; i < out.size + 16 && i < sizeof out.data; ++i)
    out.data[i] = static_cast<char>(i * 7);
  return out;
}

TEST(GrantedOpens, KnowsWhatWasAddedAndNothingElse) {
  for (const char* text :
       {"/", "/a", "/var/x", "/var/tmp", "/var/tmp/", "/var/tmp/a", "/a/rather/long/path/of/a/file"}) {
    EXPECT_FALSE(granted_opens::has(path(text), 1)) << text;
    granted_opens::add(path(text), 1);
    EXPECT_TRUE(granted_opens::has(path(text), 1)) << text;
    EXPECT_FALSE(granted_opens::has(path(text), 2)) << "another kind of " << text;
    EXPECT_FALSE(granted_opens::has(path(std::string(text) + "x"), 1)) << text;
    EXPECT_FALSE(granted_opens::has(path(std::string(text) + std::string(8, '\0')), 1)) << text;
    EXPECT_FALSE(granted_opens::has(path(std::string(text).substr(1)), 1)) << text;
  }
  granted_opens::add(path(""), 1);
  EXPECT_FALSE(granted_opens::has(path(""), 1));
  const std::string longest(112, 'x'), longer(113, 'x');
  granted_opens::add(path(longest), 1);
  granted_opens::add(path(longer), 1);
  EXPECT_TRUE(granted_opens::has(path(longest), 1));
  EXPECT_FALSE(granted_opens::has(path(longer), 1));
}

// Two halves that were never added together are never found together.
TEST(GrantedOpens, IsNeverTorn) {
  std::atomic<bool> stop{false};
  const auto text = [](unsigned a, unsigned b) {
    return path("/" + std::to_string(1000000 + a) + "/" + std::to_string(1000000 + b));
  };
  std::thread writer([&] {
    for (unsigned i = 0; !stop; ++i) granted_opens::add(text(i % 50, i % 50), 1);
  });
  unsigned found = 0;
  for (unsigned i = 0; i < 300000; ++i) {
    found += granted_opens::has(text(i % 50, i % 50), 1);
    EXPECT_FALSE(granted_opens::has(text(i % 50, (i + 1) % 50), 1));
  }
  stop = true;
  writer.join();
  EXPECT_GT(found, 0u);
}

}  // namespace
}  // namespace ap::interpose
