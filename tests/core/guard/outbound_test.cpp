// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "guard/guard.hpp"
#include "support/question.hpp"

namespace ap {
namespace {

using test::Question;

const std::string kDeny =
    R"({"outbound": {"action": "deny", "allowed_domains": ["=api.stripe.com", "*.example.com", "=db.internal:5432", "10.0.0.0/16:5432", "1.1.1.1:53"]}})";

TEST(Outbound, PlatformComesFirst) {
  Question q(R"({"outbound": {"action": "deny", "local": "deny"}})");
  EXPECT_EQ(q.connect("", "127.0.0.1", 9001), "grant outbound.platform");
  EXPECT_EQ(q.connect("", "127.0.0.1", 9002), "deny outbound.local");
  EXPECT_EQ(q.connect("", "169.254.100.5", 53), "grant outbound.platform");
  EXPECT_EQ(q.connect("", "169.254.100.5", 80), "deny outbound.action");
  Operation nscd = Question::operation(AP_OUTBOUND, AP_CONNECT, "/var/run/nscd/socket");
  nscd.protocol = AP_PROTO_UNIX;
  EXPECT_EQ(q.ask(nscd), "grant outbound.platform");
  nscd.text = str("/run/other.sock");
  EXPECT_EQ(q.ask(nscd), "deny outbound.local");
}

TEST(Outbound, MetadataIsRefusedWhateverIsListed) {
  Question q(
      R"({"outbound": {"action": "deny", "allow_cloud_provider": "all", "allowed_domains": ["169.254.169.254", "169.254.0.0/16", "0.0.0.0/0", "::/0", "=metadata.google.internal", "=x.example"]}})");
  for (const char* address : {"169.254.169.254", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "fd00:ec2::254",
                              "169.254.170.2", "2002:a9fe:a9fe::"})
    EXPECT_EQ(q.connect("", address, 80), "deny outbound.metadata") << address;
  EXPECT_EQ(q.connect("2852039166", "", 80), "deny outbound.metadata") << "another spelling";
  EXPECT_EQ(q.resolve("metadata.google.internal"), "deny outbound.metadata");
  EXPECT_EQ(q.connect("x.example", "169.254.169.254", 80), "deny outbound.metadata");
  EXPECT_EQ(q.connect("", "169.254.1.1", 80), "grant outbound.allowed_domains[1]")
      << "link-local, and listed as an address";
  Question observe(R"({"outbound": {"action": "observe"}})");
  EXPECT_EQ(observe.connect("", "169.254.169.254", 80), "observe outbound.metadata");
}

TEST(Outbound, AnEndPointThatAVariableNamesIsNoMetadata) {
  Surroundings here = test::lambda();
  here.end_points.push_back({"169.254.170.23", 80, "AWS_CONTAINER_CREDENTIALS_FULL_URI"});
  Question q(kDeny, here);
  EXPECT_EQ(q.connect("", "169.254.170.23", 80), "grant outbound.platform");
  EXPECT_EQ(q.connect("", "169.254.170.23", 81), "deny outbound.metadata");
}

TEST(Outbound, AnAllowedNameMayNotAnswerThisMachine) {
  Question q(kDeny);
  for (const char* address : {"127.0.0.1", "::1", "0.0.0.0", "::ffff:127.0.0.1", "169.254.1.1", "224.0.0.1", "fe80::1"})
    EXPECT_EQ(q.connect("a.example.com", address, 80), "deny outbound.answer") << address;
  EXPECT_EQ(q.connect("a.example.com", "10.9.9.9", 80), "grant outbound.allowed_domains[1]")
      << "private ranges are where interface end points live";
  EXPECT_EQ(q.connect("localhost", "127.0.0.1", 80), "grant outbound.local");
  EXPECT_EQ(q.connect("localhost", "93.184.216.34", 80), "deny outbound.action") << "localhost that leads elsewhere";
  EXPECT_EQ(q.connect("", "127.0.0.1", 80), "grant outbound.local");
  q.note("rebind.example.com", "127.0.0.1");
  EXPECT_EQ(q.connect("", "127.0.0.1", 80), "deny outbound.answer") << "line 2 sees the address alone";
  EXPECT_EQ(q.connect("127.0.0.1", "127.0.0.1", 80), "grant outbound.local") << "the program said the address itself";
}

TEST(Outbound, ASpecialAnswerIsForgottenSoon) {
  static std::uint32_t now;
  now = 1000;
  auto old = NameTable::clock_ms;
  NameTable::clock_ms = []() noexcept { return now; };
  Question q(kDeny);
  q.note("rebind.example.com", "127.0.0.1");
  now += 4000;
  EXPECT_EQ(q.connect("", "127.0.0.1", 80), "deny outbound.answer");
  now += 60000;
  EXPECT_EQ(q.connect("", "127.0.0.1", 80), "grant outbound.local");
  NameTable::clock_ms = old;
}

TEST(Outbound, OtherNameServersAreRefused) {
  Question q(kDeny);
  EXPECT_EQ(q.connect("", "8.8.8.8", 53), "deny outbound.dns");
  EXPECT_EQ(q.connect("", "127.0.0.1", 53), "deny outbound.dns") << "on loopback too";
  EXPECT_EQ(q.connect("ns.example.com", "93.184.216.34", 853), "deny outbound.dns") << "inside an allowed name too";
  EXPECT_EQ(q.connect("", "1.1.1.1", 53), "grant outbound.allowed_domains[4]")
      << "unless the entry states this very port";
  EXPECT_EQ(q.connect("", "1.1.1.1", 853), "deny outbound.dns");
}

TEST(Outbound, EntriesAndAction) {
  Question q(kDeny);
  EXPECT_EQ(q.resolve("API.stripe.com."), "grant outbound.allowed_domains[0]");
  EXPECT_EQ(q.resolve("stripe.com"), "deny outbound.action");
  EXPECT_EQ(q.resolve("db.internal"), "grant outbound.allowed_domains[2]") << "for a look-up any port will do";
  EXPECT_EQ(q.connect("db.internal", "10.0.0.7", 22), "deny outbound.action");
  EXPECT_EQ(q.connect("", "10.0.0.7", 5432), "grant outbound.allowed_domains[3]");
  EXPECT_EQ(q.connect("10.0.0.7", "", 5432), "grant outbound.allowed_domains[3]");
  EXPECT_EQ(q.connect("0xa000007", "", 5432), "grant outbound.allowed_domains[3]");
  EXPECT_EQ(q.connect("", "10.1.0.7", 5432), "deny outbound.action");
  EXPECT_EQ(q.connect("", "", 443), "deny outbound.action") << "nothing to judge by";
  EXPECT_EQ(q.resolve(""), "grant outbound.local") << "getaddrinfo without a host";
  EXPECT_EQ(q.resolve("93.184.216.34"), "deny outbound.action");
  EXPECT_EQ(q.resolve("7.0.1.10.in-addr.arpa"), "deny outbound.action");
  EXPECT_EQ(q.resolve("7.0.0.10.in-addr.arpa"), "grant outbound.allowed_domains[3]") << "judged as the address";
}

TEST(Outbound, HostsThatEndEarlyForAResolver) {
  Question q(R"({"outbound": {"action": "deny", "allowed_domains": ["*.example.com", "stripe"]}})");
  for (std::string_view host :
       {std::string_view("evil.org\0.example.com", 21), std::string_view("evil.org/.example.com"),
        std::string_view("93.184.216.34 .example.com"), std::string_view("evil.org\t.example.com"),
        std::string_view("evil@stripe"), std::string_view("\xff.example.com")})
    EXPECT_EQ(q.resolve(host), "deny outbound.action");
}

TEST(Outbound, AddressesFollowNames) {
  Question q(
      R"({"outbound": {"action": "deny", "allow_cloud_provider": "services", "allowed_domains": ["=api.stripe.com", "=db.example:5432"]}})");
  EXPECT_EQ(q.connect("", "54.187.0.1", 443), "deny outbound.action");
  q.note("API.stripe.com.", "54.187.0.1");
  EXPECT_EQ(q.connect("", "54.187.0.1", 443), "grant outbound.allowed_domains[0]");
  EXPECT_EQ(q.connect("54.187.0.1", "54.187.0.1", 443), "grant outbound.allowed_domains[0]")
      << "a literal is an address too";
  EXPECT_EQ(q.connect("", "::ffff:54.187.0.1", 443), "grant outbound.allowed_domains[0]");
  q.note("db.example", "10.1.1.1");
  EXPECT_EQ(q.connect("", "10.1.1.1", 5432), "grant outbound.allowed_domains[1]");
  EXPECT_EQ(q.connect("", "10.1.1.1", 22), "deny outbound.action") << "the entry's port holds for the address";
  q.note("sqs.eu-west-1.amazonaws.com", "52.0.0.1");
  EXPECT_EQ(q.connect("", "52.0.0.1", 443), "grant outbound.allow_cloud_provider");
  q.note("evil.example", "93.184.216.34");
  EXPECT_EQ(q.connect("", "93.184.216.34", 443), "deny outbound.action") << "known, but not a permitted name's";
  q.note("evil.example", "54.187.0.1");
  EXPECT_EQ(q.connect("", "54.187.0.1", 443), "grant outbound.allowed_domains[0]") << "shared with a permitted name";
  EXPECT_EQ(q.connect("evil.example", "54.187.0.1", 443), "deny outbound.action") << "where a name is said it decides";
}

TEST(Outbound, ObserveReportsWhatDenyWouldRefuse) {
  std::string observe = kDeny, deny = kDeny;
  observe.replace(observe.find("\"deny\""), 6, "\"observe\"");
  Question a(observe), b(deny);
  for (const char* host : {"api.stripe.com", "evil.example", "localhost", "8.8.8.8", "metadata.google.internal"}) {
    std::string seen = a.resolve(host), refused = b.resolve(host);
    if (seen.starts_with("observe")) seen.replace(0, 7, "deny");
    EXPECT_EQ(seen, refused) << host;
  }
}

TEST(Outbound, LocalAlone) {
  Question q(R"({"outbound": {"local": "deny"}})");
  EXPECT_EQ(q.connect("", "127.0.0.1", 80), "deny outbound.local");
  EXPECT_EQ(q.connect("", "93.184.216.34", 80), "grant outbound.action");
  EXPECT_EQ(q.connect("", "169.254.169.254", 80), "grant outbound.metadata") << "outbound itself is granted";
}

}  // namespace
}  // namespace ap
