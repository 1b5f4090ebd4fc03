// SPDX-License-Identifier: Apache-2.0
//
// Random policies against an oracle: the plainest reading of the design (try every entry in turn, globs as regular
// expressions, networks bit by bit), against the core's hash tables. Small alphabets, so that entries overlap and
// collide. The seed is fixed; APP_PROTECT_ORACLE_SEED and APP_PROTECT_ORACLE_ROUNDS widen the search.
#include <app_protect/api.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <random>
#include <regex>
#include <string>
#include <vector>

namespace {

const ap_api& api() {
  static const ap_api* table = app_protect_api(AP_API_VERSION);
  if (!table) abort();
  return *table;
}

unsigned long setting(const char* name, unsigned long otherwise) {
  const char* value = getenv(name);
  return value ? strtoul(value, nullptr, 10) : otherwise;
}

class OracleTest : public testing::Test {
 protected:
  ~OracleTest() override { close(); }
  void close() {
    if (policy_) api().policy_close(policy_);
    policy_ = nullptr;
  }
  void open(const std::string& text) {
    close();
    char diagnostics[4096] = "";
    policy_ = api().policy_open(str(text), str(R"({"task_root": "/var/task"})"), diagnostics, sizeof diagnostics);
    ASSERT_TRUE(policy_) << text << "\n" << diagnostics;
  }
  // The deciding rule's text; "" when granted by nothing in particular.
  int check(const ap_operation& operation, std::string& rule) {
    ap_verdict verdict{};
    const int action = api().policy_check(policy_, &operation, &verdict);
    const ap_str text = api().policy_rule_text(policy_, &verdict);
    rule.assign(text.data ? text.data : "", text.size);
    return action;
  }
  static ap_str str(const std::string& s) { return {s.data(), static_cast<uint32_t>(s.size())}; }
  unsigned below(unsigned n) { return static_cast<unsigned>(random_() % n); }
  template <typename T>
  const T& one_of(const std::vector<T>& choices) {
    return choices[below(static_cast<unsigned>(choices.size()))];
  }
  std::string joined(const std::vector<std::string>& pieces, unsigned most, const char* between) {
    std::string text = one_of(pieces);
    for (unsigned n = below(most); n; --n) text += between + one_of(pieces);
    return text;
  }

  const unsigned long rounds_ = setting("APP_PROTECT_ORACLE_ROUNDS", 300);
  std::mt19937_64 random_{setting("APP_PROTECT_ORACLE_SEED", 1)};
  ap_policy* policy_ = nullptr;
};

// --- domains ---

struct Domain {
  char form;  // '=' exact, '<' starts with, '>' ends with, '~' contains
  std::string text;
  unsigned port;

  bool meets(const std::string& name, unsigned p) const {
    if (port && p && port != p) return false;
    switch (form) {
      case '=':
        return name == text;
      case '<':
        return name.rfind(text, 0) == 0;
      case '>':
        return name.size() >= text.size() && name.compare(name.size() - text.size(), text.size(), text) == 0;
      default:
        return name.find(text) != std::string::npos;
    }
  }
  std::string written() const {
    const std::string suffix = port ? ":" + std::to_string(port) : "";
    switch (form) {
      case '=':
        return "=" + text + suffix;
      case '<':
        return text + "*" + suffix;
      case '>':
        return "*" + text + suffix;
      default:
        return text + suffix;
    }
  }
};

TEST_F(OracleTest, Domains) {
  const std::vector<std::string> labels = {
      "a", "b", "ab", "ba", "aa", "com", "xn--bcher-kva", "long-label-of-more-than-eight"};
  const std::string forms = "=<>~";
  for (unsigned long round = 0; round < rounds_; ++round) {
    std::vector<Domain> entries;
    std::string list;
    for (unsigned n = 1 + below(12); n; --n) {
      Domain entry{forms[below(4)], joined(labels, 3, "."), below(3) ? 0 : 1 + below(3)};
      if (entry.form == '>' && below(2)) entry.text = "." + entry.text;
      if (entry.form == '<' && below(2)) entry.text += ".";
      list += (list.empty() ? "\"" : ", \"") + entry.written() + "\"";
      entries.push_back(entry);
    }
    const std::string policy = R"({"schema": 1, "outbound": {"action": "deny", "allowed_domains": [)" + list + "]}}";
    ASSERT_NO_FATAL_FAILURE(open(policy));
    for (int n = 0; n < 40; ++n) {
      const std::string name = joined(labels, 4, ".");
      const unsigned port = below(2) ? 1 + below(3) : 0;
      ap_operation operation{};
      operation.resource = AP_OUTBOUND;
      operation.kind = port ? AP_CONNECT : AP_RESOLVE;
      operation.protocol = port ? AP_PROTO_TCP : AP_PROTO_DNS;
      operation.text = str(name);
      operation.port = static_cast<uint16_t>(port);
      bool granted = false;
      for (const Domain& entry : entries) granted = granted || entry.meets(name, port);
      std::string rule;
      ASSERT_EQ(check(operation, rule), granted ? AP_GRANT : AP_DENY) << policy << "\n"
                                                                      << name << " port " << port << " by " << rule;
      unsigned index = 0;
      if (granted) {
        ASSERT_EQ(sscanf(rule.c_str(), "outbound.allowed_domains[%u]", &index), 1) << rule;
        ASSERT_TRUE(index < entries.size() && entries[index].meets(name, port))
            << policy << "\n"
            << name << " port " << port << " by " << rule;
      }
    }
  }
}

// --- addresses ---

struct Network {
  std::vector<uint8_t> bytes;
  unsigned bits, port;

