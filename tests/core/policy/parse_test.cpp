// SPDX-License-Identifier: Apache-2.0
#include "policy/parse.hpp"

#include <gtest/gtest.h>

#include <chrono>

namespace ap {
namespace {

constexpr const char* kExample = R"({
  "schema": 1, "name": "orders", "version": 3, "description": "order intake",
  "outbound": {"action": "deny", "allow_cloud_provider": "services", "allowed_domains": ["=api.stripe.com", "*.example.com", "10.0.0.0/16:5432"], "local": "grant"},
  "files": {
    "tmp":         {"read": "grant", "write": "observe"},
    "application": {"read": "grant", "write": "deny"},
    "elsewhere":   {"read": "grant", "write": "grant"},
    "rules": [{"path": "/proc/self/environ", "read": "deny"}]
  },
  "child_processes": {"action": "deny", "rules": [{"command": "^/usr/bin/file ", "action": "grant"}], "unguarded": "deny"},
  "native_code": "deny",
  "on_deny": "raise"
})";

Policy valid(std::string_view json) {
  ParsedPolicy parsed = parse_policy(json);
  EXPECT_TRUE(parsed.valid()) << json << "\n" << to_text(parsed.diagnostics);
  return parsed.policy;
}

TEST(Parse, TheDesignsExample) {
  Policy p = valid(kExample);
  EXPECT_EQ(p.name, "orders");
  EXPECT_EQ(p.version, 3);
  EXPECT_EQ(p.outbound, Action::deny);
  EXPECT_EQ(p.provider, ProviderLevel::services);
  ASSERT_EQ(p.allowed.size(), 3u);
  EXPECT_EQ(p.allowed[1].domain.text, ".example.com");
  EXPECT_TRUE(p.allowed[2].is_address);
  EXPECT_EQ(p.allowed[2].place, "outbound.allowed_domains[2]");
  EXPECT_EQ(p.tmp.write, Action::observe);
  EXPECT_EQ(p.path_rules[0].read, Action::deny);
  EXPECT_FALSE(p.path_rules[0].write);
  EXPECT_EQ(p.command_rules[0].pattern, "^/usr/bin/file ");
  EXPECT_EQ(p.on_deny, OnDeny::raise);
  EXPECT_EQ(summary(p), "outbound deny, tmp rw grant/observe, app rw grant/deny, child deny");
}

TEST(Parse, MissingIsGrantUntilSomethingIsDenied) {
  Policy p = valid("{}");
  EXPECT_FALSE(p.denies());
  EXPECT_EQ(p.unguarded, Action::grant);
  EXPECT_EQ(p.native, Action::grant);
  EXPECT_EQ(p.version, -1);
  for (const char* json :
       {R"({"outbound": "deny"})", R"({"files": {"tmp": {"read": "deny"}}})", R"({"files": {"elsewhere": "deny"}})",
        R"({"child_processes": "deny"})", R"({"outbound": {"local": "deny"}})",
        R"({"files": {"rules": [{"path": "/x", "write": "deny"}]}})",
        R"({"child_processes": {"rules": [{"command": "x", "action": "deny"}]}})"}) {
    p = valid(json);
    EXPECT_EQ(p.unguarded, Action::deny) << json;
    EXPECT_EQ(p.native, Action::deny) << json;
  }
  p = valid(R"({"outbound": "deny", "native_code": "observe", "child_processes": {"unguarded": "grant"}})");
  EXPECT_EQ(p.native, Action::observe);
  EXPECT_EQ(p.unguarded, Action::grant);
  EXPECT_EQ(summary(p),
            "outbound deny, tmp rw grant/grant, app rw grant/grant, child grant, unguarded grant, native observe");
  EXPECT_EQ(valid(R"({"outbound": "observe"})").native, Action::grant);
}

