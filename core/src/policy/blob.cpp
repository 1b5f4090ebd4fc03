// SPDX-License-Identifier: Apache-2.0
#include "policy/blob.hpp"

#include "base/hash128.hpp"
#include "match/blob_writer.hpp"
#include "policy/model.hpp"

namespace ap {
namespace {

Error refuse(const char* what) {
  return {ErrorCode::blob_invalid, std::string("sealed policy: ") + what};
}

bool valid_texts(std::string_view blob, const PolicyHeader& h) {
  for (Range range : {h.name, h.summary, h.program_path})
    if (!text_in_bounds(blob, range.offset, range.count)) return false;
  if (!array_in_bounds<Range>(blob, h.rules) || h.rules.count < rule_first_of_document) return false;
  const auto* rules = array_at<Range>(blob.data(), h.rules);
  for (std::uint32_t i = 0; i < h.rules.count; ++i)
    if (!text_in_bounds(blob, rules[i].offset, rules[i].count)) return false;
  return true;
}

bool valid_items(std::string_view blob, const PolicyHeader& h) {
  if (!array_in_bounds<DirectoryItem>(blob, h.directories) ||
      !array_in_bounds<ProtectedItem>(blob, h.protected_trees) || !array_in_bounds<CommandItem>(blob, h.commands))
    return false;
  const auto* directories = array_at<DirectoryItem>(blob.data(), h.directories);
  for (std::uint32_t i = 0; i < h.directories.count; ++i)
    if (!text_in_bounds(blob, directories[i].text, directories[i].size) ||
        static_cast<std::uint8_t>(directories[i].place) > 1)
      return false;
  const auto* trees = array_at<ProtectedItem>(blob.data(), h.protected_trees);
  for (std::uint32_t i = 0; i < h.protected_trees.count; ++i)
    if (!text_in_bounds(blob, trees[i].text, trees[i].size) || trees[i].next_denied < i ||
        trees[i].next_denied > h.protected_trees.count || trees[i].action > AP_DENY)
      return false;
  const auto* commands = array_at<CommandItem>(blob.data(), h.commands);
  for (std::uint32_t i = 0; i < h.commands.count; ++i)
    if (!text_in_bounds(blob, commands[i].text, commands[i].size) || commands[i].action > AP_DENY) return false;
  return true;
}

bool valid_codes(const PolicyHeader& h) {
  for (std::uint8_t action : {h.outbound, h.local, h.child, h.unguarded, h.native, h.files_worst})
    if (action > AP_DENY) return false;
  for (const auto& place : h.places)
    if (place[0] > AP_DENY || place[1] > AP_DENY) return false;
  return h.on_deny <= AP_ON_DENY_TERMINATE && h.provider_level <= static_cast<int>(ProviderLevel::all);
}

}  // namespace

Result<BlobView> BlobView::open(std::string_view bytes) {
  if (bytes.size() < sizeof(PolicyHeader)) return refuse("shorter than its header");
  if (reinterpret_cast<std::uintptr_t>(bytes.data()) % alignof(PolicyHeader) != 0)
    return refuse("not aligned to 8 bytes");
  BlobView view(bytes.data());
  const PolicyHeader& h = view.header();
  if (h.magic != kBlobMagic) return refuse("not one at all (magic)");
  if (h.version != kBlobVersion) return refuse("of another version of this library");
  if (h.size != bytes.size()) return refuse("of another size than it says");
  Hash128 hash = hash128(bytes.substr(offsetof(PolicyHeader, policy_version)));
  if (hash.low != h.hash[0] || hash.high != h.hash[1]) return refuse("damaged (hash)");
  if (!valid_codes(h) || !valid_texts(bytes, h) || !valid_items(bytes, h)) return refuse("damaged (structure)");
  for (const DomainTable* table :
       {&h.allowed_names, &h.platform_names, &h.local_names, &h.provider_names, &h.strict_names})
    if (!valid_domains(bytes, *table)) return refuse("damaged (names)");
  for (const AddressTable* table : {&h.allowed_addresses, &h.platform_addresses})
    if (!valid_addresses(bytes, *table)) return refuse("damaged (addresses)");
  if (!valid_paths(bytes, h.paths)) return refuse("damaged (paths)");
  return view;
}

std::string_view BlobView::rule_text(std::uint32_t rule) const noexcept {
  Range rules = header().rules;
  return rule < rules.count ? text(items<Range>(rules)[rule]) : std::string_view();
}

}  // namespace ap
