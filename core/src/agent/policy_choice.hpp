// SPDX-License-Identifier: Apache-2.0
//
// Which policy applies. First hit wins: TREND_AP_POLICY, TREND_AP_POLICY_FILE (a file, or a folder with <group>.json),
// app_protect.json in the task root, the console, the built-in group of ES_POLICY_GROUP_NAME, observeAll.ability.
//
// A policy that is named but cannot be used is an error: the function must not start on another one. A group that is
// not to be had is a warning and the default group, or, under TREND_AP_FAIL_CLOSED, an error.
#pragma once
#include <string>
#include <vector>

#include "agent/configuration.hpp"
#include "base/result.hpp"
#include "control/policy_source.hpp"
#include "policy/model.hpp"

namespace ap::agent {

struct PolicyChoice {
  Policy policy;       // valid, with a name
  std::string source;  // "app_protect.json", "TREND_AP_POLICY", "built-in group", as the start-up line says it
  std::vector<std::string> warnings;
  std::string health;  // text of an agent_health event "policy_unavailable"; empty = none
};

Result<PolicyChoice> choose_policy(const FinalConfig& config, const Places& places, control::PolicySource& console);

}  // namespace ap::agent
