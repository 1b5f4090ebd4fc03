// SPDX-License-Identifier: Apache-2.0
#include "match/idna.hpp"

#include <array>
#include <cstdint>

#include "base/utf8.hpp"

namespace ap {
namespace {

constexpr std::size_t kMaxLabel = 256;  // code points; DNS takes 63 bytes, longer labels match nothing

char32_t lower(char32_t c) noexcept {
  if (c >= 0xff01 && c <= 0xff5e) c -= 0xfee0;  // full-width forms of ASCII
  if (c >= 'A' && c <= 'Z') return c + 32;
  if (c < 0xc0) return c;
  if (c <= 0xde) return c == 0xd7 ? c : c + 32;  // Latin-1
  if ((c >= 0x100 && c <= 0x12f) || (c >= 0x132 && c <= 0x137) || (c >= 0x14a && c <= 0x177)) return c | 1;
  if ((c >= 0x139 && c <= 0x148) || (c >= 0x179 && c <= 0x17e)) return c & 1 ? c + 1 : c;
  if (c == 0x178) return 0xff;
  if (c >= 0x391 && c <= 0x3a9 && c != 0x3a2) return c + 32;  // Greek
  if (c == 0x386) return 0x3ac;
  if (c >= 0x388 && c <= 0x38a) return c + 37;
  if (c == 0x38c) return 0x3cc;
  if (c == 0x38e || c == 0x38f) return c + 63;
  if (c >= 0x400 && c <= 0x40f) return c + 80;  // Cyrillic
  if (c >= 0x410 && c <= 0x42f) return c + 32;
  if ((c >= 0x460 && c <= 0x481) || (c >= 0x48a && c <= 0x4bf) || (c >= 0x4d0 && c <= 0x52f)) return c | 1;
  if (c >= 0x531 && c <= 0x556) return c + 48;   // Armenian
  if (c >= 0x1e00 && c <= 0x1e95) return c | 1;  // Latin, additional
  if (c >= 0x1ea0 && c <= 0x1eff) return c | 1;
  return c;
}

// What no host name holds, and what a resolver or a parser in front of it might end the name at.
constexpr std::array<std::uint8_t, 256> kForeign = [] {
  std::array<std::uint8_t, 256> table{};
  for (std::size_t c = 0; c <= 0x20; ++c) table[c] = 1;
  for (char c : std::string_view("\"#%/:<>?@[\\]^`{|}\x7f")) table[static_cast<std::size_t>(c)] = 1;
  return table;
}();

bool is_dot(char32_t c) noexcept {
  return c == '.' || c == 0x3002 || c == 0xff0e || c == 0xff61;
}

char digit(std::uint32_t d) noexcept {
  return static_cast<char>(d < 26 ? 'a' + d : '0' + (d - 26));
}

// RFC 3492 section 6.3.
void append_punycode(const char32_t* label, std::size_t size, HostName& out) noexcept {
  out.append("xn--");
  std::uint32_t basic = 0;
  for (std::size_t i = 0; i < size; ++i)
    if (label[i] < 0x80) {
      out.append(static_cast<char>(label[i]));
      ++basic;
    }
  if (basic) out.append('-');
  std::uint32_t n = 128, delta = 0, bias = 72, handled = basic;
  while (handled < size) {
    std::uint32_t next = 0x110000;
    for (std::size_t i = 0; i < size; ++i)
      if (label[i] >= n && label[i] < next) next = label[i];
    delta += (next - n) * (handled + 1);
    n = next;
    for (std::size_t i = 0; i < size; ++i) {
      if (label[i] < n) ++delta;
      if (label[i] != n) continue;
      std::uint32_t q = delta;
      for (std::uint32_t k = 36;; k += 36) {
        std::uint32_t t = k <= bias ? 1 : k >= bias + 26 ? 26 : k - bias;
        if (q < t) break;
        out.append(digit(t + (q - t) % (36 - t)));
        q = (q - t) / (36 - t);
      }
      out.append(digit(q));
      delta = handled == basic ? delta / 700 : delta / 2;
      delta += delta / (handled + 1);
      std::uint32_t k = 0;
      for (; delta > 455; k += 36) delta /= 35;
      bias = k + 36 * delta / (delta + 38);
      delta = 0;
      ++handled;
    }
    ++delta;
    ++n;
  }
}

bool normalise_unicode(std::string_view host, HostName& out) noexcept {
  char32_t label[kMaxLabel];
  std::size_t size = 0;
  bool ascii = true;
  auto flush = [&] {
    if (ascii)
      for (std::size_t i = 0; i < size; ++i) out.append(static_cast<char>(label[i]));
    else
      append_punycode(label, size, out);
    size = 0;
    ascii = true;
  };
  for (std::size_t at = 0; at < host.size();) {
    char32_t c;
    if (!decode_utf8(host, at, c)) return false;
    if (is_dot(c)) {
      flush();
      out.append('.');
      continue;
    }
    c = lower(c);
    if (c < 0x80 && kForeign[c]) return false;
    if (size == kMaxLabel) return false;
    label[size++] = c;
    if (c >= 0x80) ascii = false;
  }
  flush();
  return true;
}

}  // namespace

bool normalise_host(std::string_view host, HostName& out) noexcept {
  out.clear();
  if (host.size() > 512) return false;
  // The common case in one pass: ASCII, copied in lower case.
  char* to = out.data();
  unsigned seen = 0, foreign = 0;
  for (std::size_t i = 0; i < host.size(); ++i) {
    auto c = static_cast<unsigned char>(host[i]);
    seen |= c;
    foreign |= kForeign[c];
    to[i] = static_cast<char>(static_cast<unsigned>(c - 'A') < 26 ? c + 32 : c);
  }
  if (foreign) return false;
  if (seen < 0x80)
    out.set_size(host.size());
  else if (!normalise_unicode(host, out))
    return false;
  if (out.size() > 1 && out.view().back() == '.') out.resize(out.size() - 1);
  return !out.overflowed();
}

}  // namespace ap
