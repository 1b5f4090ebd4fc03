// SPDX-License-Identifier: Apache-2.0
#include "match/domain.hpp"

#include <gtest/gtest.h>

#include "match/blob_writer.hpp"

namespace ap {
namespace {

class Matcher {
 public:
  explicit Matcher(const std::vector<std::string>& entries) {
    std::vector<DomainEntryWithRule> parsed;
    for (const std::string& text : entries) {
      auto entry = parse_domain_entry(text);
      EXPECT_TRUE(entry) << text << ": " << (entry ? "" : entry.error().message);
      if (entry) parsed.push_back({*entry, static_cast<std::uint32_t>(parsed.size())});
    }
    table_ = write_domains(writer_, parsed);
    EXPECT_TRUE(valid_domains(writer_.bytes(), table_));
  }
  // Number of the entry; -1 when none meets.
  int match(std::string_view name, std::uint16_t port = 443) {
    const DomainItem* item = DomainMatcher(writer_.bytes().data(), table_).match(name, port);
    return item ? static_cast<int>(item->rule) : -1;
  }
  int match_with_port(std::string_view name, std::uint16_t port) {
    const DomainItem* item = DomainMatcher(writer_.bytes().data(), table_).match_with_port(name, port);
    return item ? static_cast<int>(item->rule) : -1;
  }

