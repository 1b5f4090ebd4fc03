// SPDX-License-Identifier: Apache-2.0
#include "agent/environment.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <cstring>

#include "event/lines.hpp"

namespace {

using ap::agent::Environment;

TEST(Environment, EmptyCountsAsNotSet) {
  const Environment env({{"A", ""}, {"B", "x=y"}, {"B", "second"}});
  EXPECT_FALSE(env.get("A"));
  EXPECT_TRUE(env.is_set("A"));
  EXPECT_EQ(env.get("B"), "x=y");
  EXPECT_FALSE(env.is_set("C"));
}

TEST(Environment, ReadsTheProcess) {
  setenv("AP_TEST_VARIABLE", "with = sign", 1);
  EXPECT_EQ(Environment::of_this_process().get("AP_TEST_VARIABLE"), "with = sign");
  unsetenv("AP_TEST_VARIABLE");
}

TEST(Environment, WipeLeavesNothingBehind) {
  EXPECT_EQ(test::in_child([] {
              static char secret[] = "AP_TEST_SECRET=hunter2", again[] = "AP_TEST_SECRET=hunter3",
                          longer[] = "AP_TEST_SECRETS=keep", other[] = "OTHER=1";
              static char* block[] = {other, secret, longer, again, nullptr};
              environ = block;
              Environment::wipe("AP_TEST_SECRET");
              if (memchr(secret, 'h', sizeof secret) != nullptr || memchr(again, 'h', sizeof again) != nullptr)
                return 1;
              if (environ[0] != other || environ[1] != longer || environ[2] != nullptr) return 2;
              return strcmp(longer, "AP_TEST_SECRETS=keep") == 0 ? 0 : 3;
            }),
            0);
}

}  // namespace
