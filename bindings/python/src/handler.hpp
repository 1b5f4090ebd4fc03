// SPDX-License-Identifier: Apache-2.0
//
// A protected handler: a callable that stands for the function's own, and tells the core where an invocation begins and
// ends.
//
// It is native so that it adds no frame: a traceback through it reads as if it were not there. It keeps what the
// runtime and other tools look at: return value and exceptions by identity, attributes, `__wrapped__` (signature),
// binding as a method.
#pragma once
#include "python.hpp"

namespace ap::python::handler {

// Adds protect() and protect_loader() to the module. -1: exception set.
int add_to(PyObject* module);

// An invocation is running somewhere in this process.
bool in_invocation();

}  // namespace ap::python::handler
