// SPDX-License-Identifier: Apache-2.0
#include "event/line.hpp"

#include "base/utf8.hpp"

namespace ap::event {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

}  // namespace

void Line::raw(std::string_view text) noexcept {
  if (size_ + text.size() > kMax) {
    fits_ = false;
    return;
  }
  __builtin_memcpy(buffer_ + size_, text.data(), text.size());
  size_ += text.size();
}

void Line::number(std::uint64_t value) noexcept {
  char digits[20];
  std::size_t n = 0;
  do digits[sizeof digits - ++n] = static_cast<char>('0' + value % 10);
  while (value /= 10);
  raw({digits + sizeof digits - n, n});
}

void Line::open(std::size_t cap) noexcept {
  raw("\"");
  // INVARIANT: one byte stays free for the closing quote.
  const std::size_t room = kMax - size_ > 1 ? kMax - size_ - 1 : 0;
  value_end_ = size_ + (cap < room ? cap : room);
  cut_ = false;
}

void Line::close() noexcept {
  raw("\"");
}

bool Line::put(const char* bytes, std::size_t size) noexcept {
  if (cut_ || size_ + size > value_end_) {
    cut_ = truncated_ = true;
    return false;
  }
  __builtin_memcpy(buffer_ + size_, bytes, size);
  size_ += size;
  return true;
}

void Line::text(std::string_view value) noexcept {
  static constexpr char kHex[] = "0123456789abcdef";
  char32_t point;
  for (std::size_t i = 0; i < value.size();) {
    const auto c = static_cast<unsigned char>(value[i]);
    bool written;
    std::size_t step = 1;
    if (c == '"' || c == '\\') {
      const char escaped[2] = {'\\', static_cast<char>(c)};
      written = put(escaped, 2);
    } else if (c == '\n') {
      written = put("\\n", 2);
    } else if (c == '\t') {
      written = put("\\t", 2);
    } else if (c == '\r') {
      written = put("\\r", 2);
    } else if (c < 0x20 || c == 0x7f) {
      const char escaped[6] = {'\\', 'u', '0', '0', kHex[c >> 4], kHex[c & 15]};
      written = put(escaped, 6);
    } else if (std::size_t end = i; decode_utf8(value, end, point)) {
      written = put(value.data() + i, end - i);
      step = end - i;
    } else {
      written = put(kReplacement.data(), kReplacement.size());
    }
    if (!written) return;
    i += step;
  }
}

void Line::string(std::string_view value, std::size_t cap) noexcept {
  open(cap);
  text(value);
  close();
}

void Line::string_or_null(std::string_view value, std::size_t cap) noexcept {
  if (value.data() == nullptr)
    raw("null");
  else
    string(value, cap);
}

}  // namespace ap::event
