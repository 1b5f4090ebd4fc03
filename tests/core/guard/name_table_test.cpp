// SPDX-License-Identifier: Apache-2.0
#include "guard/name_table.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

namespace ap {
namespace {

IpAddress address(std::uint32_t n) {
  std::uint8_t bytes[4] = {10, static_cast<std::uint8_t>(n >> 16), static_cast<std::uint8_t>(n >> 8),
                           static_cast<std::uint8_t>(n)};
  return make_ip(4, bytes);
}

std::vector<std::string> names_of(const NameTable& table, const IpAddress& a) {
  std::vector<std::string> out;
  table.each_name(a, [&](std::string_view name, std::uint32_t) {
    out.emplace_back(name);
    return true;
  });
  return out;
}

std::uint32_t now = 0;

class NameTableTest : public ::testing::Test {
 protected:
  void SetUp() override {
    now = 100;
    NameTable::clock_ms = []() noexcept { return now; };
  }
  void TearDown() override { NameTable::clock_ms = old; }
  std::uint32_t (*old)() noexcept = NameTable::clock_ms;
  std::unique_ptr<NameTable> table = std::make_unique<NameTable>();
};

TEST_F(NameTableTest, RemembersAnswers) {
  IpAddress addresses[] = {address(1), address(2)};
  table->note("API.Example.com.", addresses, 2);
  EXPECT_EQ(names_of(*table, address(1)), (std::vector<std::string>{"api.example.com"}));
  EXPECT_EQ(names_of(*table, address(2)).size(), 1u);
  EXPECT_TRUE(names_of(*table, address(3)).empty());
  EXPECT_TRUE(names_of(*table, IpAddress{}).empty());
  table->note("other.example", address(1));
  EXPECT_EQ(names_of(*table, address(1)).size(), 2u) << "an address may have several names";
  table->note("other.example", address(1));
  EXPECT_EQ(names_of(*table, address(1)).size(), 2u);
  HostName last;
  now += 1000;
  table->note("api.example.com", address(1));
  ASSERT_TRUE(table->last_name(address(1), last));
  EXPECT_EQ(last.view(), "api.example.com");
  table->clear();
  EXPECT_TRUE(names_of(*table, address(1)).empty());
}

TEST_F(NameTableTest, TakesNoNumbersAndNothingTooLong) {
  table->note("127.0.0.1", address(1));
  table->note("", address(1));
  table->note(std::string(254, 'a'), address(1));
  table->note("a b", address(1));
  EXPECT_TRUE(names_of(*table, address(1)).empty());
  table->note(std::string(253, 'a'), address(1));
  EXPECT_EQ(names_of(*table, address(1)).size(), 1u);
}

// A bucket host that rotates: 960 addresses in ten minutes (eight each five seconds). None may be lost in that time.
TEST_F(NameTableTest, KeepsTenMinutesOfARotatingName) {
  for (std::uint32_t round = 0; round < 120; ++round, now += 5000)
    for (std::uint32_t i = 0; i < 8; ++i) table->note("bucket.s3.example", address(round * 8 + i));
  for (std::uint32_t n = 0; n < 960; ++n) EXPECT_EQ(names_of(*table, address(n)).size(), 1u) << n;
}

TEST_F(NameTableTest, TheOldestGiveWay) {
  for (std::uint32_t n = 0; n < 20000; ++n) {
    now += 10;
    table->note("big.example", address(n));
  }
  std::uint32_t recent = 0, first = 0;
  for (std::uint32_t n = 0; n < 20000; ++n) {
    bool known = !names_of(*table, address(n)).empty();
    recent += known && n >= 17000;
    first += known && n < 8000;
  }
  EXPECT_EQ(recent, 3000u);
  EXPECT_LT(first, 400u);
}

TEST_F(NameTableTest, UseKeepsAnEntryYoung) {
  table->note("kept.example", address(0));
  for (std::uint32_t n = 1; n < 40000; ++n) {
    now += 10;
    table->note("big.example", address(n));
    table->each_name(address(0), [](std::string_view, std::uint32_t) { return false; });
  }
  EXPECT_EQ(names_of(*table, address(0)).size(), 1u);
}

TEST_F(NameTableTest, ANameThatGaveWayTakesItsAddressesAlong) {
  table->note("first.example", address(1));
  for (int i = 0; i < 5000; ++i) {
    now += 10;
    table->note("n" + std::to_string(i) + ".example", address(2));
  }
  EXPECT_TRUE(names_of(*table, address(1)).empty()) << "never the name of another";
}

// Writers and readers at once: an address only ever has names that were noted for it.
TEST_F(NameTableTest, ReadersNeverSeeHalfAnEntry) {
  std::atomic<bool> stop{false};
  std::atomic<int> wrong{0}, seen{0};
  std::vector<std::thread> threads;
  for (std::uint32_t t = 0; t < 2; ++t)
    threads.emplace_back([&, t] {
      for (std::uint32_t i = 0; !stop; ++i) {
        std::uint32_t n = (i * 7 + t) % 30000;
        table->note("host-" + std::to_string(n % 3000) + ".with.a.long.name.example", address(n));
      }
    });
  for (int t = 0; t < 2; ++t)
    threads.emplace_back([&] {
      for (std::uint32_t i = 0; !stop; ++i) {
        std::uint32_t n = i % 30000;
        table->each_name(address(n), [&](std::string_view name, std::uint32_t) {
          ++seen;
          if (name != "host-" + std::to_string(n % 3000) + ".with.a.long.name.example") ++wrong;
          return true;
        });
      }
    });
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  stop = true;
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_GT(seen, 100);
}

}  // namespace
}  // namespace ap
