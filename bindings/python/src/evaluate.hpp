// SPDX-License-Identifier: Apache-2.0
//
// Questions about any policy, with no enforcement: what conformance tests and tools ask.
#pragma once
#include "python.hpp"

namespace ap::python::evaluate {

// Adds evaluate() and check_policy() to the module. -1: exception set.
int add_to(PyObject* module);

}  // namespace ap::python::evaluate
