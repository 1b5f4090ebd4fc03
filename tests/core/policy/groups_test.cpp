// SPDX-License-Identifier: Apache-2.0
#include "policy/groups.hpp"

#include <gtest/gtest.h>

#include "policy/parse.hpp"

namespace ap {
namespace {

TEST(Groups, AreFoundInAnyCaseWithOrWithoutSuffix) {
  for (const char* name : {"observeAll.ability", "observeall", "OBSERVEALL.ABILITY", "observeAll"})
    EXPECT_FALSE(built_in_group(name).empty()) << name;
  EXPECT_EQ(built_in_group("observeAll"), built_in_group(kDefaultGroup));
  EXPECT_TRUE(built_in_group("orders").empty());
  EXPECT_TRUE(built_in_group("").empty());
  EXPECT_EQ(group_key("Orders.Ability"), "orders");
  EXPECT_EQ(group_print("Orders.Ability"), "orders.ability");
}

TEST(Groups, AreValidAndSayWhatTheirNamesSay) {
  ASSERT_EQ(built_in_group_names().size(), 4u);
  auto line = [](const char* name) {
    ParsedPolicy parsed = parse_policy(built_in_group(name));
    EXPECT_TRUE(parsed.valid()) << name << to_text(parsed.diagnostics);
    EXPECT_EQ(group_key(parsed.policy.name), group_key(name));
    return summary(parsed.policy);
  };
  EXPECT_EQ(line("observeAll"), "outbound observe, tmp rw observe/observe, app rw observe/observe, child observe");
  EXPECT_EQ(line("grantAll"), "outbound grant, tmp rw grant/grant, app rw grant/grant, child grant");
  EXPECT_EQ(line("denyAll"), "outbound deny, tmp rw deny/deny, app rw deny/deny, child deny");
  EXPECT_EQ(line("cloudOnly"), "outbound deny, tmp rw grant/grant, app rw grant/grant, child grant");
}

}  // namespace
}  // namespace ap
