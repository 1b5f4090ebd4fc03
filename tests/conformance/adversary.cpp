// SPDX-License-Identifier: Apache-2.0
//
// Hostile policies and operations that are too large or too odd for a YAML file: they must end, in the right answer.
// How long they take is the benchmark's business; here only the time limit of the test run would notice a blow-up.
#include <app_protect/api.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <random>
#include <string>
#include <vector>

namespace {

const ap_api& api() {
  static const ap_api* table = app_protect_api(AP_API_VERSION);
  if (!table) abort();
  return *table;
}

ap_str str(const std::string& s) {
  return {s.data(), static_cast<uint32_t>(s.size())};
}

class Policy {
 public:
  explicit Policy(const std::string& text) {
    static const std::string here = R"({"task_root": "/var/task", "path": "/usr/bin"})";
    char message[1 << 16] = "";
    handle_ = api().policy_open(str(text), str(here), message, sizeof message);
    diagnostics = message;
  }
  ~Policy() {
    if (handle_) api().policy_close(handle_);
  }
  Policy(const Policy&) = delete;
  bool valid() const { return handle_; }

  int check(const ap_operation& operation) const {
    ap_verdict verdict{};
    const int action = api().policy_check(handle_, &operation, &verdict);
    const ap_str text = api().policy_rule_text(handle_, &verdict);
    rule.assign(text.data ? text.data : "", text.size);
    return action;
  }
  int resolve(const std::string& host) const {
    ap_operation operation{};
    operation.resource = AP_OUTBOUND;
    operation.kind = AP_RESOLVE;
    operation.text = str(host);
    return check(operation);
  }
  int file(int kind, const std::string& path, const std::string& cwd = "") const {
    ap_operation operation{};
    operation.resource = AP_FILES;
    operation.kind = static_cast<uint8_t>(kind);
    operation.text = str(path);
    if (!cwd.empty()) operation.cwd = str(cwd);
    return check(operation);
  }
  int spawn(const std::string& program, const std::vector<std::string>& arguments) const {
    std::vector<ap_str> argv;
    for (const std::string& argument : arguments) argv.push_back(str(argument));
    ap_operation operation{};
    operation.resource = AP_PROCESSES;
    operation.kind = AP_SPAWN;
    operation.text = str(program);
    operation.argv = argv.data();
    operation.argc = static_cast<uint32_t>(argv.size());
    return check(operation);
  }

  std::string diagnostics;
  mutable std::string rule;

 private:
  ap_policy* handle_;
};

std::string repeated(const std::string& text, size_t times) {
  std::string result;
  result.reserve(text.size() * times);
  while (times--) result += text;
  return result;
}

// `size` entries made by `entry(i)`, between `before` and `after`.
template <typename Entry>
std::string listed(const std::string& before, size_t size, Entry entry, const std::string& after) {
  std::string text = before;
  for (size_t i = 0; i < size; ++i) text += (i ? "," : "") + entry(i);
  return text + after;
}

TEST(AdversaryTest, AHundredThousandDomains) {
  const Policy policy(listed(
      R"({"schema": 1, "outbound": {"action": "deny", "allowed_domains": [)", 100000,
      [](size_t i) { return "\"=host-" + std::to_string(i) + ".example.com\""; }, "]}}"));
  ASSERT_TRUE(policy.valid()) << policy.diagnostics;
  EXPECT_EQ(policy.resolve("host-0.example.com"), AP_GRANT);
  EXPECT_EQ(policy.resolve("host-99999.example.com"), AP_GRANT);
  EXPECT_EQ(policy.rule, "outbound.allowed_domains[99999]");
  EXPECT_EQ(policy.resolve("host-100000.example.com"), AP_DENY);
}

TEST(AdversaryTest, FiveMegabytesAreRefusedOrKept) {
  const Policy policy(listed(
      R"({"schema": 1, "outbound": {"action": "deny", "allowed_domains": [)", 170000,
      [](size_t i) { return "\"=host-" + std::to_string(i) + ".example.com\""; }, "]}}"));
  if (policy.valid()) {
    EXPECT_EQ(policy.resolve("host-169999.example.com"), AP_GRANT);
    EXPECT_EQ(policy.resolve("host-170000.example.com"), AP_DENY);
  } else {
    EXPECT_NE(policy.diagnostics.find("at most"), std::string::npos) << policy.diagnostics;  // says the limit
  }
}

TEST(AdversaryTest, AnEntryOfAMegabyte) {
  const Policy policy(R"({"schema": 1, "outbound": {"allowed_domains": [")" + std::string(1 << 20, 'a') + "\"]}}");
  EXPECT_FALSE(policy.valid());
  EXPECT_EQ(policy.diagnostics.rfind("outbound.allowed_domains[0]:", 0), 0u) << policy.diagnostics.substr(0, 200);
  EXPECT_LT(policy.diagnostics.size(), 4096u) << "a message that nobody can read";
}

