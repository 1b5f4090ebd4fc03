// SPDX-License-Identifier: Apache-2.0
//
// The sealed form of a policy: one run of bytes that is compiled once, checked once, and then read in place by every
// thread, fork and child, at whatever address it lies. Offsets only, 8-byte aligned, native byte order (it never leaves
// the machine).
//
//   Result<BlobView> policy = BlobView::open(bytes);      // proves every offset, chain and code
//   if (policy->header().needs & AP_NEED_FILES) ...
//
// INVARIANT: whatever the bytes are, open() either refuses them or no later read leaves them and no look-up runs
// without end.
#pragma once
#include <app_protect/api.h>

#include <cstdint>
#include <string_view>

#include "base/result.hpp"
#include "match/address.hpp"
#include "match/domain.hpp"
#include "match/path.hpp"

namespace ap {

constexpr std::uint64_t kBlobMagic = 0x31594c4f50505041ull;  // "APPPOLY1"
constexpr std::uint32_t kBlobVersion = 1;

// Ids of rules that every policy has; ids of entries and rules of the document follow.
enum RuleId : std::uint32_t {
  rule_none = 0,
  rule_outbound_action,
  rule_outbound_local,
  rule_outbound_provider,
  rule_outbound_platform,  // an end point of the platform, from a variable or resolv.conf
  rule_outbound_metadata,  // instance metadata
  rule_outbound_answer,    // a name that answers loopback, link-local, ...
  rule_outbound_dns,       // port 53 or 853 of something that is not the resolver
  rule_tmp_read,
  rule_tmp_write,
  rule_application_read,
  rule_application_write,
  rule_elsewhere_read,
  rule_elsewhere_write,
  rule_files_runtime,  // the runtime's own needs
  rule_files_own,      // our log and cache
  rule_files_path,     // a path that cannot be judged
  rule_child_action,
  rule_child_unguarded,
  rule_native,
  rule_first_of_document,
};

// What kind of host a provider's name is; the rule of a DomainItem in `provider_names`.
enum class ProviderClass : std::uint32_t { front = 0, tenant = 1, hosting = 2 };

// A directory tree with a place of its own.
enum class Place : std::uint8_t { tmp = 0, application = 1, elsewhere = 2 };
struct DirectoryItem {
  std::uint32_t text;
  std::uint16_t size;
  Place place;
  std::uint8_t unused;
};

// A tree that something refuses or observes: renaming a directory above it would move it out from under its rule.
// Sorted by text; `next_denied` is the first item from here on (itself included) whose action is deny, or the count.
struct ProtectedItem {
  std::uint32_t text, rule, next_denied;
  std::uint16_t size;
  std::uint8_t action;
  std::uint8_t policy;  // ap_event_policy
};

struct CommandItem {
  std::uint32_t text, rule;
  std::uint16_t size;
  std::uint8_t action;
  std::uint8_t unused;
};

struct PolicyHeader {
  std::uint64_t magic;
  std::uint32_t version, size;  // layout version; bytes in all
  std::uint64_t hash[2];        // hash128 of everything behind this member

  std::int32_t policy_version;
  std::uint8_t on_deny;
  std::uint8_t needs;                                      // ap_need bits
  std::uint8_t denies;                                     // anything is refused at all
  std::uint8_t provider_level;                             // ProviderLevel; off also where the provider is not known
  std::uint8_t outbound, local, child, unguarded, native;  // ap_action
  std::uint8_t
      metadata_reachable;     // the provider's credentials come from its metadata service, and the provider is allowed
  std::uint8_t places[3][2];  // ap_action by Place, read and write
  std::uint8_t files_worst;   // the severest action that any file operation can meet
  std::uint8_t unused[3];

  Range name, summary;
  DomainTable allowed_names;  // outbound.allowed_domains
  AddressTable allowed_addresses;
  DomainTable platform_names;  // end points of the platform and the console
  AddressTable platform_addresses;
  DomainTable local_names;     // localhost and its like
  DomainTable provider_names;  // with {r} for a region; rule = ProviderClass
  DomainTable strict_names;    // level strict: the API hosts of the own region
  PathTable paths;
  Range directories;      // DirectoryItem
  Range protected_trees;  // ProtectedItem
  Range commands;         // CommandItem, in the order of the document
  Range program_path;     // text: PATH as it was before user code
  Range rules;            // of Range: text of each rule id
};

class BlobView {
 public:
  // Checks all of it: cost grows with its size (about 1 ms per MB). The bytes must stay where they are and unchanged.
  static Result<BlobView> open(std::string_view bytes);

  const PolicyHeader& header() const noexcept { return *reinterpret_cast<const PolicyHeader*>(data_); }
  const char* data() const noexcept { return data_; }
  std::string_view bytes() const noexcept { return {data_, header().size}; }
  std::string_view text(Range range) const noexcept { return {data_ + range.offset, range.count}; }
  std::string_view text(std::uint32_t offset, std::uint32_t size) const noexcept { return {data_ + offset, size}; }
  std::string_view name() const noexcept { return text(header().name); }        // as printed: lower case
  std::string_view summary() const noexcept { return text(header().summary); }  // the start-up line's words
  std::string_view rule_text(std::uint32_t rule) const noexcept;                // empty for an id it does not have

  DomainMatcher allowed_names() const noexcept { return {data_, header().allowed_names}; }
  AddressMatcher allowed_addresses() const noexcept { return {data_, header().allowed_addresses}; }
  DomainMatcher platform_names() const noexcept { return {data_, header().platform_names}; }
  AddressMatcher platform_addresses() const noexcept { return {data_, header().platform_addresses}; }
  DomainMatcher local_names() const noexcept { return {data_, header().local_names}; }
  DomainMatcher provider_names() const noexcept { return {data_, header().provider_names}; }
  DomainMatcher strict_names() const noexcept { return {data_, header().strict_names}; }
  PathMatcher paths() const noexcept { return {data_, header().paths}; }
  template <typename T>
  const T* items(Range range) const noexcept {
    return reinterpret_cast<const T*>(data_ + range.offset);
  }

 private:
  explicit BlobView(const char* data) noexcept : data_(data) {}
  const char* data_;
};

}  // namespace ap
