// SPDX-License-Identifier: Apache-2.0
//
// parse_policy: JSON text -> Policy, or every wrong entry with its place. A policy is valid as a whole or not at all.
//
//   ParsedPolicy parsed = parse_policy(text);
//   if (!parsed.valid()) print(to_text(parsed.diagnostics));   // "outbound.allowed_domains[2]: `api.*.com` has a
//   wildcard inside: ..." else use(parsed.policy);
//
// Input forms: action words grant|observe|deny, off|report|mitigate, allow|alert|block in any case, and false (YAML's
// `off`); "tmp": "deny" for both directions; "outbound": "deny" for {"action": "deny"}; true/false for
// allow_cloud_provider; allowed_domains as a list or a comma-separated text. At most 4 MB of text, 64 levels.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "policy/model.hpp"

namespace ap {

struct Diagnostic {
  enum class Severity : std::uint8_t { error, warning };
  Severity severity;
  std::string place;    // "outbound.allowed_domains[2]"; "line 3, column 7" where the text is no JSON
  std::string message;  // what is wrong and what to write instead
};

struct ParsedPolicy {
  Policy policy;                        // meaningful when valid()
  std::vector<Diagnostic> diagnostics;  // errors, in the order of the document; no warnings (see lint.hpp)
  bool valid() const { return diagnostics.empty(); }
};

ParsedPolicy parse_policy(std::string_view json);

// One per line, "place: message", errors first; warnings begin with "warning: " behind the place.
std::string to_text(const std::vector<Diagnostic>& diagnostics);

// The candidate that is nearest to `word` (edits and exchanged neighbours, at most a third of its length); empty when
// none is near.
std::string_view nearest_name(std::string_view word, const std::vector<std::string_view>& candidates);

}  // namespace ap