TEST(AdversaryTest, AHundredThousandWrongEntries) {
  const Policy policy(listed(
      R"({"schema": 1, "outbound": {"allowed_domains": [)", 100000, [](size_t) { return std::string("\"a.*.b\""); },
      "]}}"));
  EXPECT_FALSE(policy.valid());
  EXPECT_EQ(policy.diagnostics.rfind("outbound.allowed_domains[0]:", 0), 0u) << policy.diagnostics.substr(0, 200);
}

TEST(AdversaryTest, TenThousandFileRules) {
  const Policy policy(listed(
      R"({"schema": 1, "files": {"rules": [)", 10000,
      [](size_t i) { return R"({"path": "/**/*)" + std::to_string(i) + R"(*/x", "read": "deny"})"; }, "]}}"));
  ASSERT_TRUE(policy.valid()) << policy.diagnostics;
  EXPECT_EQ(policy.file(AP_FILE_READ, "/a/b/c-9999-d/x"), AP_DENY);
  EXPECT_EQ(policy.rule, "files.rules[9]");  // the first that meets, not the narrowest
  EXPECT_EQ(policy.file(AP_FILE_READ, "/a/b/c/x"), AP_GRANT);
}

TEST(AdversaryTest, GlobsThatBacktrack) {
  const Policy policy(
      R"({"schema": 1, "files": {"rules": [{"path": "/**/a*a*a*a*a*a*a*a*a*a*a*a*a*a*b", "read": "deny"},
                         {"path": "/**a**a**a**a**a**a**a**a**a**a**c", "read": "deny"}]}})");
  ASSERT_TRUE(policy.valid()) << policy.diagnostics;
  EXPECT_EQ(policy.file(AP_FILE_READ, "/" + std::string(4000, 'a')), AP_GRANT);
  EXPECT_EQ(policy.file(AP_FILE_READ, "/" + repeated("a/", 2000) + "d"), AP_GRANT);
  EXPECT_EQ(policy.file(AP_FILE_READ, "/" + std::string(4000, 'a') + "b"), AP_DENY);
  EXPECT_EQ(policy.file(AP_FILE_READ, "/" + repeated("a/", 2000) + "c"), AP_DENY);
}

TEST(AdversaryTest, PathsThatFoldUp) {
  const Policy policy(R"({"schema": 1, "files": {"tmp": "grant", "elsewhere": "deny"}})");
  ASSERT_TRUE(policy.valid()) << policy.diagnostics;
  EXPECT_EQ(policy.file(AP_FILE_READ, "/tmp/" + repeated("a/../", 800) + "x"), AP_GRANT);
  EXPECT_EQ(policy.file(AP_FILE_READ, "/tmp/" + repeated("../", 1000) + "etc/shadow"), AP_DENY);
  EXPECT_EQ(policy.file(AP_FILE_READ, repeated("/", 3000) + "tmp/x"), AP_GRANT);
  EXPECT_EQ(policy.file(AP_FILE_READ, "x", "/tmp/" + std::string(5000, 'a')), AP_DENY) << "cannot be judged";
  EXPECT_EQ(policy.file(AP_FILE_READ, std::string(1 << 20, 'a'), "/tmp"), AP_DENY) << "cannot be judged";
}

