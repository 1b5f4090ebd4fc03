// SPDX-License-Identifier: Apache-2.0
//
// C modules that are hooked when they are loaded: nothing is imported for our sake.
//
// importlib loads a C module through four functions of `_imp`. Their replacements hook the module's tables as soon as
// it exists, before any Python code can have seen it.
#pragma once

namespace ap::python::modules {

// Hooks what is loaded already, and arranges for the rest. `needs`: ap_need bits.
void install(unsigned needs);

}  // namespace ap::python::modules
