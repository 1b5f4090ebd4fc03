// SPDX-License-Identifier: Apache-2.0
//
// Domain entries of a policy: the grammar, and the matcher that runs on the sealed form.
//
//   no wildcard   contains            stripe        meets stripe.com, m.stripe.com (and stripe.evil.example)
//   *.x, *x       ends with           *.example.com meets a.example.com, not example.com
//   x.*, x*       starts with         lambda.*      meets lambda.eu-west-1.amazonaws.com
//   =x            is exactly          =api.stripe.com
//   :port after any form              =db.internal:5432
//
// Names are compared as normalise_host() leaves them. A look-up costs one pass over the name whatever the number of
// entries (a hash per suffix, probed only where an entry of that length exists); `contains` entries add a pass per
// starting byte.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "match/hash_index.hpp"

namespace ap {

enum class DomainForm : std::uint8_t { contains = 0, ends_with = 1, starts_with = 2, exact = 3 };

// One entry as parsed. `text` is normalised and holds no wildcard: ".example.com" for `*.example.com`.
struct DomainEntry {
  DomainForm form;
  std::string text;
  std::uint16_t port = 0;  // 0 = every port
};

// Parses an entry that is not an address (see parse_address_entry). The message says what is wrong and what to write
// instead.
Result<DomainEntry> parse_domain_entry(std::string_view text);

// --- sealed form ---

struct DomainItem {
  std::uint32_t text;  // offset of the entry's text
  std::uint32_t next;  // chain of equal hashes
  std::uint32_t rule;  // what the caller attached
  std::uint16_t size, port;
  DomainForm form;
  std::uint8_t unused[3];
};

struct DomainTable {
  Range slots, items;
  // Which lengths occur, per form: bit n of word n/64. Entries are at most 255 bytes.
  std::uint64_t lengths[4][4];
  std::uint64_t border_lengths[4];  // ends-with entries that begin with a dot; the others are in lengths
  std::uint64_t pairs[16];          // `contains`: first two bytes that occur, hashed to 1,024 bits
};

class DomainMatcher {
 public:
  DomainMatcher(const char* blob, const DomainTable& table) noexcept : blob_(blob), table_(table) {}
  // The entry that meets `name` (normalised) on `port` (0 = any port will do): exact before ends-with before
  // starts-with before contains, longer before shorter, then the first written. nullptr when none does.
  const DomainItem* match(std::string_view name, std::uint16_t port) const noexcept;
  // Only entries that state this very port.
  const DomainItem* match_with_port(std::string_view name, std::uint16_t port) const noexcept;

 private:
  const DomainItem* probe(std::uint64_t hash, DomainForm form, std::string_view text, std::uint16_t port,
                          bool stated) const noexcept;
  const DomainItem* search(std::string_view name, std::uint16_t port, bool stated) const noexcept;

  const char* blob_;
  const DomainTable& table_;
};

// Writer's half: `blob` grows by the table's arrays and texts.
struct DomainEntryWithRule {
  DomainEntry entry;
  std::uint32_t rule;
};
class BlobWriter;
DomainTable write_domains(BlobWriter& blob, const std::vector<DomainEntryWithRule>& entries);
// Every offset in bounds, every chain rising, an empty slot: what DomainMatcher relies on.
bool valid_domains(std::string_view blob, const DomainTable& table);

}  // namespace ap
