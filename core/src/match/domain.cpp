// SPDX-License-Identifier: Apache-2.0
#include "match/domain.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "match/blob_writer.hpp"
#include "match/idna.hpp"

namespace ap {
namespace {

// Hashes run backwards for exact and ends-with (every suffix of a name in one pass), forwards for the other two.
constexpr std::uint64_t kStart = 0x9e3779b97f4a7c15ull;
constexpr std::uint64_t step(std::uint64_t h, char c) {
  return (h ^ static_cast<unsigned char>(c)) * 0x100000001b3ull;
}
constexpr std::uint64_t finish(std::uint64_t h, DomainForm form) {
  h ^= static_cast<std::uint64_t>(form) << 56;
  h ^= h >> 29;
  return h * 0xbf58476d1ce4e5b9ull;
}

std::uint64_t hash_entry(DomainForm form, std::string_view text) {
  std::uint64_t h = kStart;
  if (form == DomainForm::exact || form == DomainForm::ends_with)
    for (std::size_t i = text.size(); i-- > 0;) h = step(h, text[i]);
  else
    for (char c : text) h = step(h, c);
  return finish(h, form);
}

constexpr bool has_bit(const std::uint64_t* words, std::size_t n) {
  return (words[n / 64] >> (n % 64)) & 1;
}
constexpr void set_bit(std::uint64_t* words, std::size_t n) {
  words[n / 64] |= std::uint64_t{1} << (n % 64);
}
constexpr unsigned pair_bit(char a, char b) {
  return (static_cast<unsigned char>(a) * 37u ^ static_cast<unsigned char>(b)) & 1023u;
}
constexpr bool any(const std::uint64_t* words) {
  return words[0] | words[1] | words[2] | words[3];
}
constexpr std::size_t highest(const std::uint64_t* words) {
  for (std::size_t w = 4; w-- > 0;)
    if (words[w]) return w * 64 + 63 - static_cast<std::size_t>(__builtin_clzll(words[w]));
  return 0;
}

bool is_name_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
}

Error wrong(std::string_view text, std::string_view what) {
  return {ErrorCode::invalid_policy, shown(text) + " " + std::string(what)};
}

}  // namespace

Result<DomainEntry> parse_domain_entry(std::string_view written) {
  std::string_view text = written;
  if (text.empty())
    return Error{ErrorCode::invalid_policy, "an empty entry: write a name such as `=api.example.com`, or leave it out"};
  if (text.find("://") != text.npos || text.starts_with("//")) {
    std::string_view host = text.substr(text.find("//") + 2);
    host = host.substr(0, host.find_first_of("/?#"));
    return wrong(written, "is a URL: write the name alone, " + shown("=" + std::string(host)));
  }
  if (std::size_t at = text.find_first_of("/?#@\\"); at != text.npos)
    return wrong(written, "holds " + shown(text.substr(at, 1)) + ": write the host name alone, without path or user");
  if (text.find_first_of(" \t\r\n") != text.npos) return wrong(written, "holds white space: one name per entry");

  DomainEntry entry{DomainForm::contains, {}, 0};
  if (std::size_t colon = text.rfind(':'); colon != text.npos) {
    std::string_view digits = text.substr(colon + 1);
    unsigned port = 0;
    for (char c : digits)
      port = c >= '0' && c <= '9' && port <= 65535 ? port * 10 + static_cast<unsigned>(c - '0') : 70000;
    if (digits.empty() || port < 1 || port > 65535)
      return wrong(written, "ends in " + shown(":" + std::string(digits)) + ": a port is a number from 1 to 65535");
    entry.port = static_cast<std::uint16_t>(port);
    text = text.substr(0, colon);
    if (text.empty()) return wrong(written, "has a port and no name: write `=name:" + std::string(digits) + "`");
  }

  if (text.front() == '=') {
    entry.form = DomainForm::exact;
    text.remove_prefix(1);
    if (text.find('*') != text.npos) return wrong(written, "has both `=` and `*`: `=` means exactly this name");
  } else if (text.front() == '*') {
    entry.form = DomainForm::ends_with;
    text.remove_prefix(1);
    if (!text.empty() && text.back() == '*')
      return wrong(written, "has a wildcard at both ends: without any it already means `contains`");
  } else if (text.back() == '*') {
    entry.form = DomainForm::starts_with;
    text.remove_suffix(1);
  }
  if (text.find('=') != text.npos) return wrong(written, "holds `=` inside: it stands first, for exactly this name");
  if (text.empty() || text == ".")
    return wrong(written, "meets every name: set `action` to `grant` instead, or write a name such as `*.example.com`");
  if (text.find('*') != text.npos)
    return wrong(written, "has a wildcard inside: `*` may stand first (`*.example.com`) or last (`example.*`) only");

  // A dot at the border of a wildcard is part of the pattern; a trailing dot elsewhere is DNS notation.
  bool dot_before = entry.form == DomainForm::ends_with && text.front() == '.';
  bool dot_behind = entry.form == DomainForm::starts_with && text.back() == '.';
  std::string_view body = text.substr(dot_before);
  if (dot_behind) body.remove_suffix(1);
  HostName name;
  if (!normalise_host(body, name))
    return wrong(written, "is no host name: letters, digits, `-`, `_` and dots, at most 253 bytes");
  for (char c : name.view())
    if (!is_name_byte(c)) return wrong(written, "holds a byte that no host name has");
  std::string_view labels = name.view();
  if (labels.empty() || labels.find("..") != labels.npos ||
      (labels.front() == '.' && !dot_before && entry.form == DomainForm::exact))
    return wrong(written, "has an empty label: write one dot between labels");
  std::size_t label = 0;
  for (char c : labels) {
    label = c == '.' ? 0 : label + 1;
    if (label > 63) return wrong(written, "has a label of more than 63 bytes");
  }
  entry.text = (dot_before ? "." : "") + std::string(labels) + (dot_behind ? "." : "");
  if (entry.text.size() > 253) return wrong(written, "is longer than a host name can be (253 bytes)");
  return entry;
}

