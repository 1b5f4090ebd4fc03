// SPDX-License-Identifier: Apache-2.0
#include "event/owner.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "event/lines.hpp"

namespace {

TEST(Owner, StartTicksAreField22) {
  std::ifstream in("/proc/self/stat");
  std::stringstream all;
  all << in.rdbuf();
  std::string text = all.str();
  std::istringstream rest(text.substr(text.rfind(')') + 2));
  std::string field;
  for (int i = 3; i <= 22; ++i) rest >> field;
  EXPECT_EQ(std::to_string(ap::event::start_ticks(getpid())), field);
}

TEST(Owner, NobodyHasNone) {
  EXPECT_EQ(ap::event::start_ticks(0x7ffffff0), 0u);
}

TEST(Owner, WithoutASealNobodyIsEnded) {
  ap::event::end_owner();
  SUCCEED();
}

}  // namespace