TEST(AdversaryTest, PatternsThatExplodeElsewhere) {
  const Policy policy(R"({"schema": 1, "child_processes": {"action": "observe", "rules": [
      {"command": "^/usr/bin/env (a|aa)+$", "action": "grant"}, {"command": "(x+x+)+y", "action": "deny"},
      {"command": "(.*)(.*)(.*)(.*)(.*)zz", "action": "deny"}, {"command": "[a-q][^u-z]{13}xy", "action": "deny"}]}})");
  ASSERT_TRUE(policy.valid()) << policy.diagnostics;
  EXPECT_EQ(policy.spawn("/usr/bin/env", {"env", std::string(1 << 20, 'a')}), AP_GRANT);
  EXPECT_EQ(policy.spawn("/usr/bin/env", {"env", std::string(1 << 20, 'x')}), AP_OBSERVE);
  EXPECT_EQ(policy.spawn("/usr/bin/env", {"env", std::string(1 << 20, 'x') + "y"}), AP_DENY);
}

TEST(AdversaryTest, ManyArguments) {
  const Policy policy(
      R"({"schema": 1, "child_processes": {"action": "grant", "rules": [{"command": " evil$", "action": "deny"}]}})");
  ASSERT_TRUE(policy.valid()) << policy.diagnostics;
  std::vector<std::string> arguments(100000, "x");
  EXPECT_EQ(policy.spawn("/usr/bin/env", arguments), AP_GRANT);
  arguments.push_back("evil");
  EXPECT_EQ(policy.spawn("/usr/bin/env", arguments), AP_DENY) << "what stands behind a limit of ours must not hide";
}

TEST(AdversaryTest, AThousandCommandRules) {
  const Policy policy(listed(
      R"({"schema": 1, "child_processes": {"action": "deny", "rules": [)", 1000,
      [](size_t i) { return R"({"command": "(foo|ba[rz])+ --n=)" + std::to_string(i) + R"($", "action": "grant"})"; },
      "]}}"));
  ASSERT_TRUE(policy.valid()) << policy.diagnostics;
  EXPECT_EQ(policy.spawn("/usr/bin/foo", {"foo", "--n=999"}), AP_GRANT);
  EXPECT_EQ(policy.rule, "child_processes.rules[999]");
  EXPECT_EQ(policy.spawn("/usr/bin/foo", {"foo", "--n=1000"}), AP_DENY);
}

// A hook that is wrong, or newer than the core, must not open a door.
TEST(AdversaryTest, OperationsThatAreNone) {
  const Policy policy(R"({"schema": 1, "outbound": {"action": "deny", "local": "deny"}, "files": {"tmp": "deny",
                         "application": "deny", "elsewhere": "deny"}, "child_processes": {"action": "deny"}})");
  ASSERT_TRUE(policy.valid()) << policy.diagnostics;
  const std::string path = "/srv/x";
  for (const int resource : {0, 1, 2, 3, 4, 5, 255}) {
    for (int kind : {0, 9, 29, 33, 99, 255}) {
      ap_operation operation{};
      operation.resource = static_cast<uint8_t>(resource);
      operation.kind = static_cast<uint8_t>(kind);
      EXPECT_EQ(policy.check(operation), AP_DENY) << "resource " << resource << " kind " << kind << " without text";
      operation.text = str(path);
      EXPECT_EQ(policy.check(operation), AP_DENY) << "resource " << resource << " kind " << kind << " of /srv/x";
    }
  }
}

