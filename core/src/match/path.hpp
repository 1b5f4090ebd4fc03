// SPDX-License-Identifier: Apache-2.0
//
// Path patterns of a policy (files.rules): the grammar, and the matcher that runs on the sealed form.
//
//   /etc/ssl/openssl.cnf   exactly this path
//   /data/*.csv            `*` and `?` (one UTF-8 letter) stay within a segment
//   /data/**               `**` crosses segments: everything below /data, and /data itself
//   **/*.pem               anywhere
//
// Bytes, not text: names that are not UTF-8 compare like any other. A look-up probes one hash per directory of the
// path, whatever the number of patterns; only patterns whose literal directory is an ancestor of the path are tried.
#pragma once
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "match/hash_index.hpp"

namespace ap {

// The pattern in its normal form (`//` and `/./` collapsed), or what is wrong and what to write instead.
Result<std::string> parse_path_pattern(std::string_view text);

// Whether `path` (absolute, normalised) is met by `pattern` (normal form). No allocation; at most |pattern| * |path|
// steps.
bool match_path(std::string_view pattern, std::string_view path) noexcept;

// The directory in front of the first wildcard ("/data" of "/data/*.csv", "" of "**/x"); the whole text where there is
// none.
std::string_view literal_directory(std::string_view pattern) noexcept;
bool has_wildcard(std::string_view pattern) noexcept;

// Segments of `pattern` that can come next once the directories of `path` have been walked, one bit each: empty when
// nothing below `path` can be met. Two directories with equal answers can be exchanged without changing what is met
// below them.
std::uint64_t segments_after(std::string_view pattern, std::string_view path) noexcept;
constexpr std::size_t kMaxPatternSegments = 63;

// --- sealed form ---

enum class PathUse : std::uint8_t {
  rule = 0,      // files.rules
  need = 1,      // the runtime's own: stays open for reading
  ancestor = 2,  // a directory above something open: its metadata may be read
  own = 3,       // our log and cache; for writing alone: our code
};

constexpr std::uint8_t kNoAction = 0xff;

struct PathItem {
  std::uint32_t text, next, rule;
  std::uint16_t size;
  std::uint16_t literal;  // bytes in front of the first wildcard; size where there is none
  PathUse use;
  std::uint8_t read, write;  // ap_action, or kNoAction: silent about this direction
  std::uint8_t whole_tree;   // "/dir/**", and no other wildcard
};

struct PathTable {
  Range slots, items;
};

class PathMatcher {
 public:
  PathMatcher(const char* blob, const PathTable& table) noexcept : blob_(blob), table_(table) {}

  std::string_view pattern(const PathItem& item) const noexcept { return {blob_ + item.text, item.size}; }

  // Calls visit(number, item) for each item whose pattern meets `path`, in no particular order.
  template <typename Visit>
  void each_match(std::string_view path, Visit&& visit) const noexcept {
    each_candidate(path, [&](std::uint32_t number, const PathItem& item) {
      std::string_view text = pattern(item);
      bool met;
      if (item.literal == item.size)
        met = text == path;
      else if (item.whole_tree)
        met = path.starts_with(text.substr(0, item.size - 3u)) &&
              (path.size() == item.size - 3u || path[item.size - 3u] == '/');
      else
        met = match_path(text, path);
      if (met) visit(number, item);
    });
  }
  // The same without the match: every item whose literal directory is `path` or above it.
  template <typename Visit>
  void each_candidate(std::string_view path, Visit&& visit) const noexcept;

 private:
  const char* blob_;
  const PathTable& table_;
};

struct PathEntry {
  std::string pattern;  // normal form
  PathUse use;
  std::uint8_t read, write;
  std::uint32_t rule;
};
class BlobWriter;
PathTable write_paths(BlobWriter& blob, const std::vector<PathEntry>& entries);
bool valid_paths(std::string_view blob, const PathTable& table);

// --- inline half of the matcher ---

// Calls visit(hash) for "" and then for each directory of `path` down to the path itself. Eight bytes at a time: this
// runs for every file operation.
template <typename Visit>
inline void each_directory_hash(std::string_view path, Visit&& visit) noexcept {
  constexpr std::uint64_t low = 0x0101010101010101ull, high = 0x8080808080808080ull, slashes = 0x2f2f2f2f2f2f2f2full;
  std::uint64_t h = 0x9e3779b97f4a7c15ull;
  visit(h);
  const char* p = path.data();
  std::size_t left = path.size();
  if (left && *p == '/') ++p, --left;
  if (left == 0) return;
  while (true) {
    std::uint64_t chunk = 0;
    unsigned have = left < 8 ? static_cast<unsigned>(left) : 8;
    if (left >= 8) {
      std::memcpy(&chunk, p, 8);
    } else {
      for (unsigned i = 0; i < have; ++i)
        chunk |= static_cast<std::uint64_t>(static_cast<unsigned char>(p[i])) << (8 * i);
    }
    std::uint64_t x = chunk ^ slashes;
    std::uint64_t zero = (x - low) & ~x & high;  // INVARIANT: the lowest set bit marks the first slash
    unsigned taken = zero ? static_cast<unsigned>(__builtin_ctzll(zero)) / 8 : have;
    if (taken > have) taken = have;
    if (taken) {
      if (taken < 8) chunk &= (std::uint64_t{1} << (8 * taken)) - 1;
      h = (h ^ chunk) * 0xff51afd7ed558ccdull;
      h ^= h >> 32;
    }
    p += taken;
    left -= taken;
    if (left == 0 || taken < have || (taken == 8 && *p == '/')) {
      h = (h ^ 0x2f) * 0xc4ceb9fe1a85ec53ull;
      h ^= h >> 29;
      visit(h);
      if (left == 0) return;
      ++p;
      if (--left == 0) return;
    }
  }
}

template <typename Visit>
void PathMatcher::each_candidate(std::string_view path, Visit&& visit) const noexcept {
  if (table_.items.count == 0) return;
  HashIndex index(reinterpret_cast<const HashSlot*>(blob_ + table_.slots.offset), table_.slots.count);
  const auto* items = reinterpret_cast<const PathItem*>(blob_ + table_.items.offset);
  each_directory_hash(path, [&](std::uint64_t hash) {
    for (std::uint32_t n = index.first(hash); n != kNoItem; n = items[n].next) visit(n, items[n]);
  });
}

}  // namespace ap
