// SPDX-License-Identifier: Apache-2.0
#include "match/address.hpp"

#include <arpa/inet.h>

#include <cstring>

#include "base/text.hpp"
#include "match/blob_writer.hpp"

namespace ap {
namespace {

// inet_aton's grammar: one to four parts, decimal, 0x or 0 octal; the last part fills the bytes that are left.
bool parse_numeric(std::string_view text, std::uint32_t& out) noexcept {
  std::uint64_t parts[4];
  int count = 0;
  std::size_t at = 0;
  while (true) {
    if (count == 4 || at >= text.size()) return false;
    unsigned base = 10;
    bool any = false;
    if (text[at] == '0') {
      base = 8;
      any = true;
      if (++at < text.size() && (text[at] | 32) == 'x') {
        base = 16;
        any = false;  // glibc takes a bare "0x" for zero, others do not: not a number here, and not a name anyone can
                      // register
        ++at;
      }
    }
    std::uint64_t value = 0;
    for (; at < text.size() && text[at] != '.'; ++at) {
      unsigned digit = text[at] >= '0' && text[at] <= '9' ? static_cast<unsigned>(text[at] - '0')
                       : (text[at] | 32) >= 'a' && (text[at] | 32) <= 'f'
                           ? static_cast<unsigned>((text[at] | 32) - 'a' + 10)
                           : 99;
      if (digit >= base) return false;
      value = value * base + digit;
      if (value > 0xffffffffull) return false;
      any = true;
    }
    if (!any) return false;
    parts[count++] = value;
    if (at == text.size()) break;
    ++at;
  }
  std::uint64_t value = 0;
  for (int i = 0; i + 1 < count; ++i) {
    if (parts[i] > 255) return false;
    value |= parts[i] << (24 - 8 * i);
  }
  if (parts[count - 1] > (0xffffffffull >> (8 * (count - 1)))) return false;
  out = static_cast<std::uint32_t>(value | parts[count - 1]);
  return true;
}

bool parse_v6(std::string_view text, IpAddress& out) noexcept {
  if (std::size_t scope = text.find('%'); scope != text.npos) text = text.substr(0, scope);
  char copy[INET6_ADDRSTRLEN + 1];
  if (text.size() >= sizeof(copy) || text.find(':') == text.npos || text.find('\0') != text.npos) return false;
  std::memcpy(copy, text.data(), text.size());
  copy[text.size()] = '\0';
  std::uint8_t bytes[16];
  if (inet_pton(AF_INET6, copy, bytes) != 1) return false;
  out = make_ip(6, bytes);
  return true;
}

std::string_view without_brackets(std::string_view text) noexcept {
  if (text.size() > 2 && text.front() == '[' && text.back() == ']') return text.substr(1, text.size() - 2);
  return text;
}

constexpr std::uint8_t kMapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr std::uint8_t kNat64[12] = {0, 0x64, 0xff, 0x9b};

// The IPv4 address that a transition form stands for, else the address itself.
IpAddress embedded(const IpAddress& a) noexcept {
  if (a.family != 6) return a;
  if (std::memcmp(a.bytes, kNat64, 12) == 0) return make_ip(4, a.bytes + 12);
  if (a.bytes[0] == 0x20 && a.bytes[1] == 0x02) return make_ip(4, a.bytes + 2);
  // ::a.b.c.d, deprecated, still routed to IPv4 by some stacks; :: and ::1 are themselves.
  bool compatible = true;
  for (int i = 0; i < 12; ++i) compatible = compatible && a.bytes[i] == 0;
  if (compatible && (a.bytes[12] || a.bytes[13] || a.bytes[14] || a.bytes[15] > 1)) return make_ip(4, a.bytes + 12);
  return a;
}

std::uint64_t hash_address(std::uint8_t family, std::uint8_t bits, const std::uint8_t* masked) noexcept {
  std::uint64_t a, b;
  std::memcpy(&a, masked, 8);
  std::memcpy(&b, masked + 8, 8);
  std::uint64_t h = (a ^ 0x9e3779b97f4a7c15ull) * 0xff51afd7ed558ccdull;
  h = (h ^ (h >> 32) ^ b) * 0xc4ceb9fe1a85ec53ull;
  h = (h ^ (h >> 29) ^ static_cast<std::uint64_t>(family * 256 + bits)) * 0xbf58476d1ce4e5b9ull;
  return h ^ (h >> 32);
}

void mask(std::uint8_t* bytes, unsigned bits) noexcept {
  for (unsigned i = 0; i < 16; ++i) {
    unsigned keep = bits >= 8 * (i + 1) ? 8 : bits <= 8 * i ? 0 : bits - 8 * i;
    bytes[i] = static_cast<std::uint8_t>(bytes[i] & static_cast<unsigned>(0xff00 >> keep));
  }
}

bool number(std::string_view text, unsigned limit, unsigned& out) {
  if (text.empty() || text.size() > 5) return false;
  out = 0;
  for (char c : text) {
    if (c < '0' || c > '9') return false;
    out = out * 10 + static_cast<unsigned>(c - '0');
  }
  return out <= limit;
}

}  // namespace

IpAddress make_ip(std::uint8_t family, const std::uint8_t* bytes) noexcept {
  IpAddress a;
  if (family == 4) {
    a.family = 4;
    std::memcpy(a.bytes, bytes, 4);
  } else if (family == 6) {
    bool mapped = std::memcmp(bytes, kMapped, 12) == 0;
    a.family = mapped ? 4 : 6;
    std::memcpy(a.bytes, mapped ? bytes + 12 : bytes, mapped ? 4 : 16);
  }
  return a;
}

bool parse_plain_ip(std::string_view text, IpAddress& out) noexcept {
  if (text.find(':') != text.npos) return text.find('%') == text.npos && parse_v6(text, out);
  char copy[INET_ADDRSTRLEN + 1];
  if (text.empty() || text.size() >= sizeof(copy) || text.find('\0') != text.npos) return false;
  std::memcpy(copy, text.data(), text.size());
  copy[text.size()] = '\0';
  std::uint8_t bytes[4];
  if (inet_pton(AF_INET, copy, bytes) != 1) return false;
  out = make_ip(4, bytes);
  return true;
}

bool parse_ip(std::string_view text, IpAddress& out) noexcept {
  text = without_brackets(text);
  if (text.empty() || text.size() > 64) return false;
  if (text.find(':') != text.npos) return parse_v6(text, out);
  if (text.front() < '0' || text.front() > '9') return false;  // every numeric spelling begins with a digit
  if (text.back() == '.') text.remove_suffix(1);
  std::uint32_t value;
  if (!parse_numeric(text, value)) return false;
  std::uint8_t bytes[4] = {static_cast<std::uint8_t>(value >> 24), static_cast<std::uint8_t>(value >> 16),
                           static_cast<std::uint8_t>(value >> 8), static_cast<std::uint8_t>(value)};
  out = make_ip(4, bytes);
  return true;
}

bool parse_reverse_name(std::string_view name, IpAddress& out) noexcept {
  std::uint8_t bytes[16] = {};
  if (name.ends_with(".in-addr.arpa")) {
    std::uint32_t value;
    if (!parse_numeric(name.substr(0, name.size() - 13), value)) return false;
    for (int i = 0; i < 4; ++i) bytes[i] = static_cast<std::uint8_t>(value >> (8 * i));
    out = make_ip(4, bytes);
    return true;
  }
  if (!name.ends_with(".ip6.arpa") || name.size() != 64 + 8) return false;
  for (int i = 0; i < 32; ++i) {
    char c = name[static_cast<std::size_t>(2 * i)];
    int nibble = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
    if (nibble < 0 || name[static_cast<std::size_t>(2 * i) + 1] != '.') return false;
    bytes[15 - i / 2] = static_cast<std::uint8_t>(bytes[15 - i / 2] | (i % 2 ? nibble << 4 : nibble));
  }
  out = make_ip(6, bytes);
  return true;
}

std::string to_text(const IpAddress& address) {
  char text[INET6_ADDRSTRLEN] = "";
  if (address.family) inet_ntop(address.family == 4 ? AF_INET : AF_INET6, address.bytes, text, sizeof(text));
  return text;
}

bool is_loopback(const IpAddress& address) noexcept {
  IpAddress a = embedded(address);
  if (a.family == 4) return a.bytes[0] == 127 || a.bytes[0] == 0;
  if (a.family != 6) return false;
  for (int i = 0; i < 15; ++i)
    if (a.bytes[i]) return false;
  return a.bytes[15] <= 1;
}

bool is_special(const IpAddress& address) noexcept {
  if (is_loopback(address)) return true;
  IpAddress a = embedded(address);
  if (a.family == 4)
    return (a.bytes[0] == 169 && a.bytes[1] == 254) || a.bytes[0] >= 224;  // 255.255.255.255 is in 240/4
  if (a.family != 6) return false;
  // The EC2 metadata service has unique local addresses of its own.
  static constexpr std::uint8_t ec2[14] = {0xfd, 0x00, 0x0e, 0xc2};
  return a.bytes[0] == 0xff || (a.bytes[0] == 0xfe && (a.bytes[1] & 0xc0) == 0x80) ||
         std::memcmp(a.bytes, ec2, 14) == 0;
}

Result<AddressEntry> parse_address_entry(std::string_view written, bool& is_address) {
  std::string_view text = written;
  is_address = false;
  if (text.starts_with('=')) text.remove_prefix(1);
  std::string_view port_text;
  bool has_port = false;
  std::string_view body = text;
  if (text.starts_with('[')) {
    std::size_t close = text.find(']');
    if (close == text.npos) {
      is_address = true;
      return Error{ErrorCode::invalid_policy, shown(written) + " has `[` without `]`: write `[2001:db8::1]:443`"};
    }
    body = text.substr(1, close - 1);
    std::string_view rest = text.substr(close + 1);
    if (rest.starts_with('/')) {  // [2001:db8::]/32:443
      std::size_t colon = rest.find(':');
      std::size_t length = colon == rest.npos ? rest.size() : colon;
      body = {};
      bool inner = false;
      std::string joined = std::string(text.substr(1, close - 1)) + std::string(rest.substr(0, length));
      Result<AddressEntry> entry = parse_address_entry(joined, inner);
      is_address = true;
      if (!inner) return Error{ErrorCode::invalid_policy, shown(written) + " holds no address between `[` and `]`"};
      if (!entry || colon == rest.npos) return entry;
      unsigned port = 0;
      if (!number(rest.substr(colon + 1), 65535, port) || port == 0)
        return Error{ErrorCode::invalid_policy,
                     shown(written) + " has no such port: a port is a number from 1 to 65535"};
      entry->port = static_cast<std::uint16_t>(port);
      return entry;
    }
    if (!rest.empty()) {
      has_port = true;
      if (!rest.starts_with(':')) {
        is_address = true;
        return Error{ErrorCode::invalid_policy, shown(written) + ": after `]` comes `:port` or nothing"};
      }
      port_text = rest.substr(1);
    }
  } else if (std::size_t colon = text.find(':'); colon != text.npos) {
    // One colon: IPv4 or a name, with a port. More: an IPv6 address, a port only behind its prefix length
    // (2001:db8::/32:443).
    std::size_t slash = text.find('/');
    std::size_t port_colon = text.rfind(':') == colon ? colon : slash == text.npos ? text.npos : text.find(':', slash);
    if (port_colon != text.npos) {
      has_port = true;
      port_text = text.substr(port_colon + 1);
      body = text.substr(0, port_colon);
    }
  }

  std::string_view literal = body.substr(0, body.find('/'));
  AddressEntry entry;
  if (!parse_plain_ip(literal, entry.address)) {
    bool digits_and_dots = !literal.empty() && literal.find_first_not_of("0123456789.") == literal.npos;
    std::size_t dots = 0;
    for (char c : literal) dots += c == '.';
    if (std::string_view network = literal.substr(0, literal.find('*'));
        network.size() + 1 == literal.size() && network.size() > 1 && network.front() != '.' &&
        network.ends_with('.') && network.find_first_not_of("0123456789.") == network.npos && dots <= 3) {
      is_address = true;
      std::string range(network);
      for (std::size_t i = dots; i < 4; ++i) range += i + 1 < 4 ? "0." : "0";
      return Error{ErrorCode::invalid_policy, shown(written) + " meets no address: write the range as CIDR, `" + range +
                                                  "/" + std::to_string(8 * dots) + "`"};
    }
    if ((digits_and_dots && dots == 3) || literal.find(':') != literal.npos) {
      is_address = true;
      return Error{ErrorCode::invalid_policy,
                   "`" + std::string(written) +
                       "` is not an IP address: IPv4 is four numbers up to 255, IPv6 as in `[2001:db8::1]:443`"};
    }
    return entry;
  }
  is_address = true;
  bool mapped = entry.address.family == 4 && literal.find(':') != literal.npos;
  unsigned width = entry.address.family == 4 ? 32 : 128, bits = width;
  if (std::size_t slash = body.find('/'); slash != body.npos) {
    unsigned stated = 0;
    if (!number(body.substr(slash + 1), mapped ? 128 : width, stated) || (mapped && stated < 96))
      return Error{ErrorCode::invalid_policy,
                   shown(written) + " has no such prefix length: it is a number from 0 to " + std::to_string(width)};
    bits = mapped ? stated - 96 : stated;
    std::uint8_t masked[16];
    std::memcpy(masked, entry.address.bytes, 16);
    mask(masked, bits);
    if (std::memcmp(masked, entry.address.bytes, 16) != 0) {
      IpAddress network = entry.address;
      std::memcpy(network.bytes, masked, 16);
      return Error{ErrorCode::invalid_policy, shown(written) + " has bits set behind its prefix: write `" +
                                                  to_text(network) + "/" + std::to_string(bits) +
                                                  "` for the network, or `" + to_text(entry.address) +
                                                  "` for the one address"};
    }
  }
  entry.bits = static_cast<std::uint8_t>(bits);
  if (has_port) {
    unsigned port = 0;
    if (!number(port_text, 65535, port) || port == 0)
      return Error{ErrorCode::invalid_policy, shown(written) + " ends in " + shown(":" + std::string(port_text)) +
                                                  ": a port is a number from 1 to 65535"};
    entry.port = static_cast<std::uint16_t>(port);
  }
  return entry;
}

const AddressItem* AddressMatcher::search(const IpAddress& address, std::uint16_t port, bool stated) const noexcept {
  if (table_.items.count == 0 || address.family == 0) return nullptr;
  HashIndex index(array_at<HashSlot>(blob_, table_.slots), table_.slots.count);
  const auto* items = array_at<AddressItem>(blob_, table_.items);
  auto probe = [&](unsigned bits) -> const AddressItem* {
    std::uint8_t masked[16];
    std::memcpy(masked, address.bytes, 16);
    mask(masked, bits);
    auto length = static_cast<std::uint8_t>(bits);
    for (std::uint32_t i = index.first(hash_address(address.family, length, masked)); i != kNoItem; i = items[i].next) {
      const AddressItem& item = items[i];
      if (item.family != address.family || item.bits != length || std::memcmp(item.bytes, masked, 16) != 0) continue;
      if (stated ? item.port == port : item.port == 0 || port == 0 || item.port == port) return &item;
    }
    return nullptr;
  };
  auto walk = [&](std::uint64_t lengths, unsigned base) -> const AddressItem* {
    for (; lengths; lengths &= ~(std::uint64_t{1} << (63 - __builtin_clzll(lengths))))
      if (const AddressItem* item = probe(base + 63 - static_cast<unsigned>(__builtin_clzll(lengths)))) return item;
    return nullptr;
  };
  if (address.family == 4) return walk(table_.bits4, 0);
  for (unsigned word = 3; word-- > 0;)
    if (const AddressItem* item = walk(table_.bits6[word], word * 64)) return item;
  return nullptr;
}

AddressTable write_addresses(BlobWriter& blob, const std::vector<AddressEntryWithRule>& entries) {
  AddressTable table{};
  std::vector<AddressItem> items;
  HashIndexBuilder index(entries.size());
  for (const auto& [entry, rule] : entries) {
    AddressItem item{};
    std::memcpy(item.bytes, entry.address.bytes, 16);
    mask(item.bytes, entry.bits);
    item.next = kNoItem;
    item.rule = rule;
    item.port = entry.port;
    item.family = entry.address.family;
    item.bits = entry.bits;
    auto number = static_cast<std::uint32_t>(items.size());
    items.push_back(item);
    index.add(hash_address(item.family, item.bits, item.bytes), number,
              [&](std::uint32_t before, std::uint32_t now) { items[before].next = now; });
    if (item.family == 4)
      table.bits4 |= std::uint64_t{1} << item.bits;
    else
      table.bits6[item.bits / 64] |= std::uint64_t{1} << (item.bits % 64);
  }
  table.items = blob.array(items);
  table.slots = blob.array(index.slots());
  return table;
}

bool valid_addresses(std::string_view blob, const AddressTable& table) {
  if (!array_in_bounds<AddressItem>(blob, table.items) || !valid_slots(blob, table.slots, table.items.count))
    return false;
  if (table.bits4 >> 33 || table.bits6[2] >> 1) return false;
  const auto* items = array_at<AddressItem>(blob.data(), table.items);
  for (std::uint32_t i = 0; i < table.items.count; ++i)
    if (items[i].next != kNoItem && (items[i].next <= i || items[i].next >= table.items.count)) return false;
  return true;
}

}  // namespace ap
