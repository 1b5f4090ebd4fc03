// SPDX-License-Identifier: Apache-2.0
#include "policy/blob.hpp"

#include <gtest/gtest.h>

#include "base/hash128.hpp"
#include "support/ask_everything.hpp"
#include "support/question.hpp"

namespace ap {
namespace {

std::string compiled(std::string_view json) {
  auto blob = compile(parse_policy(json).policy, test::lambda());
  EXPECT_TRUE(blob);
  return *blob;
}

constexpr const char* kRich = R"({"name": "rich", "outbound": {"action": "deny", "allow_cloud_provider": "services",
  "allowed_domains": ["stripe", "*.example.com", "=db.internal:5432", "=db.internal:5433", "lambda.*", "10.0.0.0/8", "2001:db8::/32"]},
  "files": {"tmp": {"write": "observe"}, "application": "deny", "rules": [{"path": "/data/**", "read": "deny"}, {"path": "/data/*/x", "write": "grant"}, {"path": "**/y", "read": "observe"}]},
  "child_processes": {"action": "deny", "rules": [{"command": "^x", "action": "grant"}]}})";

TEST(Blob, OpensWhatCompileMade) {
  test::Blob blob(compiled(kRich));
  auto view = BlobView::open(blob.bytes());
  ASSERT_TRUE(view) << view.error().message;
  EXPECT_EQ(view->name(), "rich");
  EXPECT_EQ(view->bytes().data(), blob.bytes().data()) << "read in place";
}

TEST(Blob, IsPositionIndependent) {
  std::string bytes = compiled(kRich);
  test::Blob here(bytes), there(bytes);
  test::ask_everything(*BlobView::open(here.bytes()));
  test::ask_everything(*BlobView::open(there.bytes()));
}

TEST(Blob, RefusesWhatItIsNot) {
  std::string bytes = compiled(kRich);
  auto refused = [](std::string text, const char* says) {
    test::Blob blob(text);
    auto view = BlobView::open(blob.bytes());
    ASSERT_FALSE(view) << says;
    EXPECT_EQ(view.error().code, ErrorCode::blob_invalid);
    EXPECT_NE(view.error().message.find(says), std::string::npos) << view.error().message;
  };
  refused("", "shorter");
  refused(bytes.substr(0, 100), "shorter");
  refused(bytes.substr(0, bytes.size() - 8), "another size");
  std::string changed = bytes;
  changed[0] ^= 1;
  refused(changed, "magic");
  changed = bytes;
  changed[8] ^= 1;
  refused(changed, "another version");
  for (std::size_t at : {sizeof(PolicyHeader) - 1, sizeof(PolicyHeader) + 5, bytes.size() - 1}) {
    changed = bytes;
    changed[at] ^= 4;
    refused(changed, "damaged");
  }
  test::Blob blob(bytes + "x");
  EXPECT_FALSE(BlobView::open({blob.bytes().data() + 1, bytes.size()})) << "not aligned";
}

// A blob whose hash fits and whose inside does not: every word in turn replaced by hostile values. Either refused, or
// harmless.
TEST(Blob, HostileInsideIsRefusedOrHarmless) {
  const std::string bytes = compiled(kRich);
  int opened = 0, refused = 0;
  for (std::size_t at = offsetof(PolicyHeader, policy_version); at + 4 <= bytes.size();
       at += at < sizeof(PolicyHeader) ? 4 : 28) {
    for (std::uint32_t value : {0u, 1u, 0x7fffffffu, 0xffffffffu, static_cast<std::uint32_t>(bytes.size()),
                                static_cast<std::uint32_t>(bytes.size() - 4), 0x80808080u}) {
      test::Blob blob(bytes);
      std::memcpy(blob.data() + at, &value, 4);
      auto& header = *reinterpret_cast<PolicyHeader*>(blob.data());
      Hash128 hash = hash128(blob.bytes().substr(offsetof(PolicyHeader, policy_version)));
      header.hash[0] = hash.low;
      header.hash[1] = hash.high;
      auto view = BlobView::open(blob.bytes());
      if (!view) {
        ++refused;
        continue;
      }
      ++opened;
      test::ask_everything(*view);
    }
  }
  EXPECT_GT(refused, 100);
  EXPECT_GT(opened, 100);
}

}  // namespace
}  // namespace ap
