// SPDX-License-Identifier: Apache-2.0
//
// The agent's use of line 2 (core/src/interpose): one place that knows its names.
#pragma once
#include <cstdint>

#include "base/result.hpp"

namespace ap::agent {

// Installs what `needs` asks for; nothing when it is 0 or line 2 is switched off. The error says which hook is missing.
Result<bool> install_line2(std::uint32_t needs, bool switched_off);

// User code begins: a fork from now on is an operation.
void tell_line2_handler_loading() noexcept;

// Replaces this process by argv[0] under the sealed policy. Returns errno.
int run_under_line2(char* const* argv) noexcept;

}  // namespace ap::agent
