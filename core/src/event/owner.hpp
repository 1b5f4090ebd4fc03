// SPDX-License-Identifier: Apache-2.0
//
// The owner: the process that sealed the policy. Under on_deny "terminate" a child that is refused something ends it
// too; under "block" it fails the owner's invocation.
#pragma once
#include <cstdint>

#include "guard/settings.hpp"

namespace ap::event {

// Field 22 of /proc/<pid>/stat: when the process began, in clock ticks since boot. 0 when there is no such process.
std::uint64_t start_ticks(std::int32_t pid) noexcept;

// Kills the owner unless the caller is it. The owner is held by a pidfd and its start time compared before the signal,
// so that a process which got a recycled number is not hit.
void end_owner() noexcept;

// A file without a name that holds the owner's flag; its descriptor stays open, for children that were executed to find
// it by (forked ones share the mapping). fd -1 where that is not possible.
Sink make_flag_file() noexcept;

// Sets the flag of the owner, in a child that was executed.
void set_flag_of_owner() noexcept;

}  // namespace ap::event
