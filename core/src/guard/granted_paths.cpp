// SPDX-License-Identifier: Apache-2.0
#include "guard/granted_paths.hpp"

#include <atomic>
#include <cstring>

#include "base/large.hpp"
#include "guard/image.hpp"

namespace ap::granted_paths {
namespace {

constexpr unsigned kBits = 6, kWords = 14;
constexpr std::size_t kLongest = kWords * 8;

struct Entry {
  std::atomic<std::uint32_t> version;  // odd: being written
  std::atomic<std::uint32_t> form;     // and the path's size; 0: empty
  std::atomic<const void*> policy;     // a newer one has another address: old ones stay
  std::atomic<std::uint64_t> words[kWords];
};
AP_LARGE Entry entries[1u << kBits];

std::uint64_t whole(const char* at) noexcept {
  std::uint64_t word;
  std::memcpy(&word, at, 8);
  return word;
}

// The last bytes, fewer than eight, without a look behind them.
std::uint64_t rest(std::string_view path) noexcept {
  const std::size_t left = path.size() % 8;
  if (path.size() >= 8) return whole(path.data() + path.size() - 8) >> (8 * (8 - left));
  std::uint64_t word = 0;
  for (std::size_t i = 0; i < left; ++i)
    word |= static_cast<std::uint64_t>(static_cast<unsigned char>(path[i])) << (8 * i);
  return word;
}

// The path in words, zero behind its end, and the entry it belongs in.
struct Key {
  std::uint64_t words[kWords];
  unsigned count;
  std::uint32_t form;
  Entry* entry;

  // False: too long.
  bool of(std::string_view path, std::uint8_t kind) noexcept {
    const std::size_t size = path.size();
    if (size == 0 || size > kLongest) return false;
    count = static_cast<unsigned>((size + 7) / 8);
    form = static_cast<std::uint32_t>(size) << 8 | kind;
    std::uint64_t hash = form;
    for (unsigned i = 0; i < count; ++i) {
      const std::uint64_t word = 8 * (i + 1) <= size ? whole(path.data() + 8 * i) : rest(path);
      words[i] = word;
      hash = (hash ^ word) * 0xff51afd7ed558ccdull;
      hash ^= hash >> 32;
    }
    entry = &entries[(hash * 0x9e3779b97f4a7c15ull) >> (64 - kBits)];
    return true;
  }
};

}  // namespace

// INVARIANT: what is compared lies between two readings of the version; each load is an acquire, so that the second
// reading is not earlier than what it vouches for.
bool has(std::string_view path, std::uint8_t form) noexcept {
  Key key;
  if (!key.of(path, form)) return false;
  const Entry& entry = *key.entry;
  constexpr auto acquire = std::memory_order_acquire;
  const std::uint32_t version = entry.version.load(acquire);
  if (version & 1 || entry.form.load(acquire) != key.form || entry.policy.load(acquire) != policy()) return false;
  for (unsigned i = 0; i < key.count; ++i)
    if (entry.words[i].load(acquire) != key.words[i]) return false;
  return entry.version.load(acquire) == version;
}

void add(std::string_view path, std::uint8_t form) noexcept {
  Key key;
  if (!key.of(path, form)) return;
  Entry& entry = *key.entry;
  constexpr auto release = std::memory_order_release;
  std::uint32_t version = entry.version.load(std::memory_order_relaxed);
  if (version & 1 || !entry.version.compare_exchange_strong(version, version + 1)) return;
  entry.form.store(key.form, release);
  entry.policy.store(policy(), release);
  for (unsigned i = 0; i < key.count; ++i) entry.words[i].store(key.words[i], release);
  entry.version.store(version + 2, release);
}

}  // namespace ap::granted_paths
