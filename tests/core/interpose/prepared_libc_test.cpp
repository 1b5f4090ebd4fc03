// SPDX-License-Identifier: Apache-2.0
// libc's text is exchanged in a child of each case.
#include "interpose/prepared_libc.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <string>

#include "interpose/calls.hpp"
#include "interpose/patch_code.hpp"

namespace ap::interpose {
namespace {

constexpr std::uint32_t kWanted = kAlways | kFiles;
constexpr int kAllSeals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;

std::string prepared() {
  std::string all;
  PreparedLibc libc;
  if (!libc.make(kWanted)) return all;
  for (std::size_t i = 0; i < PreparedLibc::kPieces; ++i)
    all.append(static_cast<const char*>(libc.pieces()[i].at), libc.pieces()[i].size);
  return all;
}

int memory_with(const std::string& bytes, int seals = kAllSeals) {
  const int fd = memfd_create("libc", MFD_ALLOW_SEALING);
  EXPECT_EQ(write(fd, bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  EXPECT_EQ(fcntl(fd, F_ADD_SEALS, seals), 0);
  return fd;
}

bool maps(int fd, std::uint32_t wanted = kWanted) {
  LoadedObject libc;
  MappedLibc mapped;
  return find_object("libc.so.6", libc) && map_prepared_libc(fd, 0, libc, wanted, mapped) && mapped.patched > 20 &&
         mapped.islands.end > mapped.islands.begin;
}

TEST(PreparedLibcDeathTest, IsMappedOverLibc) {
#if defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "ThreadSanitizer has a thread of its own: nothing is mapped where threads run";
#endif
  const std::string bytes = prepared();
  ASSERT_FALSE(bytes.empty());
  EXPECT_EQ(bytes.size() % 4096, 0u);
  EXPECT_EQ(prepared(), bytes) << "it depends on where it was made";
  const int fd = memory_with(bytes);
  EXPECT_EXIT(
      {
        const bool mapped = maps(fd);
        const int file = open("/dev/null", O_RDONLY);  // through the jump and the island
        _exit(mapped && file >= 0 && close(file) == 0 ? 0 : 1);
      },
      ::testing::ExitedWithCode(0), "");
}

TEST(PreparedLibcDeathTest, NothingIsTouchedWhereItDoesNotFit) {
  const std::string bytes = prepared();
  ASSERT_FALSE(bytes.empty());
  const auto changed = [&](std::size_t at) {
    std::string other = bytes;
    other[at] ^= 1;
    return other;
  };
  LoadedObject libc;
  ASSERT_TRUE(find_object("libc.so.6", libc));
  const std::string_view id = build_id(libc);
  const std::size_t id_at = bytes.find(std::string(id)), own_id_at = id_at + id.size();
  ASSERT_LT(own_id_at, 4096u);

  EXPECT_FALSE(maps(-1));
  EXPECT_FALSE(maps(memory_with(bytes, kAllSeals & ~F_SEAL_WRITE))) << "its code could still be changed";
  EXPECT_FALSE(maps(memory_with(bytes, kAllSeals & ~F_SEAL_SHRINK))) << "it could still be cut";
  EXPECT_FALSE(maps(memory_with(bytes), kWanted | kNetwork)) << "other functions are wanted";
  EXPECT_FALSE(maps(memory_with(changed(0)))) << "not one at all";
  EXPECT_FALSE(maps(memory_with(changed(id_at)))) << "another libc";
  EXPECT_FALSE(maps(memory_with(changed(own_id_at)))) << "another version of us";
  EXPECT_FALSE(maps(memory_with(bytes.substr(0, 4096)))) << "cut";
  EXPECT_EXIT(
      {
        const auto place = libc.base - islands_distance();
        mmap(reinterpret_cast<void*>(place), 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
        _exit(maps(memory_with(bytes)) ? 1 : 0);
      },
      ::testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace ap::interpose
