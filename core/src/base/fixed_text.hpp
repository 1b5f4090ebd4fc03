// SPDX-License-Identifier: Apache-2.0
//
// FixedText<N>: text of at most N bytes on the stack, for hot paths that may not allocate. Appending past the end is
// remembered, not done: ask overflowed() before believing the text.
//
//   FixedText<256> name;
//   name.append(host);
//   if (name.overflowed()) return deny;
#pragma once
#include <cstddef>
#include <cstring>
#include <string_view>

namespace ap {

template <std::size_t N>
class FixedText {
 public:
  void append(std::string_view text) noexcept {
    if (text.size() > N - size_) {
      overflowed_ = true;
      return;
    }
    if (!text.empty()) std::memcpy(data_ + size_, text.data(), text.size());
    size_ += text.size();
  }
  void append(char c) noexcept { append(std::string_view(&c, 1)); }
  void resize(std::size_t size) noexcept {
    if (size <= size_) size_ = size;
  }
  // After writing to data() directly: the caller has kept within N.
  void set_size(std::size_t size) noexcept { size_ = size <= N ? size : N; }
  void clear() noexcept {
    size_ = 0;
    overflowed_ = false;
  }
  bool overflowed() const noexcept { return overflowed_; }
  bool empty() const noexcept { return size_ == 0; }
  std::size_t size() const noexcept { return size_; }
  char* data() noexcept { return data_; }
  std::string_view view() const noexcept { return {data_, size_}; }

 private:
  char data_[N];  // not initialised: only the first size_ bytes mean anything
  std::size_t size_ = 0;
  bool overflowed_ = false;
};

}  // namespace ap
