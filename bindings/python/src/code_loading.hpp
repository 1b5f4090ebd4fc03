// SPDX-License-Identifier: Apache-2.0
//
// Is this operation the import system at work, rather than user code reading files?
//
// Decided by the calling frames' code objects, compared by pointer with those of the interpreter's own importlib (taken
// before user code runs), and by the path's suffix: what passes is code that could have been imported. In
// sub-interpreters, whose importlib is another copy, by names; what a forger gains there is the same importable code.
#pragma once
#include <string_view>

#include "core.hpp"

namespace ap::python::code_loading {

// Takes the code objects of importlib and zipimport. Before user code; main interpreter. False: not found as expected.
bool remember();

// ".py", ".pyc", ".so" and the archives that zipimport reads.
bool has_code_suffix(std::string_view path);

// importlib or zipimport is reading this file as code, or the interpreter to show a line of it in a traceback.
bool is_reading(std::string_view path);
// importlib's finders are looking at (AP_FILE_STAT) or listing (AP_FILE_LIST) a directory of the search path.
bool is_searching(int kind);
// importlib is writing bytecode into __pycache__.
bool is_writing_bytecode();

}  // namespace ap::python::code_loading
