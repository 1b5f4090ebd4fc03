// SPDX-License-Identifier: Apache-2.0
//
// IP addresses: literals in every spelling that a resolver takes for a number, what kind of place an address is, CIDR
// entries, and the matcher that runs on the sealed form.
//
//   IpAddress a;
//   if (parse_ip("0x7f.1", a) && is_loopback(a)) ...
//
// An IPv4-mapped IPv6 address is the IPv4 address everywhere. A look-up probes one hash per prefix length that occurs.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "match/hash_index.hpp"

namespace ap {

struct IpAddress {
  std::uint8_t family = 0;      // 4, 6; 0 = none
  std::uint8_t bytes[16] = {};  // network order; IPv4 in the first four
  bool operator==(const IpAddress&) const = default;
};

// From the 4 or 16 bytes of a socket address; ::ffff:a.b.c.d becomes IPv4. Other families give family 0.
IpAddress make_ip(std::uint8_t family, const std::uint8_t* bytes) noexcept;

// Dotted quad, the numeric spellings of inet_aton (127.1, 0x7f.1, 0177.0.0.1, 2130706433), IPv6 with or without
// brackets and scope (%eth0), a trailing dot. False for what is a name. No allocation, async-signal-safe.
bool parse_ip(std::string_view text, IpAddress& out) noexcept;
// Dotted quad or IPv6 only: how a policy and a configuration write an address.
bool parse_plain_ip(std::string_view text, IpAddress& out) noexcept;
// Address of a reverse look-up's name (4.3.2.1.in-addr.arpa, nibbles under ip6.arpa); false for other names.
bool parse_reverse_name(std::string_view name, IpAddress& out) noexcept;
std::string to_text(const IpAddress& address);

// Where an address leads. NAT64 (64:ff9b::/96) and 6to4 forms of an IPv4 address count as that address here.
bool is_loopback(const IpAddress& address) noexcept;  // 127/8, ::1; also 0.0.0.0/8 and ::, which reach it
// What an allowed name has no business to answer: loopback, link-local, unspecified, multicast, broadcast. Private
// ranges (RFC 1918, ULA) are not among them: interface end points and private zones answer with those.
bool is_special(const IpAddress& address) noexcept;

struct AddressEntry {
  IpAddress address;
  std::uint8_t bits = 0;   // prefix length
  std::uint16_t port = 0;  // 0 = every port
};

// `10.0.0.7`, `10.0.0.0/16:5432`, `2001:db8::/32`, `[2001:db8::1]:443`, each with or without `=`. `is_address` tells
// whether the text is one at all; if it is not, it is a domain entry and the result means nothing.
Result<AddressEntry> parse_address_entry(std::string_view text, bool& is_address);

// --- sealed form ---

struct AddressItem {
  std::uint8_t bytes[16];  // masked to bits
  std::uint32_t next, rule;
  std::uint16_t port;
  std::uint8_t family, bits;
};

struct AddressTable {
  Range slots, items;
  std::uint64_t bits4, bits6[3];  // which prefix lengths occur, per family (0..32, 0..128)
};

class AddressMatcher {
 public:
  AddressMatcher(const char* blob, const AddressTable& table) noexcept : blob_(blob), table_(table) {}
  // The entry that holds `address` on `port` (0 = any port will do), longest prefix first; nullptr when none does.
  const AddressItem* match(const IpAddress& address, std::uint16_t port) const noexcept {
    return search(address, port, false);
  }
  // Only entries that state this very port.
  const AddressItem* match_with_port(const IpAddress& address, std::uint16_t port) const noexcept {
    return search(address, port, true);
  }

 private:
  const AddressItem* search(const IpAddress& address, std::uint16_t port, bool stated) const noexcept;

  const char* blob_;
  const AddressTable& table_;
};

struct AddressEntryWithRule {
  AddressEntry entry;
  std::uint32_t rule;
};
class BlobWriter;
AddressTable write_addresses(BlobWriter& blob, const std::vector<AddressEntryWithRule>& entries);
bool valid_addresses(std::string_view blob, const AddressTable& table);

}  // namespace ap
