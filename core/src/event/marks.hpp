// SPDX-License-Identifier: Apache-2.0
//
// Marks: what line 1 has already counted, so that line 2 does not count it again; and the one-shot tokens that let the
// language's own code loader read what user code may not.
//
// Line 1 (through event::report) puts a mark for each observed operation it lets through; line 2, when its own
// judgement of the same call is "observe", asks take() and reports only when the answer is no:
//
//   if (guard::check(op, v) == AP_OBSERVE && !marks::take(as_called)) event::report(op, v, nullptr);
//
// A mark is keyed by resource, direction and the bytes *as called* (not the canonical path): line 2 passes an Operation
// whose `text` is what the program handed to libc. Marks never change a decision; the code token does, and is bound to
// a code suffix, the exact path bytes (a keyed 64-bit hash), five seconds and one use.
//
// Everything here is lock-free, allocates nothing, uses no thread-local storage and is async-signal-safe. A thread is
// known by its thread pointer, which is the same in the child of fork and of vfork: depth and marks survive both.
#pragma once
#include <cstdint>
#include <string_view>

#include "guard/operation.hpp"

namespace ap::marks {

// Leaves a mark: for this thread (expires after 5 s), or with AP_OP_ASYNC for whichever thread comes first (30 s). A
// connect that knows only a name leaves two: for the look-up and for the connect to that port by this thread.
void put(const Operation& operation) noexcept;

// True once per mark: line 1 has counted this operation. Inside process_begin/process_end every fork and spawn is
// taken.
bool take(const Operation& operation) noexcept;

// A child-process call of line 1 begins / ends on this thread. Nests; an end without a begin is ignored.
void process_begin() noexcept;
void process_end() noexcept;
bool in_process_call() noexcept;

// The language's loader is about to read `path` as code. False when the suffix is not one of `language`'s ("python",
// "node", anything else: both) or the path is empty.
bool allow_code(std::string_view path, std::string_view language) noexcept;

// Line 2's open of a file that may not be read: true once per token, for exactly these bytes.
bool take_code(std::string_view path) noexcept;

// Marks that found no room: these are counted only, and any take() that finds no mark may have one (status, tests).
std::uint64_t overflowed() noexcept;

}  // namespace ap::marks
