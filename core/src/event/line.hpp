// SPDX-License-Identifier: Apache-2.0
//
// Line: one line of JSON in a fixed buffer. Structure always fits; values are cut to what they may take, at a
// character, and the line then knows that it is truncated. Whatever bytes come in, valid UTF-8 on one line goes out:
// bytes that are no UTF-8 (lone surrogates too) become U+FFFD, control characters are escaped.
//
//   Line line;
//   line.raw("{\"source\":");
//   line.string(path, 2048);          // quoted, at most 2,048 bytes between the quotes
//   line.raw("}\n");
//
// No allocation, no libc call: usable in a signal handler and in a vfork child.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace ap::event {

class Line {
 public:
  // The longest line: what a pipe takes in one piece (PIPE_BUF).
  static constexpr std::size_t kMax = 4096;

  // Structure: keys, braces, constants. Left out when it does not fit, which fits() then tells.
  void raw(std::string_view text) noexcept;
  void number(std::uint64_t value) noexcept;

  // A quoted value of at most `cap` bytes after escaping; `string_or_null` writes null for one that is absent.
  void string(std::string_view value, std::size_t cap) noexcept;
  void string_or_null(std::string_view value, std::size_t cap) noexcept;

  // The same in pieces: open, any number of text(), close.
  void open(std::size_t cap) noexcept;
  void text(std::string_view value) noexcept;
  void close() noexcept;
  bool full() const noexcept { return cut_; }  // of the open value: nothing more will be written

  std::string_view view() const noexcept { return {buffer_, size_}; }
  std::size_t size() const noexcept { return size_; }
  bool truncated() const noexcept { return truncated_; }
  void set_truncated() noexcept { truncated_ = true; }
  bool fits() const noexcept { return fits_; }

 private:
  bool put(const char* bytes, std::size_t size) noexcept;

  char buffer_[kMax];
  std::size_t size_ = 0;
  std::size_t value_end_ = 0;  // where the open value must stop
  bool cut_ = false;
  bool truncated_ = false;
  bool fits_ = true;
};

}  // namespace ap::event
