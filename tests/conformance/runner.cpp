// SPDX-License-Identifier: Apache-2.0
//
// Runs cases.json (README.md) against the C table: one GoogleTest per case, named after its file and itself.
//
//   conformance [--gtest_filter='*files*'] [cases.json]
//
// A failure shows the case's id, its policy, what was expected and what came. Linked with libapp_protect.so where it is
// built, so that what ships is what is tested.
#include <app_protect/api.h>
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <rapidjson/document.h>
#include <rapidjson/error/en.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <deque>
#include <fstream>
#include <iostream>
#include <map>
#include <sstream>

namespace {

using Value = rapidjson::Value;
using Names = std::map<std::string, int>;

const Names resources = {
    {"outbound", AP_OUTBOUND}, {"files", AP_FILES}, {"processes", AP_PROCESSES}, {"native", AP_NATIVE}};
const Names kinds = {{"resolve", AP_RESOLVE},
                     {"connect", AP_CONNECT},
                     {"read", AP_FILE_READ},
                     {"write", AP_FILE_WRITE},
                     {"create", AP_FILE_CREATE},
                     {"delete", AP_FILE_DELETE},
                     {"rename", AP_FILE_RENAME},
                     {"link", AP_FILE_LINK},
                     {"symlink", AP_FILE_SYMLINK},
                     {"stat", AP_FILE_STAT},
                     {"metadata", AP_FILE_METADATA},
                     {"list", AP_FILE_LIST},
                     {"spawn", AP_SPAWN},
                     {"fork", AP_FORK},
                     {"load", AP_LOAD},
                     {"exec_memory", AP_EXEC_MEMORY},
                     {"call_address", AP_CALL_ADDRESS},
                     {"memfd", AP_MEMFD}};
const Names protocols = {{"tcp", AP_PROTO_TCP}, {"udp", AP_PROTO_UDP}, {"dns", AP_PROTO_DNS}, {"unix", AP_PROTO_UNIX}};
const Names flags = {{"shell", AP_OP_SHELL},
                     {"async", AP_OP_ASYNC},
                     {"canonical", AP_OP_CANONICAL},
                     {"unguarded", AP_OP_UNGUARDED},
                     {"read_too", AP_OP_READ_TOO}};
const char* const actions[] = {"grant", "observe", "deny"};
const char* const on_denies[] = {"raise", "block", "terminate"};
const char* const classes[] = {"none", "name", "literal", "local", "provider", "tenant", "hosting"};
const char* const event_policies[] = {"none",           "outbound_data",    "read_write_tmp",
                                      "read_write_app", "read_write_other", "create_child_process",
                                      "native_code",    "agent_health"};

const ap_api& api() {
  static const ap_api* table = app_protect_api(AP_API_VERSION);
  if (!table) abort();
  return *table;
}

ap_str str(const std::string& s) {
  return {s.data(), static_cast<uint32_t>(s.size())};
}
std::string text(ap_str s) {
  return s.data ? std::string(s.data, s.size) : std::string("(absent)");
}

template <size_t N>
std::string name(const char* const (&names)[N], size_t value) {
  return value < N ? names[value] : "unknown " + std::to_string(value);
}

std::string string_of(const Value& value) {  // a string, with ${pid} filled in, or {"hex": ...}
  std::string result;
  if (value.IsObject()) {
    const char* hex = value["hex"].GetString();
    for (; hex[0] && hex[1]; hex += 2) result += static_cast<char>(std::stoi(std::string(hex, 2), nullptr, 16));
    return result;
  }
  result.assign(value.GetString(), value.GetStringLength());
  for (size_t at; (at = result.find("${pid}")) != std::string::npos;) result.replace(at, 6, std::to_string(getpid()));
  return result;
}

uint8_t parse_address(const std::string& given, uint8_t (&address)[16]) {  // family 4 or 6
  const bool six = given.find(':') != std::string::npos;
  EXPECT_EQ(inet_pton(six ? AF_INET6 : AF_INET, given.c_str(), address), 1) << "bad address in case: " << given;
  return six ? 6 : 4;
}

// An ap_operation and the strings it points to.
struct Operation {
  explicit Operation(const Value& given) {
    for (const auto& field : given.GetObject()) {
      const std::string key = field.name.GetString();
      const Value& value = field.value;
      if (key == "resource")
        raw.resource = static_cast<uint8_t>(resources.at(value.GetString()));
      else if (key == "kind")
        raw.kind = static_cast<uint8_t>(kinds.at(value.GetString()));
      else if (key == "protocol")
        raw.protocol = static_cast<uint8_t>(protocols.at(value.GetString()));
      else if (key == "line")
        raw.line = static_cast<uint8_t>(value.GetInt());
      else if (key == "port")
        raw.port = static_cast<uint16_t>(value.GetInt());
      else if (key == "address")
        raw.family = parse_address(value.GetString(), raw.address);
      else if (key == "host" || key == "path" || key == "program")
        raw.text = keep(value);
      else if (key == "to" || key == "real")
        raw.text2 = keep(value);
      else if (key == "cwd")
        raw.cwd = keep(value);
      else if (key == "query_type")
        raw.query_type = keep(value);
      else if (key == "argv")
        for (const auto& argument : value.GetArray()) argv.push_back(keep(argument));
      else if (flags.at(key) && value.GetBool())
        raw.flags |= static_cast<uint32_t>(flags.at(key));
    }
    raw.argv = argv.data();
    raw.argc = static_cast<uint32_t>(argv.size());
  }
  Operation(const Operation&) = delete;

  ap_str keep(const Value& value) { return str(strings.emplace_back(string_of(value))); }

