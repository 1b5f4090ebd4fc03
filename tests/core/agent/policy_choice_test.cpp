// SPDX-License-Identifier: Apache-2.0
#include "agent/policy_choice.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "event/lines.hpp"
#include "policy/groups.hpp"

namespace {

using namespace ap;
using namespace ap::agent;
namespace fs = std::filesystem;

constexpr const char* kOrders = R"({"schema":1,"name":"Orders","version":3,"outbound":{"action":"deny"}})";

class PolicyChoiceTest : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/app_protect_test_XXXXXX";
    root_ = mkdtemp(name);
    places_.working_directory = root_ + "/cwd";
    places_.main_dir = root_ + "/main";
    places_.task_root = root_ + "/task";
    for (const char* folder : {"cwd", "main", "task", "groups"}) fs::create_directories(root_ + "/" + folder);
  }
  void TearDown() override {
    fs::permissions(root_, fs::perms::owner_all);
    fs::remove_all(root_);
  }

  std::string write(const std::string& name, const std::string& text) {
    std::ofstream(root_ + "/" + name) << text;
    return root_ + "/" + name;
  }
  Result<PolicyChoice> choose() {
    control::NoConsole none({});
    return choose_policy(config_, places_, none);
  }
  std::string error() {
    auto choice = choose();
    EXPECT_FALSE(choice);
    return choice ? "" : choice.error().message;
  }
  void policy(const std::string& text) { config_.policy = Setting{text, "TREND_AP_POLICY"}; }
  void file(const std::string& path) { config_.policy_file = Setting{path, "TREND_AP_POLICY_FILE"}; }
  void group(const std::string& name) {
    config_.group = normal_group(name);
    config_.group_origin = "ES_POLICY_GROUP_NAME";
  }

  std::string root_;
  Places places_;
  FinalConfig config_;
};

TEST_F(PolicyChoiceTest, SourceOrder) {
  auto choice = choose();
  ASSERT_TRUE(choice);
  EXPECT_EQ(choice->source, "built-in group");
  EXPECT_EQ(group_print(choice->policy.name), "observeall.ability");
  EXPECT_TRUE(choice->warnings.empty());

  group("DENYALL");
  EXPECT_EQ(group_print(choose()->policy.name), "denyall.ability");

  write("task/app_protect.json", R"({"schema":1,"name":"packaged"})");
  EXPECT_EQ(choose()->policy.name, "packaged");
  EXPECT_EQ(choose()->source, "app_protect.json");

  file(write("p.json", R"({"schema":1})"));
  EXPECT_EQ(choose()->policy.name, "p") << "named after its file where it has no name";
  EXPECT_EQ(choose()->source, root_ + "/p.json");

  policy(kOrders);
  EXPECT_EQ(choose()->policy.name, "Orders");
  EXPECT_EQ(choose()->source, "TREND_AP_POLICY");
}

TEST_F(PolicyChoiceTest, WithoutATaskRootTheMainModulesFolderThenTheWorkingDirectory) {
  places_.task_root.clear();
  write("cwd/app_protect.json", R"({"schema":1,"name":"cwd"})");
  EXPECT_EQ(choose()->policy.name, "cwd");
  write("main/app_protect.json", R"({"schema":1,"name":"main"})");
  EXPECT_EQ(choose()->policy.name, "main");
}

TEST_F(PolicyChoiceTest, AFolderOfGroups) {
  file(root_ + "/groups/");
  EXPECT_NE(error().find("set ES_POLICY_GROUP_NAME"), std::string::npos);
  group("Orders.ability");
  EXPECT_NE(error().find("a folder without `orders.json`"), std::string::npos);
  write("groups/ORDERS.Ability.json", kOrders);
  EXPECT_EQ(choose()->policy.name, "Orders");
  write("groups/other.json", "{");
  EXPECT_TRUE(choose()) << "the other groups of the folder are nobody's business";
}

TEST_F(PolicyChoiceTest, NamedButUnusableIsAnErrorThatSaysWhat) {
  file("/nonexistent/policy.json");
  EXPECT_NE(error().find("TREND_AP_POLICY_FILE names `/nonexistent/policy.json`: no such file"), std::string::npos);

  const std::string fifo = root_ + "/fifo";
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  file(fifo);
  EXPECT_NE(error().find("it is a FIFO, expected a regular file"), std::string::npos);

  file("/dev/zero");
  EXPECT_NE(error().find("it is a device"), std::string::npos);

  fs::create_symlink("loop", root_ + "/loop");
  file(root_ + "/loop");
  EXPECT_NE(error().find("/loop`: "), std::string::npos);

  file(write("empty.json", ""));
  EXPECT_NE(error().find("empty.json"), std::string::npos);

  file(write("binary", std::string("\0\1\2\xff", 4)));
  EXPECT_NE(error().find("is not a valid policy"), std::string::npos);

  file(write("large.json", "{\"schema\":1,\"description\":\"" + std::string(5 << 20, 'x') + "\"}"));
  EXPECT_NE(error().find("large.json"), std::string::npos);

  file(write("huge.json", std::string(17 << 20, ' ')));
  EXPECT_NE(error().find("larger than 16 MB"), std::string::npos);

  file(write("deep.json", std::string(100000, '[')));
  EXPECT_NE(error().find("deep.json"), std::string::npos);
}

