// SPDX-License-Identifier: Apache-2.0
#include "control/policy_source.hpp"

#include <gtest/gtest.h>

namespace {

using namespace ap::control;

TEST(PolicySource, RetiredHostsAreKnownByName) {
  for (const char* url :
       {"https://agents.us-1.cloudone.trendmicro.com/", "trendmicro.com", "HTTPS://X.TrendMicro.COM.:443/hello",
        "http://user@agent.immun.io/", "https://api.extrinsec.com?x"})
    EXPECT_TRUE(is_retired_host(url)) << url;
  for (const char* url : {"https://console.example.com/", "https://nottrendmicro.com/",
                          "https://trendmicro.com.example/", "", "https://example.com/trendmicro.com"})
    EXPECT_FALSE(is_retired_host(url)) << url;
}

TEST(PolicySource, NoConsoleSaysWhyInOneLine) {
  EXPECT_EQ(NoConsole({}).notice(), "");
  EXPECT_NE(NoConsole({.key = "k", .secret = "s"}).notice().find("TREND_AP_KEY"), std::string::npos);
  EXPECT_NE(NoConsole({.license_key = "any text at all"}).notice().find("ES_LICENSE_KEY"), std::string::npos);
  const std::string retired = NoConsole({.key = "k", .hello_url = "https://agents.trendmicro.com/"}).notice();
  EXPECT_NE(retired.find("agents.trendmicro.com"), std::string::npos);
  EXPECT_NE(retired.find("not contacted"), std::string::npos);
  for (const std::string& notice : {retired, NoConsole({.key = "SECRETKEY"}).notice()}) {
    EXPECT_EQ(notice.find('\n'), std::string::npos);
    EXPECT_EQ(notice.find("SECRETKEY"), std::string::npos);
  }
}

TEST(PolicySource, NoConsoleHasNoPolicy) {
  EXPECT_EQ(NoConsole({.key = "k"}).policy("orders").state, Bundle::State::none);
}

}  // namespace
