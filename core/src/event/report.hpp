// SPDX-License-Identifier: Apache-2.0
//
// The event layer's front door: counts one observed or denied operation, exactly once, as an event line.
//
// Used by the C table (line 1) and by line 2. Equal observed operations fold: the first is written at once, repeats are
// counted and written at the end of the invocation, at exit, or with the first report five seconds later. Denials: the
// first of a rule and target at once, repeats counted and written once a second at most. The sum of "count" over the
// lines of an instance is the number of operations.
//
// No function here allocates, throws, or waits for a lock: a report that finds the fold table taken (another thread, a
// signal handler, a vfork child) for longer than a moment is written unfolded. Usable in a vfork child; a forked child
// starts with an instance id, a sequence and an empty table of its own.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "guard/operation.hpp"
#include "guard/settings.hpp"

namespace ap::event {

// Counts the operation. An observe verdict of line 1 leaves a mark (marks.hpp). A deny verdict follows `on_deny`: block
// sets the invocation's blocked flag; terminate writes the event, flushes and does not return (exit status 77; a child
// ends its owner too). A grant verdict is ignored. `who` may be null.
void report(const Operation& operation, const Verdict& verdict, const ap_attribution* who) noexcept;

// Trouble of ours: one agent_health event per code and minute, repeats counted.
void health(std::string_view code, std::string_view text) noexcept;

// A status line `[LEVEL] [app_protect] text` to the log sink, when the level allows it.
void log(LogLevel level, std::string_view text) noexcept;

// Writes every pending count. Cheap when nothing is pending. Line 2 calls it before a granted exec and in `_exit`.
void flush() noexcept;

// Line 2, in the child of a granted fork, before anything else of ours. (A child made behind our back is noticed at its
// first report: the state lives in a page that the kernel wipes on fork.)
void after_fork() noexcept;

// The agent, before the seal: the sinks and the log level of the process that owns the log.
void begin(const Sink& events, const Sink& log, LogLevel level) noexcept;

// Under on_deny "block", before the seal: puts the flag of a blocked invocation where children that are executed can
// set it. For Settings::blocked.
Sink share_blocked() noexcept;

// Line 2's entry of a handed-over child, after seal_from_descriptor(): the sinks of the owner under their numbers in
// this process, -1 = none. Such a process never writes to its own standard output or error.
void adopt(int event_fd, int log_fd) noexcept;
bool handed_over() noexcept;
// Whether this is the child of a vfork, which runs in its parent's memory.
bool in_borrowed_memory() noexcept;

// The life of a function (agent).
void invocation_begin(std::string_view request_id) noexcept;
bool invocation_end() noexcept;  // flushes; true when the invocation was blocked
bool blocked() noexcept;         // the invocation at hand was blocked already

// What the status call and tests read.
struct Counters {
  std::uint64_t observed, denied;  // operations counted by this process
  std::uint64_t lines;             // event lines written
  std::uint64_t dropped;           // lines that could not be written
  std::uint64_t unfolded;          // reports that did not get the fold table
};
Counters counters() noexcept;
std::string_view instance() noexcept;  // 32 hex digits, time-ordered; of this process

}  // namespace ap::event