TEST_F(PolicyChoiceTest, AnUnreadableFile) {
  const std::string path = write("secret.json", kOrders);
  fs::permissions(path, fs::perms::none);
  EXPECT_EQ(test::in_child([&] {
              if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0)) return 3;
              if (chdir("/") != 0) return 4;
              file(path);
              auto choice = choose();
              return !choice && choice.error().message.find("permission denied") != std::string::npos ? 0 : 1;
            }),
            0);
}

TEST_F(PolicyChoiceTest, AnInvalidPolicyListsItsPlaces) {
  policy(R"({"schema":1,"outbund":{},"outbound":{"action":"forbid","allowed_domains":["a.b","x*y"]}})");
  const std::string message = error();
  EXPECT_EQ(message.find("TREND_AP_POLICY is not a valid policy:\n"), 0u);
  for (const char* place : {"outbund", "outbound.action", "outbound.allowed_domains[1]", "did you mean `outbound`"})
    EXPECT_NE(message.find(place), std::string::npos) << message;
  for (const char* bad : {"{", "[]", "x", "null", "{\"schema\":1,\"schema\":1}", "{\"schema\":99}", "\xff"}) {
    policy(bad);
    EXPECT_NE(error().find("TREND_AP_POLICY is not a valid policy"), std::string::npos) << bad;
  }
}

TEST_F(PolicyChoiceTest, ManyMistakesAreCountedNotAllListed) {
  std::string list;
  for (int i = 0; i < 1000; ++i) list += std::string(i != 0 ? "," : "") + "\"x*y\"";
  policy(R"({"schema":1,"outbound":{"action":"deny","allowed_domains":[)" + list + "]}}");
  const std::string message = error();
  EXPECT_LT(message.size(), 4000u);
  EXPECT_NE(message.find("more"), std::string::npos);
}

TEST_F(PolicyChoiceTest, TheNameOfAGroupIsNoPolicy) {
  policy("denyAll.ability");
  EXPECT_NE(error().find("ES_POLICY_GROUP_NAME"), std::string::npos);
}

TEST_F(PolicyChoiceTest, APackagedPolicyThatIsBrokenIsAnError) {
  write("task/app_protect.json", R"({"schema":1,"files":{"tmpp":"deny"}})");
  const std::string message = error();
  EXPECT_NE(message.find("app_protect.json"), std::string::npos);
  EXPECT_NE(message.find("tmpp"), std::string::npos);
  fs::remove(root_ + "/task/app_protect.json");
  fs::create_directory(root_ + "/task/app_protect.json");
  EXPECT_NE(error().find("it is a folder"), std::string::npos);
}

TEST_F(PolicyChoiceTest, AGroupThatIsNotToBeHad) {
  group("orders");
  auto choice = choose();
  ASSERT_TRUE(choice);
  EXPECT_EQ(group_print(choice->policy.name), "observeall.ability");
  ASSERT_EQ(choice->warnings.size(), 1u);
  EXPECT_NE(choice->warnings[0].find("`orders`"), std::string::npos);
  EXPECT_NE(choice->warnings[0].find("denies nothing"), std::string::npos);
  EXPECT_FALSE(choice->health.empty());
  config_.fail_closed = true;
  EXPECT_NE(error().find("TREND_AP_FAIL_CLOSED"), std::string::npos);
}

TEST_F(PolicyChoiceTest, AConsoleComesAfterLocalAndBeforeBuiltIn) {
  struct Console : control::PolicySource {
    control::Bundle policy(std::string_view group) override {
      asked = group;
      return {control::Bundle::State::ready, R"({"schema":1,"name":"remote"})"};
    }
    std::string notice() override { return ""; }
    std::string asked;
  } console;
  group("Orders");
  EXPECT_EQ(choose_policy(config_, places_, console)->policy.name, "remote");
  EXPECT_EQ(console.asked, "orders");
  console.asked.clear();
  policy(kOrders);
  EXPECT_EQ(choose_policy(config_, places_, console)->policy.name, "Orders");
  EXPECT_EQ(console.asked, "") << "a local policy does not wait for a console";
}

}  // namespace