 private:
  BlobWriter writer_;
  DomainTable table_;
};

TEST(Domain, Forms) {
  Matcher m({"stripe", "*.amazonaws.com", "*ends-with.io", "lambda.*", "starts-with*", "=api.example.com"});
  EXPECT_EQ(m.match("stripe.com"), 0);
  EXPECT_EQ(m.match("m.stripe.com"), 0);
  EXPECT_EQ(m.match("s3.amazonaws.com"), 1);
  EXPECT_EQ(m.match("amazonaws.com"), -1);
  EXPECT_EQ(m.match("evilamazonaws.com"), -1);
  EXPECT_EQ(m.match("amazonaws.com.evil.example"), -1);
  EXPECT_EQ(m.match("xends-with.io"), 2);
  EXPECT_EQ(m.match("lambda.eu"), 3);
  EXPECT_EQ(m.match("lambdax.eu"), -1);
  EXPECT_EQ(m.match("starts-with-x.eu"), 4);
  EXPECT_EQ(m.match("api.example.com"), 5);
  EXPECT_EQ(m.match("x.api.example.com"), -1);
  EXPECT_EQ(m.match(""), -1);
  EXPECT_EQ(m.match(std::string(256, 'a')), -1);
}

TEST(Domain, TheMoreExactEntryAnswers) {
  Matcher m({"example", "*.com", "*.example.com", "api.*", "=api.example.com"});
  EXPECT_EQ(m.match("api.example.com"), 4);
  EXPECT_EQ(m.match("www.example.com"), 2);
  EXPECT_EQ(m.match("www.other.com"), 1);
  EXPECT_EQ(m.match("api.example.org"), 3);
  EXPECT_EQ(m.match("www.example.org"), 0);
}

TEST(Domain, Ports) {
  Matcher m({"=db.internal:5432", "*.example.com:443", "=db.internal:5433"});
  EXPECT_EQ(m.match("db.internal", 5432), 0);
  EXPECT_EQ(m.match("db.internal", 5433), 2);
  EXPECT_EQ(m.match("db.internal", 22), -1);
  EXPECT_EQ(m.match("db.internal", 0), 0) << "any port will do for a look-up";
  EXPECT_EQ(m.match("a.example.com", 80), -1);
  Matcher open({"=ns.example", "=ns2.example:53"});
  EXPECT_EQ(open.match_with_port("ns.example", 53), -1);
  EXPECT_EQ(open.match_with_port("ns2.example", 53), 1);
}

struct Wrong {
  const char *entry, *says;
};

TEST(Domain, SaysWhatIsWrongAndWhatToWrite) {
  for (const auto& [entry, says] : {
           Wrong{"", "empty entry"},
           Wrong{"*", "meets every name"},
           Wrong{"*.", "meets every name"},
           Wrong{"=", "meets every name"},
           Wrong{"api.*.example.com", "wildcard inside"},
           Wrong{"**.example.com", "wildcard inside"},
           Wrong{"*example*", "both ends"},
           Wrong{"=*.example.com", "both `=` and `*`"},
           Wrong{"https://api.example.com/x", "`=api.example.com`"},
           Wrong{"api.example.com/x", "holds `/`"},
           Wrong{"user@example.com", "holds `@`"},
           Wrong{"a b", "white space"},
           Wrong{"a..b", "empty label"},
           Wrong{"a:b", "a port is a number"},
           Wrong{"a:0", "from 1 to 65535"},
           Wrong{"a:65536", "from 1 to 65535"},
           Wrong{":443", "no name"},
           Wrong{"a=b", "`=` inside"},
           Wrong{"\xff.example", "no host name"},
       }) {
    auto parsed = parse_domain_entry(entry);
    ASSERT_FALSE(parsed) << entry;
    EXPECT_NE(parsed.error().message.find(says), std::string::npos) << entry << ": " << parsed.error().message;
  }
  EXPECT_FALSE(parse_domain_entry(std::string(64, 'a') + ".example"));
  EXPECT_FALSE(parse_domain_entry("a." + std::string(300, 'b')));
}

// Against the plainest possible reading, on an alphabet small enough to collide all the time.
TEST(Domain, MeetsWhatAPlainReadingMeets) {
  std::uint32_t state = 1;
  auto random = [&](std::uint32_t n) {
    return (state = state * 1664525u + 1013904223u) >> 16 % 16 ? (state >> 16) % n : 0;
  };
  auto text = [&](std::uint32_t most) {
    std::string out(1, "ab"[random(2)]);
    for (std::uint32_t i = random(most); i > 0; --i) {
      char c = "ab."[random(3)];
      if (c == '.' && out.back() == '.') c = 'a';
      out += c;
    }
    if (out.back() == '.') out += 'b';
    return out;
  };
  for (int round = 0; round < 300; ++round) {
    std::vector<std::string> entries;
    for (std::uint32_t i = 0; i < 1 + random(8); ++i) {
      std::string body = text(6);
      entries.push_back(
          std::vector<std::string>{body, "*" + body, "*." + body, body + "*", body + ".*", "=" + body}[random(6)]);
    }
    Matcher m(entries);
    for (int i = 0; i < 40; ++i) {
      std::string name = text(9);
      bool expected = false;
      for (const std::string& entry : entries) {
        bool met = entry[0] == '='       ? name == entry.substr(1)
                   : entry[0] == '*'     ? name.size() >= entry.size() - 1 && name.ends_with(entry.substr(1))
                   : entry.back() == '*' ? name.starts_with(entry.substr(0, entry.size() - 1))
                                         : name.find(entry) != std::string::npos;
        expected = expected || met;
      }
      ASSERT_EQ(m.match(name) >= 0, expected) << name << " against " << ::testing::PrintToString(entries);
    }
  }
}

TEST(Domain, ADamagedTableIsRefused) {
  BlobWriter writer;
  DomainTable table =
      write_domains(writer, {{{DomainForm::exact, "a.example", 0}, 0}, {{DomainForm::exact, "a.example", 443}, 1}});
  ASSERT_TRUE(valid_domains(writer.bytes(), table));
  for (std::uint32_t next : {0u, 2u, 7u}) {
    std::string bytes = writer.bytes();
    reinterpret_cast<DomainItem*>(bytes.data() + table.items.offset)[1].next = next;
    EXPECT_FALSE(valid_domains(bytes, table)) << "a chain that goes back or out: " << next;
  }
  std::string bytes = writer.bytes();
  auto* slots = reinterpret_cast<HashSlot*>(bytes.data() + table.slots.offset);
  for (std::uint32_t i = 0; i < table.slots.count; ++i) slots[i].first = 1;
  EXPECT_FALSE(valid_domains(bytes, table)) << "a walk without an end";
  DomainTable odd = table;
  odd.slots.count = 3;
  EXPECT_FALSE(valid_domains(writer.bytes(), odd));
  odd = table;
  odd.items.offset = 0xfffffff8u;
  EXPECT_FALSE(valid_domains(writer.bytes(), odd));
  odd = table;
  odd.items.count = 0x40000000u;
  EXPECT_FALSE(valid_domains(writer.bytes(), odd));
}

}  // namespace
}  // namespace ap
