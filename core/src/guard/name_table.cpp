// SPDX-License-Identifier: Apache-2.0
#include "guard/name_table.hpp"

#include <cstring>

#include "base/clock.hpp"
#include "base/hash.hpp"
#include "base/large.hpp"

namespace ap {
namespace {

std::uint32_t coarse_ms() noexcept {
  return static_cast<std::uint32_t>(monotonic_coarse_ns() / 1000000);
}

constexpr auto relaxed = std::memory_order_relaxed;

// Takes a seqlock for writing; false when another writer has it (or died with it).
bool begin_write(std::atomic<std::uint32_t>& sequence, std::uint32_t& before) noexcept {
  before = sequence.load(relaxed);
  if (before & 1) return false;
  if (!sequence.compare_exchange_strong(before, before + 1, std::memory_order_acquire, relaxed)) return false;
  std::atomic_thread_fence(std::memory_order_release);
  return true;
}
void end_write(std::atomic<std::uint32_t>& sequence, std::uint32_t before) noexcept {
  sequence.store(before + 2, std::memory_order_release);
}

bool unchanged(const std::atomic<std::uint32_t>& sequence, std::uint32_t before) noexcept {
  std::atomic_thread_fence(std::memory_order_acquire);
  return sequence.load(relaxed) == before;
}

}  // namespace

std::uint32_t (*NameTable::clock_ms)() noexcept = coarse_ms;

std::uint64_t NameTable::hash(const IpAddress& address) noexcept {
  std::uint64_t words[2];
  std::memcpy(words, address.bytes, 16);
  std::uint64_t h = (words[0] ^ address.family) * 0xff51afd7ed558ccdull;
  h = (h ^ (h >> 33) ^ words[1]) * 0xc4ceb9fe1a85ec53ull;
  return h ^ (h >> 33);
}

bool NameTable::read_name(std::uint32_t index, std::uint32_t sequence, char* out, std::uint32_t& size) const noexcept {
  const Name& entry = names_[index / kNameWays % kNameSets][index % kNameWays];
  if (entry.sequence.load(std::memory_order_acquire) != sequence) return false;
  size = entry.size.load(relaxed);
  if (size > 253) return false;
  for (std::uint32_t i = 0; i * 8 < size; ++i) {
    std::uint64_t word = entry.words[i].load(relaxed);
    std::memcpy(out + i * 8, &word, 8);
  }
  return unchanged(entry.sequence, sequence);
}

bool NameTable::find_or_add_name(std::string_view name, std::uint32_t now, std::uint32_t& index,
                                 std::uint32_t& sequence) noexcept {
  auto set = static_cast<std::uint32_t>(hash_bytes(name) % kNameSets);
  char known[256];
  for (int attempt = 0; attempt < 4; ++attempt) {
    std::uint32_t oldest = 0, oldest_age = 0;
    for (std::uint32_t way = 0; way < kNameWays; ++way) {
      Name& entry = names_[set][way];
      std::uint32_t s = entry.sequence.load(std::memory_order_acquire), size;
      if (s & 1) continue;
      if (s != 0 && read_name(set * kNameWays + way, s, known, size) && std::string_view(known, size) == name) {
        entry.used.store(now, relaxed);
        index = set * kNameWays + way;
        sequence = s;
        return true;
      }
      std::uint32_t age = s == 0 ? 0xffffffffu : now - entry.used.load(relaxed) + 1;
      if (age > oldest_age) {
        oldest = way;
        oldest_age = age;
      }
    }
    Name& entry = names_[set][oldest];
    std::uint32_t before;
    if (oldest_age == 0 || !begin_write(entry.sequence, before)) continue;
    char padded[256] = {};
    std::memcpy(padded, name.data(), name.size());
    entry.size.store(static_cast<std::uint32_t>(name.size()), relaxed);
    entry.used.store(now, relaxed);
    for (std::uint32_t i = 0; i < kNameWords; ++i) {
      std::uint64_t word;
      std::memcpy(&word, padded + i * 8, 8);
      entry.words[i].store(word, relaxed);
    }
    end_write(entry.sequence, before);
    index = set * kNameWays + oldest;
    sequence = before + 2;
    return true;
  }
  return false;
}

void NameTable::add(const IpAddress& address, std::uint32_t name, std::uint32_t name_sequence,
                    std::uint32_t now) noexcept {
  std::uint64_t words[2];
  std::memcpy(words, address.bytes, 16);
  std::uint64_t h = hash(address);
  auto set = static_cast<std::uint32_t>(h % kSets), tag = static_cast<std::uint32_t>(h >> 32) | 1u;
  for (int attempt = 0; attempt < 4; ++attempt) {
    std::uint32_t victim = kWays, victim_age = 0;
    for (std::uint32_t way = 0; way < kWays; ++way) {
      Address& entry = addresses_[set][way];
      if (entry.sequence.load(std::memory_order_acquire) & 1) continue;
      if (entry.family.load(relaxed) == address.family && entry.bytes[0].load(relaxed) == words[0] &&
          entry.bytes[1].load(relaxed) == words[1] && entry.name.load(relaxed) == name) {
        victim = way;  // the same answer again
        break;
      }
      std::uint32_t age = entry.family.load(relaxed) == 0 ? 0xffffffffu : now - entry.used.load(relaxed) + 1;
      if (age > victim_age) {
        victim = way;
        victim_age = age;
      }
    }
    if (victim == kWays) continue;
    Address& entry = addresses_[set][victim];
    std::uint32_t before;
    if (!begin_write(entry.sequence, before)) continue;
    entry.family.store(address.family, relaxed);
    entry.bytes[0].store(words[0], relaxed);
    entry.bytes[1].store(words[1], relaxed);
    entry.name.store(name, relaxed);
    entry.name_sequence.store(name_sequence, relaxed);
    entry.answered.store(now, relaxed);
    entry.used.store(now, relaxed);
    tags_[set][victim].store(tag, relaxed);
    end_write(entry.sequence, before);
    return;
  }
}

void NameTable::note(std::string_view host, const IpAddress* addresses, std::size_t count) noexcept {
  HostName name;
  IpAddress literal;
  if (!normalise_host(host, name) || name.empty() || name.size() > 253 || parse_ip(name.view(), literal)) return;
  std::uint32_t now = clock_ms(), index, sequence;
  if (!find_or_add_name(name.view(), now, index, sequence)) return;
  for (std::size_t i = 0; i < count; ++i)
    if (addresses[i].family) add(addresses[i], index, sequence, now);
}

bool NameTable::read_entry(std::uint32_t set, std::uint32_t way, const IpAddress& address, char* name,
                           std::uint32_t& size, std::uint32_t& answered) const noexcept {
  const Address& entry = addresses_[set][way];
  std::uint64_t words[2];
  std::memcpy(words, address.bytes, 16);
  // A writer is at work for nanoseconds; one that never ends costs this entry.
  for (int attempt = 0; attempt < 16; ++attempt) {
    std::uint32_t before = entry.sequence.load(std::memory_order_acquire);
    if (before & 1) continue;
    bool same = entry.family.load(relaxed) == address.family && entry.bytes[0].load(relaxed) == words[0] &&
                entry.bytes[1].load(relaxed) == words[1];
    std::uint32_t index = entry.name.load(relaxed), name_sequence = entry.name_sequence.load(relaxed);
    answered = entry.answered.load(relaxed);
    if (!unchanged(entry.sequence, before)) continue;
    return same && read_name(index, name_sequence, name, size);
  }
  return false;
}

void NameTable::touch(std::uint32_t set, std::uint32_t way) const noexcept {
  const Address& entry = addresses_[set][way];
  std::uint32_t now = clock_ms();
  if (entry.used.load(relaxed) != now) entry.used.store(now, relaxed);
}

bool NameTable::last_name(const IpAddress& address, HostName& out) const noexcept {
  std::uint32_t youngest = 0xffffffffu;
  out.clear();
  each_name(address, [&](std::string_view name, std::uint32_t age) {
    if (out.empty() || age < youngest) {
      out.clear();
      out.append(name);
      youngest = age;
    }
    return true;
  });
  return !out.empty();
}

void NameTable::clear() noexcept {
  for (auto& set : addresses_)
    for (Address& entry : set) {
      std::uint32_t before;
      if (!begin_write(entry.sequence, before)) continue;
      entry.family.store(0, relaxed);
      end_write(entry.sequence, before);
    }
  for (auto& set : tags_)
    for (auto& tag : set) tag.store(0, relaxed);
}

NameTable& name_table() noexcept {
  AP_LARGE static constinit NameTable table;
  return table;
}

}  // namespace ap
