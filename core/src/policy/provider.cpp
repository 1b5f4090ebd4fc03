// SPDX-License-Identifier: Apache-2.0
#include "policy/provider.hpp"

#include "base/json.hpp"
#include "policy/blob.hpp"
#include "policy/embedded.hpp"

namespace ap {
namespace {

using json::Value;

std::string_view document(std::string_view name) {
  for (const embedded::File& file : embedded::providers)
    if (file.name == name) return file.text;
  return {};
}

// `=x`, `*.x`: the tables hold no other forms, and {r} keeps them out of parse_domain_entry.
DomainEntry entry_of(std::string_view text) {
  bool exact = text.starts_with('=');
  return {exact ? DomainForm::exact : DomainForm::ends_with, std::string(text.substr(1)), 0};
}

void add(const Value* list, std::uint32_t rule, std::vector<DomainEntryWithRule>& out) {
  if (!list) return;
  for (const Value& item : list->items)
    if (!item.text.empty()) out.push_back({entry_of(item.text), rule});
}

// Of equal entries the first is met: tenant before services, so that its tag survives.
void add_classes(const Value& partition, std::vector<DomainEntryWithRule>& out) {
  add(partition.find("tenant"), static_cast<std::uint32_t>(ProviderClass::tenant), out);
  add(partition.find("hosting"), static_cast<std::uint32_t>(ProviderClass::hosting), out);
  add(partition.find("services"), static_cast<std::uint32_t>(ProviderClass::front), out);
}

void add_aws_strict(const Value& partition, const Surroundings& here, std::vector<DomainEntryWithRule>& out) {
  Result<Value> data = json::parse(document("aws.strict"));
  if (!data || here.region.empty()) return;
  const Value* suffixes = partition.find("suffixes");
  auto regional = [&](const Value* labels, const std::string& before) {
    if (!labels || !suffixes) return;
    for (const Value& label : labels->items)
      for (const Value& suffix : suffixes->items)
        out.push_back({{DomainForm::exact, before + label.text + "." + here.region + "." + suffix.text, 0}, 0});
  };
  regional(data->find("labels"), "");
  if (!here.account.empty()) regional(data->find("account_labels"), here.account + ".");
  if (const Value* hosts = data->find("hosts"))
    for (const Value& host : hosts->items) out.push_back({{DomainForm::exact, host.text, 0}, 0});
}

bool is_direction(std::string_view word) noexcept {
  for (std::string_view d :
       {"north", "south", "east", "west", "central", "northeast", "northwest", "southeast", "southwest"})
    if (word == d) return true;
  return false;
}

// Bytes at the end of `label` that are a region ("eu-west-1", "us-gov-east-1"); 0 when there is none.
std::size_t region_at_end(std::string_view label) noexcept {
  std::size_t size = label.size();
  if (size < 9 || label[size - 1] < '0' || label[size - 1] > '9' || label[size - 2] != '-') return 0;
  std::size_t word_end = size - 2, word = label.rfind('-', word_end - 1);
  if (word == label.npos || !is_direction(label.substr(word + 1, word_end - word - 1))) return 0;
  // In front of the direction: two to four letters, then perhaps a word (gov, iso, isob, de).
  auto letters = [&](std::size_t end) {
    std::size_t n = 0;
    while (n < end && label[end - 1 - n] >= 'a' && label[end - 1 - n] <= 'z') ++n;
    return n;
  };
  std::size_t end = word, first = letters(end);
  if (first < 2 || first > 4) return 0;
  std::size_t begin = end - first;
  if (begin > 1 && label[begin - 1] == '-') {
    std::string_view middle = label.substr(begin, first);
    bool part = middle == "gov" || middle.starts_with("iso") || middle == "de";
    std::size_t before = letters(begin - 1);
    if (part && before >= 2 && before <= 4) begin -= before + 1;
  }
  if (begin > 0 && label[begin - 1] != '-') return 0;
  return size - begin;
}

}  // namespace

ProviderTables provider_tables(const Surroundings& here, ProviderLevel level) {
  ProviderTables tables;
  if (level == ProviderLevel::off || here.provider.empty()) return tables;
  std::string_view text = document(here.provider);
  if (text.empty()) return tables;
  Result<Value> data = json::parse(text);
  if (!data) return tables;
  if (const Value* flag = data->find("metadata_reachable")) tables.metadata_reachable = flag->flag;
  const Value* partitions = data->find("partitions");
  const Value* own = nullptr;
  std::size_t own_size = 0;
  for (const Value& partition : partitions->items) {
    const Value* prefix = partition.find("regions");
    if (here.region.starts_with(prefix->text) && (!own || prefix->text.size() > own_size)) {
      own = &partition;
      own_size = prefix->text.size();
    }
    // `all` is every partition, as the yes of old was.
    if (level == ProviderLevel::all) add_classes(partition, tables.classes);
  }
  if (!own || level == ProviderLevel::all) return tables;
  add_classes(*own, tables.classes);
  if (level == ProviderLevel::strict) {
    if (here.provider == "aws")
      add_aws_strict(*own, here, tables.strict);
    else
      add(own->find("strict"), 0, tables.strict);
  }
  return tables;
}

bool region_form(std::string_view name, HostName& out) noexcept {
  out.clear();
  std::size_t label = 0, copied = 0;
  for (std::size_t i = 0; i <= name.size(); ++i) {
    if (i < name.size() && name[i] != '.') continue;
    if (std::size_t region = region_at_end(name.substr(label, i - label))) {
      out.append(name.substr(copied, i - region - copied));
      out.append("{r}");
      copied = i;
    }
    label = i + 1;
  }
  out.append(name.substr(copied));
  return !out.overflowed();
}

}  // namespace ap
