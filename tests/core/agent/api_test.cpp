// SPDX-License-Identifier: Apache-2.0
#include <app_protect/api.h>
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <app_protect/library.hpp>
#include <app_protect/operation.hpp>
#include <app_protect/policy.hpp>

#include <filesystem>

#include "event/lines.hpp"

namespace {

const ap_api& table() {
  return *app_protect_api(AP_API_VERSION);
}

TEST(Api, EveryEntryIsThere) {
  const auto* words = reinterpret_cast<void* const*>(&table());
  EXPECT_EQ(table().version, AP_API_VERSION);
  EXPECT_EQ(table().size, sizeof(ap_api));
  for (std::size_t i = 1; i < sizeof(ap_api) / sizeof(void*); ++i) EXPECT_NE(words[i], nullptr) << i;
  EXPECT_EQ(app_protect_api(AP_API_VERSION + 1), nullptr);
}

TEST(Api, BeforeStartEverythingIsGrantedAndNothingBreaks) {
  EXPECT_EQ(test::in_child([] {
              const ap_api& api = table();
              const auto op = test::file_op(AP_FILE_WRITE, "/tmp/x");
              ap_verdict v{};
              if (api.check(&op, &v) != AP_GRANT || api.needs() != 0) return 1;
              api.report(&op, &v, nullptr);
              api.process_begin(), api.process_end(), api.handler_loading();
              api.invocation_begin({nullptr, 0}, {nullptr, 0}, 0);
              if (api.invocation_end() != 0) return 2;
              api.flush();
              if (api.rule_text(&v).data != nullptr) return 3;
              char small[8];
              return api.status(small, sizeof small) > sizeof small && strlen(small) == 7 ? 0 : 4;
            }),
            0);
}

TEST(Api, QuestionsAboutAPolicy) {
  const ap_api& api = table();
  char diagnostics[4096];
  const auto open = [&](std::string_view text, std::string_view surroundings) {
    return api.policy_open(app_protect::str(text),
                           surroundings.empty() ? ap_str{nullptr, 0} : app_protect::str(surroundings), diagnostics,
                           sizeof diagnostics);
  };
  ap_policy* policy = open(R"({"schema":1,"outbound":{"action":"deny","allowed_domains":["=a.example"]}})", "{}");
  ASSERT_NE(policy, nullptr) << diagnostics;
  ap_verdict v{};
  EXPECT_EQ(api.policy_check(policy, &app_protect::Operation::connect("a.example", 443).c(), &v), AP_GRANT);
  EXPECT_EQ(api.policy_check(policy, &app_protect::Operation::connect("203.0.113.1", 443).c(), &v), AP_DENY);
  EXPECT_EQ(app_protect::view(api.policy_rule_text(policy, &v)), "outbound.action");
  const uint8_t address[16] = {203, 0, 113, 1};
  api.policy_note_answer(policy, app_protect::str("a.example"), address, 4);
  EXPECT_EQ(api.policy_check(policy, &app_protect::Operation::connect("203.0.113.1", 443).c(), &v), AP_GRANT);
  char summary[10];
  EXPECT_GT(api.policy_summary(policy, summary, sizeof summary), sizeof summary);
  EXPECT_STREQ(summary, "outbound ");
  api.policy_close(policy);

  policy = open("DENYALL", "");
  ASSERT_NE(policy, nullptr);
  api.policy_close(policy);
  EXPECT_EQ(open("{", "{}"), nullptr);
  EXPECT_NE(std::string(diagnostics).find("line 1"), std::string::npos);
  EXPECT_EQ(open(R"({"schema":1})", "{\"nonsense\":1}"), nullptr);
  EXPECT_EQ(api.policy_open(app_protect::str("{"), {nullptr, 0}, nullptr, 0), nullptr);
}

#ifdef APP_PROTECT_LIBRARY
TEST(Api, ASecondCopyOfTheLibraryGivesTheTableOfTheFirst) {
  namespace fs = std::filesystem;
  char name[] = "/tmp/app_protect_test_XXXXXX";
  const std::string folder = mkdtemp(name);
  for (const char* place : {"/one", "/two"}) {
    fs::create_directory(folder + place);
    fs::copy_file(APP_PROTECT_LIBRARY, folder + place + "/libapp_protect.so");
  }
  EXPECT_EQ(test::in_child([&] {
              dup2(::open("/dev/null", O_WRONLY), 2);
              const auto one = app_protect::Library::open(folder + "/one/libapp_protect.so");
              auto two = app_protect::Library::open(folder + "/two/libapp_protect.so");
              if (!one || !two || one.api() == two.api()) return 1;
              setenv("TREND_AP_POLICY", R"({"schema":1,"name":"first"})", 1);
              ap_start_options options{};
              options.size = sizeof options;
              if (one->start(&options, nullptr, 0) != AP_STARTED) return 2;
              two = app_protect::Library::open(folder + "/two/libapp_protect.so");
              if (two.api() != one.api()) return 3;
              return two->start(&options, nullptr, 0) == AP_ALREADY ? 0 : 4;
            }),
            0);
  fs::remove_all(folder);
}
#endif

}  // namespace
