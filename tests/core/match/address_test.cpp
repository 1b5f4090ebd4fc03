// SPDX-License-Identifier: Apache-2.0
#include "match/address.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netdb.h>

#include <cstring>

#include "match/blob_writer.hpp"

namespace ap {
namespace {

std::string parsed(std::string_view text) {
  IpAddress a;
  return parse_ip(text, a) ? to_text(a) : "name";
}

TEST(Address, EverySpellingOfANumber) {
  for (const char* text : {"127.0.0.1", "127.1", "0x7f.1", "0x7f000001", "2130706433", "0177.0.0.1", "017700000001",
                           "127.0.1", "127.0.0.1.", "::ffff:127.0.0.1", "[::ffff:7f00:1]", "0X7F.0.0.0x1"})
    EXPECT_EQ(parsed(text), "127.0.0.1") << text;
  EXPECT_EQ(parsed("[fe80::1%eth0]"), "fe80::1");
  EXPECT_EQ(parsed("2001:DB8::1"), "2001:db8::1");
  EXPECT_EQ(parsed("4294967295"), "255.255.255.255");
  for (const char* text : {"", "a.b", "127.0.0.1.nip.io", "256.1.1.1.1", "1.2.3.256", "1.2.3.4.5", "0x", "08",
                           "4294967296", "1..2", "1.2.", "abc::g", "dead.beef", ":::"})
    EXPECT_EQ(parsed(text), std::string(text) == "1.2." ? "1.0.0.2" : "name") << text;
}

// What glibc takes for a number must be one here: it is connected to without a look-up.
TEST(Address, TakesForANumberWhatTheCLibraryDoes) {
  const std::string parts[] = {"0",  "1",     "255",      "256",        "0x1f", "0X", "010",
                               "09", "65535", "16777215", "4294967295", "a",    ""};
  int numbers = 0;
  for (const auto& a : parts)
    for (const auto& b : parts)
      for (const auto& c : parts)
        for (const std::string& text : {a, a + "." + b, a + "." + b + "." + c, "1." + a + "." + b + "." + c}) {
          in_addr expected;
          if (!inet_aton(text.c_str(), &expected) || text.find("X.") != text.npos || text.ends_with("X")) continue;
          IpAddress got;
          ASSERT_TRUE(parse_ip(text, got)) << text;
          ASSERT_EQ(std::memcmp(got.bytes, &expected, 4), 0) << text;
          ++numbers;
        }
  EXPECT_GT(numbers, 1000);
}

TEST(Address, Kinds) {
  auto ip = [](const char* text) {
    IpAddress a;
    EXPECT_TRUE(parse_ip(text, a)) << text;
    return a;
  };
  for (const char* text : {"127.0.0.1", "127.255.255.254", "0.0.0.0", "::1", "::", "::ffff:127.0.0.1",
                           "64:ff9b::7f00:1", "::127.0.0.1", "2002:7f00:1::"})
    EXPECT_TRUE(is_loopback(ip(text))) << text;
  for (const char* text : {"10.0.0.1", "128.0.0.1", "2::1", "fe80::1"}) EXPECT_FALSE(is_loopback(ip(text))) << text;
  for (const char* text : {"169.254.169.254", "169.254.1.1", "224.0.0.251", "255.255.255.255", "fe80::1", "ff02::1",
                           "fd00:ec2::254", "64:ff9b::a9fe:a9fe"})
    EXPECT_TRUE(is_special(ip(text))) << text;
  for (const char* text : {"10.0.0.1", "172.16.0.1", "192.168.1.1", "fd12::1", "93.184.216.34", "2001:db8::1"})
    EXPECT_FALSE(is_special(ip(text))) << text;
}

TEST(Address, ReverseNames) {
  IpAddress a;
  ASSERT_TRUE(parse_reverse_name("4.3.2.1.in-addr.arpa", a));
  EXPECT_EQ(to_text(a), "1.2.3.4");
  ASSERT_TRUE(parse_reverse_name("1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa", a));
  EXPECT_EQ(to_text(a), "2001:db8::1");
  EXPECT_FALSE(parse_reverse_name("example.com", a));
  EXPECT_FALSE(parse_reverse_name("x.in-addr.arpa", a));
}

TEST(Address, Entries) {
  struct Case {
    const char *text, *address;
    int bits, port;
  };
  for (const auto& [text, address, bits, port] :
       {Case{"10.0.0.7", "10.0.0.7", 32, 0}, Case{"=10.0.0.7", "10.0.0.7", 32, 0},
        Case{"10.0.0.0/16:5432", "10.0.0.0", 16, 5432}, Case{"0.0.0.0/0", "0.0.0.0", 0, 0},
        Case{"2001:db8::/32", "2001:db8::", 32, 0}, Case{"[2001:db8::1]:443", "2001:db8::1", 128, 443},
        Case{"[2001:db8::]/32:443", "2001:db8::", 32, 443}, Case{"2001:db8::/32:443", "2001:db8::", 32, 443},
        Case{"::ffff:10.0.0.0/112", "10.0.0.0", 16, 0}}) {
    bool is_address = false;
    auto entry = parse_address_entry(text, is_address);
    ASSERT_TRUE(is_address) << text;
    ASSERT_TRUE(entry) << entry.error().message;
    EXPECT_EQ(to_text(entry->address), address) << text;
    EXPECT_EQ(entry->bits, bits) << text;
    EXPECT_EQ(entry->port, port) << text;
  }
  for (const char* text : {"stripe", "10", "10.0.example", "*.1.2.3", "db:5432", "93.184"}) {
    bool is_address = true;
    (void)parse_address_entry(text, is_address);
    EXPECT_FALSE(is_address) << text;
  }
  struct Wrong {
    const char *text, *says;
  };
  for (const auto& [text, says] :
       {Wrong{"10.0.0.5/16", "`10.0.0.0/16`"}, Wrong{"10.0.0.0/33", "from 0 to 32"},
        Wrong{"2001:db8::/129", "from 0 to 128"}, Wrong{"10.0.0.0/", "from 0 to 32"},
        Wrong{"10.0.0.1:0", "from 1 to 65535"}, Wrong{"256.0.0.1", "not an IP address"},
        Wrong{"10.0.0.*", "`10.0.0.0/24`"}, Wrong{"10.*", "`10.0.0.0/8`"}, Wrong{"[::1", "without `]`"},
        Wrong{"[::1]x", "after `]`"}, Wrong{"2001:db8:::1", "not an IP address"}, Wrong{"[x]/8", "no address"}}) {
    bool is_address = false;
    auto entry = parse_address_entry(text, is_address);
    ASSERT_TRUE(is_address) << text;
    ASSERT_FALSE(entry) << text;
    EXPECT_NE(entry.error().message.find(says), std::string::npos) << text << ": " << entry.error().message;
  }
}

TEST(Address, MatchesTheLongestPrefix) {
  BlobWriter writer;
  std::vector<AddressEntryWithRule> entries;
  for (const char* text :
       {"10.0.0.0/8", "10.1.0.0/16:5432", "10.1.2.3", "2001:db8::/32", "[2001:db8::7]:443", "::/0", "64:ff9b::/96"}) {
    bool is_address = false;
    entries.push_back({*parse_address_entry(text, is_address), static_cast<std::uint32_t>(entries.size())});
  }
  AddressTable table = write_addresses(writer, entries);
  ASSERT_TRUE(valid_addresses(writer.bytes(), table));
  AddressMatcher m(writer.bytes().data(), table);
  auto match = [&](const char* text, std::uint16_t port) {
    IpAddress a;
    EXPECT_TRUE(parse_ip(text, a));
    const AddressItem* item = m.match(a, port);
    return item ? static_cast<int>(item->rule) : -1;
  };
  EXPECT_EQ(match("10.1.2.3", 80), 2);
  EXPECT_EQ(match("10.1.2.4", 5432), 1);
  EXPECT_EQ(match("10.1.2.4", 80), 0);
  EXPECT_EQ(match("11.0.0.1", 80), -1);
  EXPECT_EQ(match("::ffff:10.1.2.3", 80), 2);
  EXPECT_EQ(match("2001:db8::7", 443), 4);
  EXPECT_EQ(match("2001:db8::7", 80), 3);
  EXPECT_EQ(match("fe80::1", 80), 5);
  EXPECT_EQ(match("64:ff9b::1.2.3.4", 80), 6);
  EXPECT_EQ(m.match(IpAddress{}, 80), nullptr);
}

}  // namespace
}  // namespace ap
