// SPDX-License-Identifier: Apache-2.0
//
// Provider names: which hosts belong to the cloud that the function runs on, and who can own a name there (reference:
// docs/policy.md). Data lies in providers/*.json; here it becomes entries for the sealed policy, and a host name
// becomes the form they are kept in.
//
//   RegionName name;
//   region_form("bucket.s3.eu-west-1.amazonaws.com", name);   // "bucket.s3.{r}.amazonaws.com"
#pragma once
#include <string_view>
#include <vector>

#include "match/domain.hpp"
#include "match/idna.hpp"
#include "policy/model.hpp"
#include "policy/surroundings.hpp"

namespace ap {

struct ProviderTables {
  std::vector<DomainEntryWithRule> classes;  // with {r}; rule = ProviderClass
  std::vector<DomainEntryWithRule> strict;   // level strict: hosts that are open; rule 0
  bool metadata_reachable = false;
};

// Empty tables for an unknown provider and for level off.
ProviderTables provider_tables(const Surroundings& surroundings, ProviderLevel level);

// Copies `name` with each region replaced by {r}; false when it does not fit. No allocation.
bool region_form(std::string_view name, HostName& out) noexcept;

}  // namespace ap
