// SPDX-License-Identifier: Apache-2.0
//
// FNV-1a, 64 bits: table look-ups and marks. Not a defence against chosen collisions; the blob's integrity hash is
// elsewhere.
#pragma once
#include <cstdint>
#include <string_view>

namespace ap {

constexpr std::uint64_t kHashSeed = 1469598103934665603ull;

constexpr std::uint64_t hash_bytes(std::string_view bytes, std::uint64_t seed = kHashSeed) {
  std::uint64_t h = seed;
  for (char c : bytes) h = (h ^ static_cast<unsigned char>(c)) * 1099511628211ull;
  return h;
}

}  // namespace ap
