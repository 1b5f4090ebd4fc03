// SPDX-License-Identifier: Apache-2.0
//
// What user code sees of a denial: the exception types, and the one place that raises them.
//
// The types are made once per interpreter and kept by C alone, so that a hook can raise them anywhere: in threads,
// forked children, sub-interpreters that never imported us, in `__del__` at shutdown. trend_app_protect.exceptions
// re-exports them.
#pragma once
#include "core.hpp"
#include "python.hpp"

namespace ap::python::denial {

enum class Type { denied, override_response, blocked, agent_error };

// Borrowed; nullptr with an exception set when it could not be made.
PyObject* type(Type which);

// What the exception carries beside errno and message.
struct Target {
  PyObject* filename = nullptr;  // as user code gave it; nullptr: from the operation
  PyObject* filename2 = nullptr;
};

// Sets the exception of a denied operation: TrendAppProtectDenied (a PermissionError with errno EPERM, filename or
// host, `rule`), or, inside an invocation that the policy ends (on_deny "block"), TrendAppProtectOverrideResponse.
void raise(const ap_operation& operation, const ap_verdict& verdict, const Target& target);

// The words of the last denial that ended an invocation, for TrendAppProtectBlocked.
const char* last_blocked();

}  // namespace ap::python::denial
