// SPDX-License-Identifier: Apache-2.0
//
// 128-bit content hash of sealed bytes (MurmurHash3 x64_128, public domain, Austin Appleby): finds damage and versions
// that do not fit. Not a signature: who may write the bytes is decided elsewhere.
#pragma once
#include <cstdint>
#include <cstring>
#include <string_view>

namespace ap {

struct Hash128 {
  std::uint64_t low, high;
  bool operator==(const Hash128&) const = default;
};

inline Hash128 hash128(std::string_view bytes) noexcept {
  constexpr std::uint64_t c1 = 0x87c37b91114253d5ull, c2 = 0x4cf5ad432745937full;
  auto rotate = [](std::uint64_t v, int n) { return (v << n) | (v >> (64 - n)); };
  auto mix = [](std::uint64_t v) {
    v = (v ^ (v >> 33)) * 0xff51afd7ed558ccdull;
    v = (v ^ (v >> 33)) * 0xc4ceb9fe1a85ec53ull;
    return v ^ (v >> 33);
  };
  std::uint64_t h1 = 0, h2 = 0;
  const char* p = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= 16; p += 16, left -= 16) {
    std::uint64_t k1, k2;
    std::memcpy(&k1, p, 8);
    std::memcpy(&k2, p + 8, 8);
    h1 ^= rotate(k1 * c1, 31) * c2;
    h1 = (rotate(h1, 27) + h2) * 5 + 0x52dce729;
    h2 ^= rotate(k2 * c2, 33) * c1;
    h2 = (rotate(h2, 31) + h1) * 5 + 0x38495ab5;
  }
  unsigned char tail[16] = {};
  if (left) std::memcpy(tail, p, left);
  std::uint64_t k1, k2;
  std::memcpy(&k1, tail, 8);
  std::memcpy(&k2, tail + 8, 8);
  h2 ^= rotate(k2 * c2, 33) * c1;
  h1 ^= rotate(k1 * c1, 31) * c2;
  h1 ^= bytes.size();
  h2 ^= bytes.size();
  h1 += h2;
  h2 += h1;
  h1 = mix(h1);
  h2 = mix(h2);
  h1 += h2;
  h2 += h1;
  return {h1, h2};
}

}  // namespace ap
