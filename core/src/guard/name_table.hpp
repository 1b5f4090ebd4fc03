// SPDX-License-Identifier: Apache-2.0
//
// NameTable: which names the process has looked up, and the addresses they answered. A program that looks a name up in
// one place and connects in another is judged by the name (line 2 sees the address alone). The guard asks; line 1 and
// line 2 note answers.
//
//   name_table().note("api.stripe.com", addresses, 3);
//   name_table().each_name(address, [&](std::string_view name, std::uint32_t age_ms) { ...; return keep_looking; });
//
// Fixed arena: 8,192 addresses in sets of 16, 1,024 names. The oldest of a set gives way; an entry counts for at least
// ten minutes after its last answer or use and has no time to live beyond that. No lock anywhere: each entry is a
// seqlock of its own, so a writer that dies or forks half-way costs that one entry. Async-signal-safe. Addresses may
// have several names.
#pragma once
#include <atomic>
#include <cstdint>
#include <string_view>

#include "match/address.hpp"
#include "match/idna.hpp"

namespace ap {

class NameTable {
 public:
  constexpr NameTable() = default;
  NameTable(const NameTable&) = delete;

  // `host` in any spelling. A name that does not fit (512 bytes) is left out: its addresses are judged as literals.
  void note(std::string_view host, const IpAddress* addresses, std::size_t count) noexcept;
  void note(std::string_view host, const IpAddress& address) noexcept { note(host, &address, 1); }

  // Calls visit(name, age_ms) for each name that answered `address`, until it returns false; age since the last answer.
  // Touches the entry for which visit returned false (it was used). Names are normalised and live for the call only.
  template <typename Visit>
  void each_name(const IpAddress& address, Visit&& visit) const noexcept;

  // The name that answered `address` last, for an event's text; false when none is known.
  bool last_name(const IpAddress& address, HostName& out) const noexcept;

  void clear() noexcept;  // after a snapshot restore

  // Milliseconds of the table's clock: tests move it.
  static std::uint32_t (*clock_ms)() noexcept;

 private:
  static constexpr std::uint32_t kSets = 512, kWays = 16, kNameSets = 64, kNameWays = 16;
  static constexpr std::uint32_t kNameWords = 32;  // 256 bytes: a host name has at most 253

  // Everything is a relaxed atomic under a sequence number: odd while it is being written.
  struct Name {
    std::atomic<std::uint32_t> sequence{0}, size{0}, used{0}, unused{0};
    std::atomic<std::uint64_t> words[kNameWords] = {};
  };
  struct Address {
    std::atomic<std::uint32_t> sequence{0};
    std::atomic<std::uint32_t> name{0};           // index of the name
    std::atomic<std::uint32_t> name_sequence{0};  // of the name when it was noted: another one means that it gave way
    std::atomic<std::uint32_t> family{0};         // 0 = empty
    std::atomic<std::uint32_t> answered{0};
    mutable std::atomic<std::uint32_t> used{0};
    std::atomic<std::uint64_t> bytes[2] = {};
  };

  static std::uint64_t hash(const IpAddress& address) noexcept;
  bool find_or_add_name(std::string_view name, std::uint32_t now, std::uint32_t& index,
                        std::uint32_t& sequence) noexcept;
  void add(const IpAddress& address, std::uint32_t name, std::uint32_t name_sequence, std::uint32_t now) noexcept;
  bool read_name(std::uint32_t index, std::uint32_t sequence, char* out, std::uint32_t& size) const noexcept;
  bool read_entry(std::uint32_t set, std::uint32_t way, const IpAddress& address, char* name, std::uint32_t& size,
                  std::uint32_t& answered) const noexcept;
  void touch(std::uint32_t set, std::uint32_t way) const noexcept;

  std::atomic<std::uint32_t> tags_[kSets][kWays] = {};  // a cache line per set; 0 = empty
  Address addresses_[kSets][kWays] = {};
  Name names_[kNameSets][kNameWays] = {};
};

NameTable& name_table() noexcept;  // the process's own

template <typename Visit>
void NameTable::each_name(const IpAddress& address, Visit&& visit) const noexcept {
  if (address.family == 0) return;
  std::uint64_t h = hash(address);
  auto set = static_cast<std::uint32_t>(h % kSets), tag = static_cast<std::uint32_t>(h >> 32) | 1u;
  char name[256];
  for (std::uint32_t way = 0; way < kWays; ++way) {
    if (tags_[set][way].load(std::memory_order_relaxed) != tag) continue;
    std::uint32_t size, answered;
    if (!read_entry(set, way, address, name, size, answered)) continue;
    if (!visit(std::string_view(name, size), clock_ms() - answered)) return touch(set, way);
  }
}

}  // namespace ap