  ap_operation raw{};
  std::deque<std::string> strings;
  std::vector<ap_str> argv;
};

class Policy {
 public:
  Policy(const Value& the_case) : diagnostics(1 << 16, '\0') {
    handle = api().policy_open(str(string_of(the_case["policy"])), str(string_of(the_case["surroundings"])),
                               diagnostics.data(), diagnostics.size());
    diagnostics.resize(strlen(diagnostics.c_str()));
  }
  ~Policy() {
    if (handle) api().policy_close(handle);
  }
  Policy(const Policy&) = delete;

  ap_policy* handle;
  std::string diagnostics;
};

std::string lower(std::string s) {
  std::transform(s.begin(), s.end(), s.begin(), [](unsigned char c) { return std::tolower(c); });
  return s;
}

bool says(const std::string& line, const std::string& alternatives) {  // "a|b": either
  std::istringstream stream(lower(alternatives));
  for (std::string one; std::getline(stream, one, '|');)
    if (lower(line).find(one) != std::string::npos) return true;
  return false;
}

bool met(const Value& entry, const std::string& line) {
  if (entry.HasMember("place") && line.rfind(std::string(entry["place"].GetString()) + ":", 0) != 0) return false;
  if (!entry.HasMember("says")) return true;
  const auto& words = entry["says"].GetArray();
  return std::all_of(words.begin(), words.end(), [&](const Value& word) { return says(line, string_of(word)); });
}

std::string json(const Value& value) {  // for messages
  rapidjson::StringBuffer buffer;
  rapidjson::Writer<rapidjson::StringBuffer> writer(buffer);
  value.Accept(writer);
  return buffer.GetString();
}

class DecisionTest : public testing::Test {
 public:
  explicit DecisionTest(const Value& the_case) : case_(the_case) {}
  void TestBody() override {
    Policy policy(case_);
    ASSERT_TRUE(policy.handle) << string_of(case_["policy"]) << "\nis refused: " << policy.diagnostics;
    for (const auto& answer : case_["answers"].GetArray())
      for (const auto& given : answer["addresses"].GetArray()) {
        uint8_t address[16] = {};
        const uint8_t family = parse_address(given.GetString(), address);
        api().policy_note_answer(policy.handle, str(string_of(answer["host"])), address, family);
      }
    Operation operation(case_["operation"]);
    ap_verdict verdict{};
    const int action = api().policy_check(policy.handle, &operation.raw, &verdict);
    EXPECT_EQ(action, verdict.action) << "policy_check returns the action";
    const std::map<std::string, std::string> got = {{"action", name(actions, verdict.action)},
                                                    {"on_deny", name(on_denies, verdict.on_deny)},
                                                    {"class", name(classes, verdict.cls)},
                                                    {"policy", name(event_policies, verdict.policy)},
                                                    {"rule", text(api().policy_rule_text(policy.handle, &verdict))}};
    for (const auto& field : case_["expect"].GetObject())
      EXPECT_EQ(got.at(field.name.GetString()), field.value.GetString())
          << "  field " << field.name.GetString() << " of " << case_["id"].GetString() << "\n  policy "
          << string_of(case_["policy"]) << "\n  operation " << json(case_["operation"]) << "\n  rule " << got.at("rule")
          << ", class " << got.at("class");
  }

 private:
  const Value& case_;
};

class PolicyTest : public testing::Test {
 public:
  explicit PolicyTest(const Value& the_case) : case_(the_case) {}
  void TestBody() override {
    Policy policy(case_);
    const std::string shown = string_of(case_["policy"]).substr(0, 500);
    EXPECT_EQ(policy.handle != nullptr, case_["valid"].GetBool()) << shown << "\ndiagnostics:\n" << policy.diagnostics;
    for (const auto& entry : case_["diagnostics"].GetArray()) {
      std::istringstream stream(policy.diagnostics);
      bool found = false;
      for (std::string line; !found && std::getline(stream, line);) found = met(entry, line);
      EXPECT_TRUE(found) << shown << "\nexpected " << json(entry) << "\ndiagnostics:\n" << policy.diagnostics;
    }
    if (case_["silent"].GetBool()) {
      EXPECT_EQ(policy.diagnostics, "") << shown;
    }
    if (!policy.handle || case_["summary"].Empty()) return;
    char summary[4096];
    api().policy_summary(policy.handle, summary, sizeof summary);
    for (const auto& part : case_["summary"].GetArray())
      EXPECT_TRUE(says(summary, part.GetString()))
          << shown << "\nexpected `" << part.GetString() << "` in `" << summary << "`";
  }

 private:
  const Value& case_;
};

std::string test_name(std::string id) {  // what a filter can name
  std::replace_if(id.begin(), id.end(), [](unsigned char c) { return !std::isalnum(c); }, '_');
  return id;
}

template <class Test>
void enrol(const Value& cases) {
  for (const auto& the_case : cases.GetArray()) {
    const std::string id = the_case["id"].GetString();
    const size_t dot = id.find(".yaml: ");
    testing::RegisterTest(id.substr(0, dot).c_str(), test_name(id.substr(dot + 7)).c_str(), nullptr, nullptr, __FILE__,
                          __LINE__, [&the_case]() -> testing::Test* { return new Test(the_case); });
  }
}

}  // namespace

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  const char* path = argc > 1 ? argv[1] : CONFORMANCE_CASES;
  std::ifstream file(path);
  const std::string content((std::istreambuf_iterator<char>(file)), {});
  static rapidjson::Document cases;
  if (!file || cases.Parse(content.c_str(), content.size()).HasParseError()) {
    std::cerr << "conformance: " << path << ": "
              << (file ? rapidjson::GetParseError_En(cases.GetParseError()) : "cannot be read") << "\n";
    return 2;
  }
  enrol<DecisionTest>(cases["decisions"]);
  enrol<PolicyTest>(cases["policies"]);
  return RUN_ALL_TESTS();
}
