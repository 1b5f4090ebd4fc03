// SPDX-License-Identifier: Apache-2.0
#include "event/utc.hpp"

#include <gtest/gtest.h>
#include <time.h>

#include <cstdio>
#include <string>

namespace {

TEST(Utc, KnownMoments) {
  EXPECT_EQ(ap::event::utc_text(0).view(), "1970-01-01T00:00:00.000000Z");
  EXPECT_EQ(ap::event::utc_text(1770606756594801ull).view(), "2026-02-09T03:12:36.594801Z");
  EXPECT_EQ(ap::event::utc_text(951827696000001ull).view(), "2000-02-29T12:34:56.000001Z");
}

TEST(Utc, AgreesWithTheCLibrary) {
  for (std::uint64_t day = 0; day < 60000; day += 7) {
    const time_t t = static_cast<time_t>(day * 86400 + day % 86400);
    tm parts{};
    gmtime_r(&t, &parts);
    char expected[64];
    snprintf(expected, sizeof expected, "%04d-%02d-%02dT%02d:%02d:%02d.000042Z", parts.tm_year + 1900, parts.tm_mon + 1,
             parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
    ASSERT_EQ(ap::event::utc_text(static_cast<std::uint64_t>(t) * 1000000 + 42).view(), expected);
  }
}

}  // namespace
