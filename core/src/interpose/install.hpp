// SPDX-License-Identifier: Apache-2.0
//
// Line 2's front door. Used by the agent after the policy is sealed, and by a handed-over child's constructor.
//
//   auto hooked = interpose::install(needs() & ~disabled);   // once, before any user code
//   interpose::user_code_begins();                           // from now on a fork is an operation
#pragma once
#include <cstddef>
#include <cstdint>

#include "base/result.hpp"

namespace ap::interpose {

// Where a handed-over child finds libc as its parent has prepared it (prepared_libc.hpp).
struct Prepared {
  int fd = -1;
  std::uint64_t offset = 0;
};

// Installs the hooks of the dimensions in `needs` (ap_need bits); with none of them nothing is touched. Idempotent: a
// later call changes nothing. Not to be called from two threads at once; other threads may run anything meanwhile. An
// error means that a hook which enforcement rests on is missing; single functions that could only be redirected are
// agent_health events.
Result<bool> install(std::uint32_t needs, const Prepared& prepared = {});

struct InstallReport {
  std::uint32_t patched = 0;     // functions whose entry leads to us
  std::uint32_t redirected = 0;  // functions whose callers' GOT entries do (calls from inside libc are not seen)
  std::uint32_t missing = 0;     // functions that this libc does not have
  std::uint32_t failed = 0;
  char trouble[256] = {};  // "open64: unknown instruction in its prologue; ..." of what is not patched
};
const InstallReport& install_report() noexcept;

// Puts back what is missing of the patches; returns how many were.
std::size_t repair() noexcept;

// A fork from now on is an operation of the user's.
void user_code_begins() noexcept;

// A handed-over child: takes the policy and the sinks that its parent passed, installs the hooks, removes the traces
// from `environment`. Returns at once in any other process. Ends the process when the policy denies anything and cannot
// be taken.
void enter_child(char** environment) noexcept;

}  // namespace ap::interpose
