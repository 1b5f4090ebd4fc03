// SPDX-License-Identifier: Apache-2.0
// A process seals once: each case runs in a child of its own.
#include "guard/image.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include "guard/guard.hpp"
#include "support/question.hpp"

namespace ap {
namespace {

std::string blob(std::string_view json) {
  return *compile(parse_policy(json).policy, test::lambda());
}

Settings some_settings() {
  Settings s{};
  s.policy_version = 7;
  std::strcpy(s.policy_group, "orders");
  return s;
}

int memory_with(std::string_view bytes) {
  int fd = memfd_create("image", MFD_CLOEXEC);
  EXPECT_EQ(write(fd, bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  return fd;
}

// Runs `body` in a child; it says what is wrong by an exit status other than 0.
#define IN_A_CHILD(body)                                                        \
  EXPECT_EXIT(                                                                  \
      {                                                                         \
        int failed = 0;                                                         \
        auto expect = [&](bool ok, int line) {                                  \
          if (!ok && !failed) failed = (fprintf(stderr, "line %d\n", line), 1); \
        };                                                                      \
        body;                                                                   \
        _exit(failed);                                                          \
      },                                                                        \
      ::testing::ExitedWithCode(0), "")
#define WANT(condition) expect((condition), __LINE__)

TEST(ImageDeathTest, NothingIsSealedAtFirst) {
  EXPECT_FALSE(sealed());
  EXPECT_EQ(policy(), nullptr);
  EXPECT_EQ(settings().size, 0u);
  EXPECT_TRUE(image_bytes().empty());
  Verdict v;
  EXPECT_EQ(guard::check(test::Question::operation(AP_FILES, AP_FILE_WRITE, "/tmp/x"), v), AP_GRANT);
}

TEST(ImageDeathTest, SealsOnceAndAnswers) {
  IN_A_CHILD({
    WANT(bool(seal(some_settings(), blob(R"({"files": {"tmp": "deny"}})"))));
    WANT(sealed());
    WANT(settings().policy_version == 7 && settings().size == sizeof(Settings));
    Verdict v;
    WANT(guard::check(test::Question::operation(AP_FILES, AP_FILE_WRITE, "/tmp/x"), v) == AP_DENY);
    WANT(guard::rule_text(*policy(), v) == "files.tmp.write");
    auto again = seal(some_settings(), blob("{}"));
    WANT(!again && again.error().code == ErrorCode::unsupported);
    WANT(guard::check(test::Question::operation(AP_FILES, AP_FILE_WRITE, "/tmp/x"), v) == AP_DENY);
  });
}

TEST(ImageDeathTest, PagesAreReadOnly) {
  EXPECT_DEATH(
      {
        (void)seal(some_settings(), blob(R"({"files": {"tmp": "deny"}})"));
        *const_cast<char*>(policy()->data()) = 0;
      },
      "");
  EXPECT_DEATH(
      {
        (void)seal(some_settings(), blob(R"({"files": {"tmp": "deny"}})"));
        const_cast<Settings&>(settings()).policy_version = 8;
      },
      "");
}

TEST(ImageDeathTest, GoesThroughADescriptor) {
  // The bytes, taken in another process.
  int pipes[2];
  ASSERT_EQ(pipe(pipes), 0);
  if (pid_t child = fork(); child == 0) {
    (void)seal(some_settings(), blob(R"({"files": {"tmp": "deny"}})"));
    std::string_view bytes = image_bytes();
    _exit(write(pipes[1], bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()) ? 0 : 1);
  }
  close(pipes[1]);
  std::string bytes;
  char buffer[4096];
  for (ssize_t n; (n = read(pipes[0], buffer, sizeof buffer)) > 0;) bytes.append(buffer, static_cast<std::size_t>(n));
  close(pipes[0]);
  ASSERT_GT(bytes.size(), sizeof(ImageHeader) + sizeof(Settings));

  IN_A_CHILD({
    WANT(bool(seal_from_descriptor(memory_with(bytes))));
    Verdict v;
    WANT(guard::check(test::Question::operation(AP_FILES, AP_FILE_WRITE, "/tmp/x"), v) == AP_DENY);
    WANT(settings().policy_version == 7);
    WANT(image_bytes() == bytes);
  });
  // A memfd that cannot change any more is mapped as it is, with whatever stands behind the image.
  for (std::size_t behind : {0, 100, 5000}) {
    std::string all = bytes;
    if (behind) all.resize((bytes.size() + 4095) / 4096 * 4096 + behind);
    IN_A_CHILD({
      int fd = memfd_create("image", MFD_ALLOW_SEALING);
      WANT(write(fd, all.data(), all.size()) == static_cast<ssize_t>(all.size()));
      WANT(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK) == 0);
      WANT(bool(seal_from_descriptor(fd)));
      close(fd);
      WANT(settings().policy_version == 7);
      WANT(image_bytes() == bytes);
    });
  }
  struct Damage {
    const char* name;
    std::string bytes;
  };
  std::vector<Damage> damages = {{"empty", ""},
                                 {"short", bytes.substr(0, 30)},
                                 {"cut", bytes.substr(0, bytes.size() - 1)},
                                 {"longer", bytes + "x"}};
  for (std::size_t at :
       {std::size_t{0}, std::size_t{8}, std::size_t{12}, std::size_t{16}, std::size_t{32}, std::size_t{36},
        sizeof(ImageHeader), sizeof(ImageHeader) + sizeof(Settings) + 50, bytes.size() - 1}) {
    std::string changed = bytes;
    changed[at] ^= 0x10;
    damages.push_back({"changed", changed});
  }
  for (const Damage& damage : damages)
    IN_A_CHILD({
      auto result = seal_from_descriptor(memory_with(damage.bytes));
      WANT(!result && result.error().code == ErrorCode::blob_invalid);
      WANT(!sealed());
    });
  IN_A_CHILD({
    WANT(!seal_from_descriptor(-1));
    WANT(!seal_from_descriptor(open("/dev/zero", O_RDONLY)));
    WANT(!sealed());
  });
}

TEST(ImageDeathTest, ABadBlobIsNotSealed) {
  IN_A_CHILD({
    WANT(!seal(some_settings(), "not a blob"));
    WANT(!sealed());
    WANT(bool(seal(some_settings(), blob("{}"))));
  });
}

TEST(ImageDeathTest, ANewerPolicyReplacesTheOld) {
  IN_A_CHILD({
    WANT(!replace_policy(ReplacePolicyToken{}, blob("{}")));
    WANT(bool(seal(some_settings(), blob("{}"))));
    const BlobView* old = policy();
    Verdict v;
    WANT(guard::check(test::Question::operation(AP_FILES, AP_FILE_WRITE, "/tmp/x"), v) == AP_GRANT);
    WANT(!replace_policy(ReplacePolicyToken{}, "bad"));
    WANT(policy() == old);
    WANT(bool(replace_policy(ReplacePolicyToken{}, blob(R"({"files": {"tmp": "deny"}})"))));
    WANT(guard::check(test::Question::operation(AP_FILES, AP_FILE_WRITE, "/tmp/x"), v) == AP_DENY);
    WANT(settings().policy_version == 7);
    WANT(old->header().magic == kBlobMagic);
  });
}

}  // namespace
}  // namespace ap
