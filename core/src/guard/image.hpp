// SPDX-License-Identifier: Apache-2.0
//
// The sealed image: [ImageHeader][Settings][policy blob] in one read-only mapping. Sealing, forks and hand-over to
// children all use this one form; the pointer to it lives in a page that is read-only after the seal.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/result.hpp"
#include "guard/settings.hpp"

namespace ap {

class BlobView;  // policy/blob.hpp: reads the compiled policy

struct ImageHeader {
  std::uint64_t magic;    // "APPROT1\n"
  std::uint32_t version;  // layout version of the image
  std::uint32_t size;     // whole image, bytes
  std::uint64_t hash[2];  // 128-bit hash of everything after this header
  std::uint32_t settings_offset, blob_offset;
};

// Builds and seals: maps anonymous pages, copies, hashes, makes them read-only, publishes. Once per process.
Result<bool> seal(const Settings& settings, std::string_view blob);

// A child's way: maps a descriptor that holds an image, verifies magic, version, size, hash and the blob's own
// structure. A memfd whose content is sealed is mapped itself, of anything else a copy is made first. Something else
// may stand behind the image, from the next page on.
Result<bool> seal_from_descriptor(int fd);

// A newer bundle, at an invocation boundary only (control layer, later): needs the token to be visible at the call.
struct ReplacePolicyToken {
  explicit ReplacePolicyToken() = default;
};
Result<bool> replace_policy(ReplacePolicyToken, std::string_view blob);

bool sealed() noexcept;
const Settings& settings() noexcept;      // before the seal: zeroes
const BlobView* policy() noexcept;        // nullptr before the seal
std::string_view image_bytes() noexcept;  // for hand-over

}  // namespace ap
