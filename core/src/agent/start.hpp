// SPDX-License-Identifier: Apache-2.0
//
// start: from the environment to a sealed, enforced policy, once per process.
//
// Order: switch, configuration, secrets wiped, sinks, policy, compile, seal, line 2, one start-up line. What can fail
// does so before the seal, with a message that says what, where and what to do.
#pragma once
#include <app_protect/api.h>

#include <string>
#include <vector>

namespace ap::agent {

// ap_start_result; `message` is set for AP_FAILED.
int start(const ap_start_options& options, std::string& message);

// Which hooks the host language has to install: the policy's needs without what TREND_AP_PLUGINS_* switched off.
std::uint32_t needs() noexcept;

// The status call's JSON object.
std::string status();

}  // namespace ap::agent
