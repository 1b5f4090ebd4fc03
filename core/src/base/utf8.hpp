// SPDX-License-Identifier: Apache-2.0
//
// UTF-8: decode one code point, find the first byte that is not valid (RFC 3629: no surrogates, no overlong forms).
// No allocation; async-signal-safe.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace ap {

// Decodes the code point at text[at] and moves `at` behind it. Returns false, and leaves `at`, when it is not valid.
inline bool decode_utf8(std::string_view text, std::size_t& at, char32_t& point) noexcept {
  if (at >= text.size()) return false;
  auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  unsigned char first = byte(at);
  if (first < 0x80) {
    point = first;
    ++at;
    return true;
  }
  std::size_t more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : 1;
  if (first < 0xc2 || first > 0xf4 || text.size() - at <= more) return false;
  char32_t value = first & (0x3fu >> more);
  for (std::size_t i = 1; i <= more; ++i) {
    if ((byte(at + i) & 0xc0) != 0x80) return false;
    value = (value << 6) | (byte(at + i) & 0x3fu);
  }
  if ((more == 2 && value < 0x800) || (more == 3 && value < 0x10000)) return false;
  if (value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff)) return false;
  point = value;
  at += more + 1;
  return true;
}

// Offset of the first invalid byte; text.size() when there is none.
inline std::size_t first_invalid_utf8(std::string_view text) noexcept {
  std::size_t at = 0;
  char32_t point;
  while (at < text.size())
    if (!decode_utf8(text, at, point)) return at;
  return at;
}

}  // namespace ap