TEST(Parse, ShortFormsAndAliases) {
  for (auto [word, action] : {std::pair{"\"off\"", Action::grant},
                              {"\"report\"", Action::observe},
                              {"\"mitigate\"", Action::deny},
                              {"\"allow\"", Action::grant},
                              {"\"alert\"", Action::observe},
                              {"\"block\"", Action::deny},
                              {"\"DENY\"", Action::deny},
                              {"false", Action::grant}}) {
    Policy p = valid(std::string(R"({"outbound": {"action": )") + word + R"(}, "files": {"tmp": )" + word +
                     R"(}, "child_processes": )" + word + "}");
    EXPECT_EQ(p.outbound, action) << word;
    EXPECT_EQ(p.tmp.read, action) << word;
    EXPECT_EQ(p.tmp.write, action) << word;
    EXPECT_EQ(p.child, action) << word;
  }
  EXPECT_EQ(valid(R"({"outbound": {"allow_cloud_provider": true}})").provider, ProviderLevel::all);
  EXPECT_EQ(valid(R"({"outbound": {"allow_cloud_provider": false}})").provider, ProviderLevel::off);
  EXPECT_EQ(valid(R"({"outbound": {"allowed_domains": " a.com , *.b.com:443"}})").allowed.size(), 2u);
}

struct Wrong {
  std::string json;
  const char *place, *says;
};