  bool meets(const std::vector<uint8_t>& address, unsigned p) const {
    if (address.size() != bytes.size() || (port && port != p)) return false;
    for (unsigned bit = 0; bit < bits; ++bit)
      if ((address[bit / 8] ^ bytes[bit / 8]) >> (7 - bit % 8) & 1) return false;
    return true;
  }
  std::string written() const {
    char text[80];
    std::vector<uint8_t> b = bytes;
    for (unsigned bit = bits; bit < b.size() * 8; ++bit) b[bit / 8] &= static_cast<uint8_t>(~(0x80 >> bit % 8));
    const std::string suffix = port ? ":" + std::to_string(port) : "";
    if (b.size() == 4) {
      snprintf(text, sizeof text, "%u.%u.%u.%u/%u", b[0], b[1], b[2], b[3], bits);
      return text + suffix;
    }
    std::string six;
    for (size_t i = 0; i < 16; i += 2) {
      snprintf(text, sizeof text, "%s%x", i ? ":" : "", b[i] << 8 | b[i + 1]);
      six += text;
    }
    six += "/" + std::to_string(bits);
    return port ? "[" + six + "]" + suffix : six;
  }
};

TEST_F(OracleTest, Addresses) {
  auto random_address = [&] {
    std::vector<uint8_t> bytes(below(2) ? 4 : 16);
    bytes[0] = bytes.size() == 4 ? 10 : 0x24;
    for (size_t i = 1; i < bytes.size(); ++i) bytes[i] = static_cast<uint8_t>(below(4) ? 0 : below(3) * 0x41);
    return bytes;
  };
  for (unsigned long round = 0; round < rounds_; ++round) {
    std::vector<Network> entries;
    std::string list;
    for (unsigned n = 1 + below(12); n; --n) {
      std::vector<uint8_t> bytes = random_address();
      const auto most = static_cast<unsigned>(bytes.size() * 8);
      Network entry{bytes, below(3) ? 8 + below(most - 7) : most, below(3) ? 0 : 1 + below(3)};
      list += (list.empty() ? "\"" : ", \"") + entry.written() + "\"";
      entries.push_back(entry);
    }
    const std::string policy = R"({"schema": 1, "outbound": {"action": "deny", "allowed_domains": [)" + list + "]}}";
    ASSERT_NO_FATAL_FAILURE(open(policy));
    for (int n = 0; n < 40; ++n) {
      const std::vector<uint8_t> address = random_address();
      ap_operation operation{};
      operation.resource = AP_OUTBOUND;
      operation.kind = AP_CONNECT;
      operation.protocol = AP_PROTO_TCP;
      operation.family = address.size() == 4 ? 4 : 6;
      memcpy(operation.address, address.data(), address.size());
      operation.port = static_cast<uint16_t>(1 + below(3));
      bool granted = false;
      for (const Network& entry : entries) granted = granted || entry.meets(address, operation.port);
      std::string rule;
      ASSERT_EQ(check(operation, rule), granted ? AP_GRANT : AP_DENY)
          << policy << "\n"
          << Network{address, static_cast<unsigned>(address.size() * 8), operation.port}.written() << " by " << rule;
      unsigned index = 0;
      if (granted) {
        ASSERT_EQ(sscanf(rule.c_str(), "outbound.allowed_domains[%u]", &index), 1) << rule;
        ASSERT_TRUE(index < entries.size() && entries[index].meets(address, operation.port))
            << policy << " by " << rule;
      }
    }
  }
}

// --- paths ---

std::regex glob(const std::string& pattern) {
  std::string text;
  for (size_t i = 0; i < pattern.size();) {
    if (pattern.compare(i, 4, "/**/") == 0 || pattern.compare(i, std::string::npos, "/**") == 0)
      text += "(?:/.*)?", i += 3;
    else if (pattern.compare(i, 2, "**") == 0)
      text += ".*", i += 2;
    else if (pattern[i] == '*')
      text += "[^/]*", ++i;
    else if (pattern[i] == '?')
      text += "[^/]", ++i;
    else
      text += std::strchr(".[]()+", pattern[i]) ? std::string("\\") + pattern[i] : std::string(1, pattern[i]), ++i;
  }
  return std::regex(text);
}

TEST_F(OracleTest, Paths) {
  const std::vector<std::string> written = {"a",  "b",   "ab", "a*",  "*b",  "*",  "?",
                                            "a?", "*a*", "**", "a**", "**b", ".a", "[a]"};
  const std::vector<std::string> names = {"a", "b", "ab", "ba", "aab", "c", ".a", "[a]", "abababab", "aaaaaaaab"};
  const std::vector<std::string> actions = {"grant", "observe", "deny"};
  for (unsigned long round = 0; round < rounds_; ++round) {
    struct Rule {
      std::regex pattern;
      int read, write;  // -1 = says nothing
    };
    std::vector<Rule> rules;
    std::string list;
    for (unsigned n = 1 + below(8); n; --n) {
      std::string pattern = "/" + joined(written, 4, "/");
      Rule rule{glob(pattern), static_cast<int>(below(4)) - 1, static_cast<int>(below(3))};
      if (rule.read >= 0 && below(3) == 0) rule.write = -1;
      list += std::string(list.empty() ? "" : ", ") + R"({"path": ")" + pattern + "\"";
      if (rule.read >= 0) list += R"(, "read": ")" + actions[static_cast<size_t>(rule.read)] + "\"";
      if (rule.write >= 0) list += R"(, "write": ")" + actions[static_cast<size_t>(rule.write)] + "\"";
      list += "}";
      rules.push_back(rule);
    }
    const std::string policy = R"({"schema": 1, "files": {"elsewhere": "observe", "rules": [)" + list + "]}}";
    ASSERT_NO_FATAL_FAILURE(open(policy));
    for (int n = 0; n < 40; ++n) {
      const std::string path = "/" + joined(names, 5, "/");
      const bool write = below(2);
      ap_operation operation{};
      operation.resource = AP_FILES;
      operation.kind = write ? AP_FILE_WRITE : AP_FILE_READ;
      operation.text = str(path);
      int expected = AP_OBSERVE;
      std::string expected_rule = write ? "files.elsewhere.write" : "files.elsewhere.read";
      for (size_t i = 0; i < rules.size(); ++i) {
        const int says = write ? rules[i].write : rules[i].read;
        if (says < 0 || !std::regex_match(path, rules[i].pattern)) continue;
        expected = says;
        expected_rule = "files.rules[" + std::to_string(i) + "]";
        break;
      }
      std::string rule;
      ASSERT_EQ(check(operation, rule), expected)
          << policy << "\n"
          << (write ? "write " : "read ") << path << " by " << rule << ", expected " << expected_rule;
      ASSERT_EQ(rule, expected_rule) << policy << "\n" << (write ? "write " : "read ") << path;
    }
  }
}

}  // namespace
