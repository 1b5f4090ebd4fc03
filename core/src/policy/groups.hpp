// SPDX-License-Identifier: Apache-2.0
//
// Group names, and the groups that are built in (core/src/policy/groups/*.json, embedded at build).
//
//   if (std::string_view json = built_in_group("ObserveAll"); !json.empty()) parse_policy(json);
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace ap {

constexpr std::string_view kDefaultGroup = "observeall.ability";

// Lower case, without the suffix `.ability`: two names of one group are equal here.
std::string group_key(std::string_view name);
// As events and the start-up line print it: lower case.
std::string group_print(std::string_view name);

// JSON text of the built-in group of that name (any case, with or without the suffix); empty when there is none.
std::string_view built_in_group(std::string_view name);
std::vector<std::string_view> built_in_group_names();  // "observeAll.ability", ...

}  // namespace ap