const DomainItem* DomainMatcher::probe(std::uint64_t hash, DomainForm form, std::string_view text, std::uint16_t port,
                                       bool stated) const noexcept {
  HashIndex index(array_at<HashSlot>(blob_, table_.slots), table_.slots.count);
  const auto* items = array_at<DomainItem>(blob_, table_.items);
  for (std::uint32_t i = index.first(finish(hash, form)); i != kNoItem; i = items[i].next) {
    const DomainItem& item = items[i];
    if (item.form != form || std::string_view(blob_ + item.text, item.size) != text) continue;
    if (stated ? item.port == port : item.port == 0 || port == 0 || item.port == port) return &item;
  }
  return nullptr;
}

const DomainItem* DomainMatcher::search(std::string_view name, std::uint16_t port, bool stated) const noexcept {
  if (table_.items.count == 0 || name.empty() || name.size() > 255) return nullptr;
  const std::size_t size = name.size();

  // One pass from the end: the hash of every suffix; the longest ends-with entry wins, the exact one above all.
  const std::uint64_t* ends = table_.lengths[static_cast<int>(DomainForm::ends_with)];
  const std::uint64_t* borders = table_.border_lengths;
  const DomainItem* found = nullptr;
  const bool exact_here = has_bit(table_.lengths[static_cast<int>(DomainForm::exact)], size);
  if (exact_here || any(ends) || any(borders)) {
    const std::size_t longest = exact_here ? size : std::min(size, std::max(highest(ends), highest(borders)));
    std::uint64_t h = kStart;
    for (std::size_t n = 1; n <= longest; ++n) {
      const char c = name[size - n];
      h = step(h, c);
      if (has_bit(c == '.' ? borders : ends, n))
        if (const DomainItem* item = probe(h, DomainForm::ends_with, name.substr(size - n), port, stated)) found = item;
    }
    if (exact_here)
      if (const DomainItem* item = probe(h, DomainForm::exact, name, port, stated)) return item;
    if (found) return found;
  }

  const std::uint64_t* starts = table_.lengths[static_cast<int>(DomainForm::starts_with)];
  if (any(starts)) {
    std::uint64_t h = kStart;
    for (std::size_t n = 1; n <= size; ++n) {
      h = step(h, name[n - 1]);
      if (has_bit(starts, n))
        if (const DomainItem* item = probe(h, DomainForm::starts_with, name.substr(0, n), port, stated)) found = item;
    }
    if (found) return found;
  }

  const std::uint64_t* inside = table_.lengths[static_cast<int>(DomainForm::contains)];
  if (!any(inside)) return nullptr;
  const std::size_t longest = highest(inside);
  const bool single = has_bit(inside, 1);
  for (std::size_t from = 0; from < size; ++from) {
    if (!single && (from + 1 >= size || !has_bit(table_.pairs, pair_bit(name[from], name[from + 1])))) continue;
    std::uint64_t h = kStart;
    for (std::size_t n = 1; n <= longest && from + n <= size; ++n) {
      h = step(h, name[from + n - 1]);
      if (!has_bit(inside, n)) continue;
      const DomainItem* item = probe(h, DomainForm::contains, name.substr(from, n), port, stated);
      if (item && (!found || item->size > found->size)) found = item;
    }
  }
  return found;
}

const DomainItem* DomainMatcher::match(std::string_view name, std::uint16_t port) const noexcept {
  return search(name, port, false);
}
const DomainItem* DomainMatcher::match_with_port(std::string_view name, std::uint16_t port) const noexcept {
  return search(name, port, true);
}

DomainTable write_domains(BlobWriter& blob, const std::vector<DomainEntryWithRule>& entries) {
  DomainTable table{};
  std::vector<DomainItem> items;
  HashIndexBuilder index(entries.size());
  for (const auto& [entry, rule] : entries) {
    auto number = static_cast<std::uint32_t>(items.size());
    items.push_back({blob.text(entry.text),
                     kNoItem,
                     rule,
                     static_cast<std::uint16_t>(entry.text.size()),
                     entry.port,
                     entry.form,
                     {}});
    index.add(hash_entry(entry.form, entry.text), number,
              [&](std::uint32_t before, std::uint32_t item) { items[before].next = item; });
    bool border = entry.form == DomainForm::ends_with && entry.text.starts_with('.');
    set_bit(border ? table.border_lengths : table.lengths[static_cast<int>(entry.form)], entry.text.size());
    if (entry.form == DomainForm::contains && entry.text.size() > 1)
      set_bit(table.pairs, pair_bit(entry.text[0], entry.text[1]));
  }
  table.items = blob.array(items);
  table.slots = blob.array(index.slots());
  return table;
}

bool valid_domains(std::string_view blob, const DomainTable& table) {
  if (!array_in_bounds<DomainItem>(blob, table.items) || !valid_slots(blob, table.slots, table.items.count))
    return false;
  const auto* items = array_at<DomainItem>(blob.data(), table.items);
  for (std::uint32_t i = 0; i < table.items.count; ++i) {
    if (!text_in_bounds(blob, items[i].text, items[i].size)) return false;
    if (items[i].next != kNoItem && (items[i].next <= i || items[i].next >= table.items.count)) return false;
    if (static_cast<std::uint8_t>(items[i].form) > 3) return false;
  }
  return true;
}

}  // namespace ap