TEST(Parse, EveryWrongEntryIsNamedWithItsPlace) {
  for (const auto& [json, place, says] : {
           Wrong{"[]", "policy", "a list"},
           Wrong{"{\"outbund\": {}}", "outbund", "`outbound`"},
           Wrong{R"({"outbound": {"alowed_domains": []}})", "outbound.alowed_domains", "`allowed_domains`"},
           Wrong{R"({"zzzzzzzzzzzzz": 1})", "zzzzzzzzzzzzz", "known here"},
           Wrong{R"({"schema": 2})", "schema", "schema 1"},
           Wrong{R"({"name": "a b"})", "name", "letters"},
           Wrong{R"({"name": ""})", "name", "empty"},
           Wrong{R"({"version": -1})", "version", "whole number"},
           Wrong{R"({"version": "3"})", "version", "whole number"},
           Wrong{R"({"version": 1.5})", "version", "whole number"},
           Wrong{R"({"on_deny": "explode"})", "on_deny", "`terminate`"},
           Wrong{R"({"controls": {}})", "controls", "reserved"},
           Wrong{R"({"outbound": []})", "outbound", "a list"},
           Wrong{R"({"outbound": {"action": "dney"}})", "outbound.action", "did you mean `deny`"},
           Wrong{R"({"outbound": {"action": true}})", "outbound.action", "is true"},
           Wrong{R"({"outbound": {"action": null}})", "outbound.action", "is null"},
           Wrong{R"({"outbound": {"action": "deny", "action": "grant"}})", "outbound.action", "twice"},
           Wrong{R"({"outbound": {"allow_cloud_provider": "some"}})", "outbound.allow_cloud_provider", "`services`"},
           Wrong{R"({"outbound": {"allowed_domains": ["a", "b.*.c"]}})", "outbound.allowed_domains[1]",
                 "wildcard inside"},
           Wrong{R"({"outbound": {"allowed_domains": ["a", 7]}})", "outbound.allowed_domains[1]", "a number"},
           Wrong{R"({"outbound": {"allowed_domains": ["a,b"]}})", "outbound.allowed_domains[0]", "comma"},
           Wrong{R"({"outbound": {"allowed_domains": "a,,b"}})", "outbound.allowed_domains[1]", "empty"},
           Wrong{R"({"outbound": {"allowed_domains": {}}})", "outbound.allowed_domains", "a list of names"},
           Wrong{R"({"outbound": {"allowed_domains": ["10.0.0.1/99"]}})", "outbound.allowed_domains[0]", "0 to 32"},
           Wrong{R"({"files": "deny"})", "files", "`tmp`"},
           Wrong{R"({"files": {"tmp": 1}})", "files.tmp", "a number"},
           Wrong{R"({"files": {"tmp": {"raed": "deny"}}})", "files.tmp.raed", "`read`"},
           Wrong{R"({"files": {"rules": [{"read": "deny"}]}})", "files.rules[0]", "no `path`"},
           Wrong{R"({"files": {"rules": [{"path": "/x"}]}})", "files.rules[0]", "says nothing"},
           Wrong{R"({"files": {"rules": [{"path": "x", "read": "deny"}]}})", "files.rules[0].path", "not absolute"},
           Wrong{R"({"files": {"rules": [{"path": "/x", "read": "deny", "action": "deny"}]}})", "files.rules[0]",
                 "short for both"},
           Wrong{R"({"files": {"rules": ["/x"]}})", "files.rules[0]", "an object"},
           Wrong{R"({"child_processes": {"rules": [{"command": "(", "action": "deny"}]}})",
                 "child_processes.rules[0].command", "RE2"},
           Wrong{R"({"child_processes": {"rules": [{"command": "x"}]}})", "child_processes.rules[0]", "no `action`"},
           Wrong{R"({"child_processes": {"rules": [{"action": "deny"}]}})", "child_processes.rules[0]", "no `command`"},
           Wrong{"{\n \"schema\": 1,\n}", "line 3, column 1", "JSON"},
           Wrong{"", "policy", "neither"},
           Wrong{"nosuch.ability", "policy", "`observeAll.ability`"},
           Wrong{"{\"a\\nb\": 1}", "a\\nb", "unknown"},
       }) {
    ParsedPolicy parsed = parse_policy(json);
    ASSERT_FALSE(parsed.valid()) << json;
    bool found = false;
    for (const Diagnostic& d : parsed.diagnostics)
      found = found || (d.place == place && d.message.find(says) != d.message.npos);
    EXPECT_TRUE(found) << json << "\nexpected " << place << ": ..." << says << "\n" << to_text(parsed.diagnostics);
    for (const Diagnostic& d : parsed.diagnostics) EXPECT_EQ(d.message.find('\n'), std::string::npos);
  }
}

TEST(Parse, AllProblemsAtOnce) {
  ParsedPolicy parsed = parse_policy(R"({"outbund": 1, "files": {"tmp": "dny"}, "on_deny": 3, "native_code": "deny"})");
  EXPECT_EQ(parsed.diagnostics.size(), 3u) << to_text(parsed.diagnostics);
}

TEST(Parse, LargeInputIsBoundedAndQuick) {
  auto seconds = [](const std::string& json, bool expect_valid) {
    auto begin = std::chrono::steady_clock::now();
    EXPECT_EQ(parse_policy(json).valid(), expect_valid);
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  };
  EXPECT_LT(seconds("{\"description\": \"" + std::string(5u << 20, 'x') + "\"}", false), 1.0);
  std::string wrong = R"({"outbound": {"allowed_domains": [)";
  for (int i = 0; i < 100000; ++i) wrong += (i ? ",\"*.*.x\"" : "\"*.*.x\"");
  EXPECT_LT(seconds(wrong + "]}}", false), 10.0);
  EXPECT_LE(to_text(parse_policy(wrong + "]}}").diagnostics).size(), 20000u) << "a hundred diagnostics are enough";
  std::string deep;
  for (int i = 0; i < 100000; ++i) deep += "{\"files\":";
  EXPECT_LT(seconds(deep, false), 1.0);
}

TEST(Parse, NearestName) {
  EXPECT_EQ(nearest_name("outbund", {"outbound", "files"}), "outbound");
  EXPECT_EQ(nearest_name("filse", {"outbound", "files"}), "files");
  EXPECT_EQ(nearest_name("entirely", {"outbound", "files"}), "");
  EXPECT_EQ(nearest_name("", {"outbound"}), "");
}

}  // namespace
}  // namespace ap
