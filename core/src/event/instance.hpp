// SPDX-License-Identifier: Apache-2.0
//
// Instance: who is writing. A random, time-ordered id for each process of ours (RFC 9562 version 7, 32 hex digits) and
// the gapless numbers of its lines: a number that is missing from a log is a line that was lost.
//
// A forked child is another instance. It is told by line 2 (after_fork) or finds out for itself: the flag lives in a
// page that the kernel zeroes in the child of fork, but not in one that shares its parent's memory (vfork, CLONE_VM),
// which keeps the parent's instance.
#pragma once
#include <cstdint>
#include <string_view>

namespace ap::event {

// True in a process that has not called begin_instance() yet: at start, and in a forked child.
bool instance_is_new() noexcept;
// False when another thread was first.
bool begin_instance() noexcept;
// The child of a fork that line 2 has seen; where the kernel cannot wipe a page this is the only way to know.
void forget_instance() noexcept;

std::string_view instance_id() noexcept;  // 32 hex digits; empty before begin_instance()
std::uint64_t next_seq() noexcept;        // 1, 2, 3, ...

}  // namespace ap::event
