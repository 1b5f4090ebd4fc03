// SPDX-License-Identifier: Apache-2.0
//
// Policy: one policy group as parsed, every default filled in. Made by parse_policy(), turned into the sealed form by
// compile(). Plain values; the words of the document (design: docs/policy.md).
#pragma once
#include <app_protect/api.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "match/address.hpp"
#include "match/domain.hpp"

namespace ap {

enum class Action : std::uint8_t { grant = AP_GRANT, observe = AP_OBSERVE, deny = AP_DENY };
enum class OnDeny : std::uint8_t {
  raise = AP_ON_DENY_RAISE,
  block = AP_ON_DENY_BLOCK,
  terminate = AP_ON_DENY_TERMINATE
};
enum class ProviderLevel : std::uint8_t { off, strict, services, all };

std::string_view name_of(Action action);
std::string_view name_of(OnDeny on_deny);
std::string_view name_of(ProviderLevel level);

struct Directions {
  Action read = Action::grant, write = Action::grant;
};

// One entry of outbound.allowed_domains: a name or an address.
struct AllowedEntry {
  std::string text;   // as written
  std::string place;  // "outbound.allowed_domains[2]"
  bool is_address = false;
  DomainEntry domain{};
  AddressEntry address{};
};

struct PathRule {
  std::string pattern, place;
  std::optional<Action> read, write;  // at least one; a direction it is silent about goes on to the next rule
};

struct CommandRule {
  std::string pattern, place;
  Action action = Action::grant;
};

struct Policy {
  std::string name;           // as written; empty where the document has none
  std::int32_t version = -1;  // -1 = none
  std::string description;

  Action outbound = Action::grant;
  Action local = Action::grant;
  ProviderLevel provider = ProviderLevel::off;
  std::vector<AllowedEntry> allowed;

  Directions tmp, application, elsewhere;
  std::vector<PathRule> path_rules;

  Action child = Action::grant;
  std::vector<CommandRule> command_rules;
  Action unguarded = Action::grant;
  Action native = Action::grant;
  Action implied = Action::grant;  // what unguarded and native are when the document does not say

  OnDeny on_deny = OnDeny::raise;

  bool denies() const;  // any dimension or rule refuses something
};

// Effective values in the start-up line's words: "outbound deny, tmp rw grant/observe, app rw grant/deny, child deny",
// and elsewhere, unguarded, native, local where they are not what a missing key means.
std::string summary(const Policy& policy);

}  // namespace ap
