// SPDX-License-Identifier: Apache-2.0
#include "interpose/user_memory.hpp"

#include <errno.h>
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cstring>

namespace ap::interpose {
namespace {

TEST(UserMemory, CopiesWhatIsThere) {
  char to[8];
  EXPECT_EQ(copy_string(to, sizeof to, "abc"), 3);
  EXPECT_STREQ(to, "abc");
  EXPECT_EQ(copy_string(to, sizeof to, "1234567"), 7);
  EXPECT_EQ(copy_string(to, sizeof to, "12345678"), -ENAMETOOLONG);
  EXPECT_EQ(string_length("abc", 10), 3);
  EXPECT_EQ(string_length("abcdef", 4), 4);
}

TEST(UserMemory, BadPointersAreFaults) {
  char to[8];
  void* gone = mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(gone, MAP_FAILED);
  munmap(gone, 4096);
  for (const auto address : {std::uintptr_t{0}, std::uintptr_t{16}, reinterpret_cast<std::uintptr_t>(gone),
                             std::uintptr_t{0xffffffff80000000}, ~std::uintptr_t{0}}) {
    EXPECT_EQ(copy_string(to, sizeof to, reinterpret_cast<const char*>(address)), -EFAULT) << std::hex << address;
    EXPECT_EQ(copy_bytes(to, reinterpret_cast<const void*>(address), 1), -EFAULT) << std::hex << address;
  }
}

TEST(UserMemory, AcrossPages) {
  forget_pages();
  auto* pages = static_cast<char*>(mmap(nullptr, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  std::memset(pages, 'a', 8191);
  char to[8192];
  EXPECT_EQ(copy_string(to, sizeof to, pages), 8191);
  munmap(pages + 4096, 4096);
  forget_pages();
  EXPECT_EQ(copy_string(to, sizeof to, pages), -EFAULT);
  EXPECT_EQ(copy_bytes(to, pages, 4097), -EFAULT);
  EXPECT_EQ(copy_bytes(to, pages, 4096), 0);
  pages[4095] = 0;
  EXPECT_EQ(copy_string(to, sizeof to, pages), 4095);
  munmap(pages, 4096);
}

}  // namespace
}  // namespace ap::interpose
