// SPDX-License-Identifier: Apache-2.0
#include "policy/lint.hpp"

#include <gtest/gtest.h>

namespace ap {
namespace {

std::string warnings(std::string_view json) {
  ParsedPolicy parsed = parse_policy(json);
  EXPECT_TRUE(parsed.valid()) << to_text(parsed.diagnostics);
  return to_text(lint(parsed.policy));
}

TEST(Lint, ShowsAStrangersDomain) {
  for (auto [entry, says] : {std::pair{"stripe", "`stripe.evil.example`"},
                             {"api.stripe.com", "`=api.stripe.com`"},
                             {"lambda.*", "`lambda.evil.example`"},
                             {"*stripe.com", "`evilstripe.com`"},
                             {"*.com", "anyone"},
                             {"*.amazonaws.com", "services"},
                             {"*.execute-api.us-east-1.amazonaws.com", "every customer"},
                             {"*.azurewebsites.net", "anyone"},
                             {"0.0.0.0/0", "every address"},
                             {"169.254.0.0/16", "stays refused"},
                             {"1.1.1.1:53", "name server"},
                             {"2130706433", "`127.0.0.1`"}}) {
    std::string text =
        warnings(std::string(R"({"outbound": {"action": "deny", "allowed_domains": [")") + entry + "\"]}}");
    EXPECT_NE(text.find(says), text.npos) << entry << ": " << text;
    EXPECT_TRUE(text.starts_with("outbound.allowed_domains[0]: warning: ")) << text;
  }
}

TEST(Lint, IsSilentAboutWhatIsMeantSo) {
  EXPECT_EQ(
      warnings(
          R"({"outbound": {"action": "deny", "allow_cloud_provider": "services", "allowed_domains": ["=api.stripe.com", "*.example.com", "10.0.0.0/16:5432"]},
                        "files": {"rules": [{"path": "/data/**", "read": "deny"}]},
                        "child_processes": {"action": "deny", "rules": [{"command": "^/usr/bin/file ", "action": "grant"}]}})"),
      "");
}

TEST(Lint, NamesWhatHasNoEffect) {
  EXPECT_NE(warnings(R"({"outbound": {"allowed_domains": ["=a.example"]}})").find("no effect"), std::string::npos);
  EXPECT_NE(warnings(R"({"outbound": {"action": "deny", "allow_cloud_provider": true}})").find("other customers"),
            std::string::npos);
  EXPECT_NE(warnings(R"({"files": {"rules": [{"path": "/x", "action": "deny"}, {"path": "/x", "read": "grant"}]}})")
                .find("never reached"),
            std::string::npos);
  EXPECT_NE(warnings(R"({"child_processes": {"action": "deny", "rules": [{"command": "file", "action": "grant"}]}})")
                .find("begin it with `^`"),
            std::string::npos);
  EXPECT_NE(warnings(R"({"files": {"rules": [{"path": "/x/[a].js", "read": "deny"}]}})").find("stand for themselves"),
            std::string::npos);
}

}  // namespace
}  // namespace ap
