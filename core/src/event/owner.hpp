// SPDX-License-Identifier: Apache-2.0
//
// The owner: the process that sealed the policy. Under on_deny "terminate" a child that is refused something ends it
// too.
#pragma once
#include <cstdint>

namespace ap::event {

// Field 22 of /proc/<pid>/stat: when the process began, in clock ticks since boot. 0 when there is no such process.
std::uint64_t start_ticks(std::int32_t pid) noexcept;

// Kills the owner unless the caller is it. The owner is held by a pidfd and its start time compared before the signal,
// so that a process which got a recycled number is not hit.
void end_owner() noexcept;

}  // namespace ap::event
