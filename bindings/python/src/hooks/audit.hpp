// SPDX-License-Identifier: Apache-2.0
//
// The audit hook (PEP 578): what Python itself tells about opens and loads, in every thread, fork and sub-interpreter.
// It is added from C and cannot be found or removed by Python code.
#pragma once

namespace ap::python::audit {

// `needs`: ap_need bits; events of other dimensions are let through at once.
void install(unsigned needs);

}  // namespace ap::python::audit
