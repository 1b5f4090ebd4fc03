// SPDX-License-Identifier: Apache-2.0
#include "match/idna.hpp"

#include <gtest/gtest.h>

#include <string>

namespace ap {
namespace {

std::string normal(std::string_view host) {
  HostName out;
  return normalise_host(host, out) ? std::string(out.view()) : "refused";
}

TEST(Idna, LowersAndDropsTheTrailingDot) {
  EXPECT_EQ(normal("API.Stripe.COM."), "api.stripe.com");
  EXPECT_EQ(normal("a_b-9.example"), "a_b-9.example");
  EXPECT_EQ(normal("x.."), "x.") << "one dot only";
  EXPECT_EQ(normal(""), "");
}

// Values of RFC 3492 and of Python's idna codec.
TEST(Idna, EncodesLabels) {
  EXPECT_EQ(normal("b\xc3\xbc"
                   "cher.example"),
            "xn--bcher-kva.example");
  EXPECT_EQ(normal("B\xc3\x9c"
                   "CHER.example"),
            "xn--bcher-kva.example");
  EXPECT_EQ(normal("\xd0\xbf\xd1\x80\xd0\xb8\xd0\xbc\xd0\xb5\xd1\x80.\xd1\x80\xd1\x84"), "xn--e1afmkfd.xn--p1ai");
  EXPECT_EQ(normal("\xd0\x9f\xd0\xa0\xd0\x98\xd0\x9c\xd0\x95\xd0\xa0.\xd0\xa0\xd0\xa4"), "xn--e1afmkfd.xn--p1ai");
  EXPECT_EQ(normal("\xe4\xbe\x8b\xe3\x81\x88.jp"), "xn--r8jz45g.jp");
  EXPECT_EQ(normal("\xe4\xbb\x96\xe4\xbb\xac\xe4\xb8\xba\xe4\xbb\x80\xe4\xb9\x88\xe4\xb8\x8d\xe8\xaf\xb4\xe4\xb8\xad"
                   "\xe6\x96\x87"),
            "xn--ihqwcrb4cv8a8dqg056pqjye");
  EXPECT_EQ(normal("XN--BCHER-KVA.example"), "xn--bcher-kva.example");
  EXPECT_EQ(normal("\xef\xbc\xa1\xef\xbd\x90\xef\xbd\x89\xe3\x80\x82\xef\xbd\x83om"), "api.com")
      << "full-width letters, ideographic stop";
}

TEST(Idna, RefusesWhatNoHostNameHolds) {
  for (std::string_view host : {"a b", "a\tb", "a/b", "a:b", "user@host", "a%b", "\xff", "a\\b", "[::1]", "a?b", "a#b"})
    EXPECT_EQ(normal(host), "refused") << host;
  EXPECT_EQ(normal(std::string_view("a\0.example.com", 14)), "refused");
  EXPECT_EQ(normal("\xef\xbc\x8f.example.com"), "refused") << "a full-width slash is a slash to whoever folds it";
  EXPECT_EQ(normal(std::string(513, 'a')), "refused");
  std::string wide;
  for (int i = 0; i < 170; ++i) wide += "\xe4\xbe\x8b";
  EXPECT_NO_FATAL_FAILURE(normal(wide));
}

}  // namespace
}  // namespace ap
