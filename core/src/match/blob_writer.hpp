// SPDX-License-Identifier: Apache-2.0
//
// BlobWriter: appends arrays and texts to the sealed form of a policy, 8-byte aligned, addressed by offset; and the
// bounds checks that a reader of such bytes needs before it trusts an offset.
#pragma once
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "match/hash_index.hpp"

namespace ap {

class BlobWriter {
 public:
  template <typename T>
  Range array(const std::vector<T>& items) {
    align();
    Range range{static_cast<std::uint32_t>(bytes_.size()), static_cast<std::uint32_t>(items.size())};
    if (!items.empty()) bytes_.append(reinterpret_cast<const char*>(items.data()), items.size() * sizeof(T));
    return range;
  }
  // Offset of `text`, stored once.
  std::uint32_t text(std::string_view text) {
    auto [at, is_new] = texts_.try_emplace(std::string(text), static_cast<std::uint32_t>(bytes_.size()));
    if (is_new) bytes_.append(text);
    return at->second;
  }
  Range text_range(std::string_view t) { return {text(t), static_cast<std::uint32_t>(t.size())}; }

  void align() { bytes_.resize((bytes_.size() + 7) & ~std::size_t{7}); }
  std::string& bytes() { return bytes_; }

 private:
  std::string bytes_;
  std::unordered_map<std::string, std::uint32_t> texts_;
};

inline bool text_in_bounds(std::string_view blob, std::uint64_t offset, std::uint64_t size) {
  return offset <= blob.size() && size <= blob.size() - offset;
}

template <typename T>
bool array_in_bounds(std::string_view blob, Range range) {
  return range.offset % alignof(T) == 0 && text_in_bounds(blob, range.offset, std::uint64_t{range.count} * sizeof(T));
}

template <typename T>
const T* array_at(const char* blob, Range range) {
  return reinterpret_cast<const T*>(blob + range.offset);
}

// Slots: a power of two or none, each pointing at an item, one of them empty.
inline bool valid_slots(std::string_view blob, Range slots, std::uint32_t items) {
  if (!array_in_bounds<HashSlot>(blob, slots)) return false;
  if (slots.count == 0) return true;
  if (slots.count & (slots.count - 1)) return false;
  const auto* slot = array_at<HashSlot>(blob.data(), slots);
  bool has_empty = false;
  for (std::uint32_t i = 0; i < slots.count; ++i) {
    if (slot[i].first > items) return false;
    has_empty = has_empty || slot[i].first == 0;
  }
  return has_empty;
}

}  // namespace ap
