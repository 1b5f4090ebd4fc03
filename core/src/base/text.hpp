// SPDX-License-Identifier: Apache-2.0
//
// Text for messages: input of other people's, put so that a message stays one readable line whatever it holds.
//
//   return Error{code, shown(entry) + " holds a comma"};   // `a,b` holds a comma
#pragma once
#include <string>
#include <string_view>

#include "base/utf8.hpp"

namespace ap {

// `text` on one line: control bytes and what is not UTF-8 as \xNN, line breaks as \n, cut with "..." behind 120 bytes.
inline std::string one_line(std::string_view text) {
  static constexpr char hex[] = "0123456789abcdef";
  constexpr std::size_t limit = 120;
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    if (out.size() >= limit) return out + "...";
    std::size_t begin = at;
    char32_t point;
    bool valid = decode_utf8(text, at, point);
    if (!valid) ++at;
    auto byte = static_cast<unsigned char>(text[begin]);
    if (point == '\n' && valid) out += "\\n";
    // C1 controls and the two Unicode line separators would break the line too.
    else if (!valid || point < 0x20 || point == 0x7f || (point >= 0x80 && point < 0xa0) || point == 0x2028 ||
             point == 0x2029)
      for (; begin < at; ++begin) {
        byte = static_cast<unsigned char>(text[begin]);
        out += {'\\', 'x', hex[byte >> 4], hex[byte & 15]};
      }
    else
      out += text.substr(begin, at - begin);
  }
  return out;
}

// The same between backticks.
inline std::string shown(std::string_view text) {
  return "`" + one_line(text) + "`";
}

}  // namespace ap