TEST(AdversaryTest, RandomOperations) {
  const Policy policy(
      R"({"schema": 1, "outbound": {"action": "deny", "allow_cloud_provider": "strict", "allowed_domains":
    ["stripe", "10.0.0.0/8:443"]}, "files": {"tmp": "observe", "application": "deny", "rules": [{"path": "/**/a*", "read": "deny"}]},
    "child_processes": {"action": "deny", "rules": [{"command": "^/usr/bin/env ", "action": "grant"}]}})");
  ASSERT_TRUE(policy.valid()) << policy.diagnostics;
  std::mt19937 random(1);
  const std::vector<std::string> pieces = {"",     "/",        "..",         "tmp", "/var/task/", "stripe",
                                           ".com", "10.0.0.1", "[::1]",      "%lo", "\xff",       std::string(1, 0),
                                           " ",    "0x7f",     "/proc/self", "env", "é",          ":443",
                                           "//",   "xn--"};
  auto text = [&] {
    std::string result;
    for (unsigned n = random() % 6; n; --n) result += pieces[random() % pieces.size()];
    return result;
  };
  for (int round = 0; round < 50000; ++round) {
    const std::string one = text(), two = text(), three = text();
    const ap_str argv[] = {str(three), {nullptr, 0}, str(two)};
    ap_operation operation{};
    operation.resource = static_cast<uint8_t>(1 + random() % 4);
    operation.kind = static_cast<uint8_t>(random() % 3 ? 1 + random() % 43 : random());
    operation.protocol = static_cast<uint8_t>(random() % 6);
    operation.flags = static_cast<uint32_t>(random() % 64);
    if (random() % 8) operation.text = str(one);
    if (random() % 2) operation.text2 = str(two);
    if (random() % 2) operation.cwd = str(three);
    operation.argv = random() % 4 ? argv : nullptr;
    operation.argc = random() % 4;
    operation.family = static_cast<uint8_t>(random() % 3 ? (random() % 2 ? 4 : 6) : random());
    for (auto& byte : operation.address) byte = static_cast<uint8_t>(random() % 3 ? 0 : random());
    operation.port = static_cast<uint16_t>(random() % 2 ? 443 : random());
    const int action = policy.check(operation);
    ASSERT_TRUE(action == AP_GRANT || action == AP_OBSERVE || action == AP_DENY) << round;
    ASSERT_EQ(policy.check(operation), action) << "the same question, another answer: round " << round;
  }
}

// Bytes changed, dropped and doubled in a good policy: always a policy or a diagnostic.
TEST(AdversaryTest, MutatedPolicies) {
  const std::string good =
      R"({"$schema": "x", "schema": 1, "name": "orders", "version": 3, "outbound": {"action": "deny",
    "allow_cloud_provider": "services", "allowed_domains": ["=api.stripe.com", "*.example.com", "lambda.*:443", "10.0.0.0/16:5432",
    "[2001:db8::/32]:443", "=b\u00fccher.example"], "local": "grant"}, "files": {"tmp": {"read": "grant", "write": "observe"},
    "application": "deny", "rules": [{"path": "/proc/self/environ", "read": "deny"}, {"path": "/**/a?b*/c", "write": "deny"}]},
    "child_processes": {"action": "deny", "rules": [{"command": "^/usr/bin/file ", "action": "grant"}], "unguarded": "deny"},
    "native_code": "deny", "on_deny": "block"})";
  ASSERT_TRUE(Policy(good).valid());
  std::mt19937 random(1);
  int still_valid = 0;
  for (int round = 0; round < 20000; ++round) {
    std::string text = good;
    for (int n = 1 + static_cast<int>(random() % 3); n; --n) {
      const size_t at = random() % text.size();
      switch (random() % 4) {
        case 0:
          text[at] = static_cast<char>(random());
          break;
        case 1:
          text.erase(at, 1 + random() % 8);
          break;
        case 2:
          text.insert(at, text.substr(random() % text.size(), random() % 16));
          break;
        default:
          text[at] = "{}[]\",:*.=/\\u0"[random() % 14];
      }
      if (text.empty()) text = " ";
    }
    const Policy policy(text);
    ASSERT_NE(policy.valid(), !policy.diagnostics.empty() && policy.diagnostics.find("warning") == std::string::npos)
        << text << "\n"
        << policy.diagnostics;
    if (!policy.valid()) continue;
    ++still_valid;
    policy.resolve("api.stripe.com");
    policy.file(AP_FILE_WRITE, "/x/a1b2/c");
    policy.spawn("/usr/bin/file", {"file", "x"});
  }
  EXPECT_GT(still_valid, 100) << "the mutations reach nothing behind the parser";
}

}  // namespace
