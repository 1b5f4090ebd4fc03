// SPDX-License-Identifier: Apache-2.0
//
// HashIndex: open addressing over items that lie in the sealed policy. Position independent (indices, no pointers),
// built once by HashIndexBuilder, read without a lock. Items of one hash form a chain by rising item number (`next`),
// so that the first one found is the first one written.
//
//   for (std::uint32_t i = index.first(hash); i != kNoItem; i = items[i].next) if (items[i] is the key) ...
#pragma once
#include <cstdint>
#include <vector>

namespace ap {

constexpr std::uint32_t kNoItem = 0xffffffffu;

struct HashSlot {
  std::uint32_t tag;    // upper half of the hash
  std::uint32_t first;  // item number + 1; 0 = empty
};

// Where an array lies: bytes from the start of the blob, and how many elements.
struct Range {
  std::uint32_t offset, count;
};

class HashIndex {
 public:
  HashIndex(const HashSlot* slots, std::uint32_t count) noexcept
      : slots_(slots), mask_(count - 1), empty_(count == 0) {}

  // INVARIANT (built so, and checked by the blob's validator): at least one slot is empty, so the walk ends.
  std::uint32_t first(std::uint64_t hash) const noexcept {
    if (empty_) return kNoItem;
    auto tag = static_cast<std::uint32_t>(hash >> 32);
    for (std::uint32_t i = static_cast<std::uint32_t>(hash) & mask_;; i = (i + 1) & mask_) {
      const HashSlot& slot = slots_[i];
      if (slot.first == 0) return kNoItem;
      if (slot.tag == tag) return slot.first - 1;
    }
  }

 private:
  const HashSlot* slots_;
  std::uint32_t mask_;
  bool empty_;
};

// Collects (hash, item) in item order; `link(previous, item)` is told to chain two items.
class HashIndexBuilder {
 public:
  explicit HashIndexBuilder(std::size_t items) {
    std::size_t size = 4;
    while (size < items * 2) size *= 2;
    slots_.resize(items ? size : 0);
    last_.resize(slots_.size());
  }
  template <typename Link>
  void add(std::uint64_t hash, std::uint32_t item, Link&& link) {
    auto tag = static_cast<std::uint32_t>(hash >> 32);
    auto mask = static_cast<std::uint32_t>(slots_.size() - 1);
    for (std::uint32_t i = static_cast<std::uint32_t>(hash) & mask;; i = (i + 1) & mask) {
      if (slots_[i].first == 0) {
        slots_[i] = {tag, item + 1};
        last_[i] = item;
        return;
      }
      if (slots_[i].tag == tag) {
        link(last_[i], item);
        last_[i] = item;
        return;
      }
    }
  }
  const std::vector<HashSlot>& slots() const { return slots_; }

 private:
  std::vector<HashSlot> slots_;
  std::vector<std::uint32_t> last_;
};

}  // namespace ap
