// SPDX-License-Identifier: Apache-2.0
// Sealed bytes with a hash that fits: refused, or every question comes back. The input is laid over a good blob, so
// that the loader's first checks do not end each try.
#include <algorithm>

#include "base/hash128.hpp"
#include "support/ask_everything.hpp"
#include "support/question.hpp"

namespace {

const std::string& good() {
  static const std::string bytes =
      *ap::compile(ap::parse_policy(R"({"name": "rich", "outbound": {"action": "deny", "allowed_domains":
    ["stripe", "*.example.com", "=db.internal:5432", "=db.internal:5433", "lambda.*", "10.0.0.0/8", "2001:db8::/32"]},
    "files": {"tmp": {"write": "observe"}, "rules": [{"path": "/data/**", "read": "deny"}, {"path": "/data/*/x", "write": "grant"}, {"path": "**/y", "read": "observe"}]},
    "child_processes": {"action": "deny", "rules": [{"command": "^x", "action": "grant"}]}})")
                       .policy,
                   ap::test::lambda());
  return bytes;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ap;
  test::Blob blob(good());
  // Pieces of the input: two bytes of place (in words), one of length, then the bytes.
  while (size > 3) {
    std::size_t at = (data[0] | static_cast<std::size_t>(data[1]) << 8) * 4 % good().size();
    std::size_t length = std::min({static_cast<std::size_t>(data[2] % 16 + 1), size - 3, good().size() - at});
    std::memcpy(blob.data() + at, data + 3, length);
    data += 3 + length;
    size -= 3 + length;
  }
  auto& header = *reinterpret_cast<PolicyHeader*>(blob.data());
  header.magic = kBlobMagic;
  header.version = kBlobVersion;
  header.size = static_cast<std::uint32_t>(good().size());
  Hash128 hash = hash128(blob.bytes().substr(offsetof(PolicyHeader, policy_version)));
  header.hash[0] = hash.low;
  header.hash[1] = hash.high;
  if (Result<BlobView> view = BlobView::open(blob.bytes())) test::ask_everything(*view);
  return 0;
}
