// SPDX-License-Identifier: Apache-2.0
//
// One question of line 2: asks the guard, counts the answer once across the two lines, says what the call returns.
//
//   Operation op = file(AP_FILE_DELETE, entry.path);
//   if (long refused = decide(op, path.view())) return refused;   // -EPERM
//
// `called` is what the program handed to libc: marks of line 1 are keyed by it.
#pragma once
#include <string_view>

#include "guard/canonical.hpp"
#include "guard/operation.hpp"

namespace ap::interpose {

Operation file(std::uint8_t kind, std::string_view path) noexcept;

// The verdict alone: nothing is counted. Returns ap_action.
int judge(Operation& operation, Verdict& verdict) noexcept;

// Counts a verdict (unless line 1 has) and turns it into 0 or -EPERM. Does not return under on_deny "terminate".
// `called2`: the second path of a rename or a link, as called.
long settle(const Operation& operation, const Verdict& verdict, std::string_view called,
            std::string_view called2 = {}) noexcept;

long decide(Operation& operation, std::string_view called, std::string_view called2 = {}) noexcept;

// An operation of the native_code dimension; `what` is its text.
Operation native(std::uint8_t kind, std::string_view what) noexcept;

// What line 2 defends itself with as soon as anything is denied (`enforcing`): the verdict is a denial by native_code
// whatever that says. refuse_native() also settles it.
void judge_as_denied(Operation& operation, Verdict& verdict) noexcept;
long refuse_native(std::uint8_t kind, std::string_view what) noexcept;

// A file whose path cannot be told (deeper than PATH_MAX, no /proc): the severest action of the files dimension.
long decide_unnamed(std::uint8_t kind, std::string_view called) noexcept;

// Whether some operation is denied by the sealed policy: then line 2 also defends itself. Set by install.
extern bool enforcing;

// Whether line 1 is in this process: it alone polices stat and list of application paths, because importers do them
// too.
extern bool language_hooks_here;

}  // namespace ap::interpose
