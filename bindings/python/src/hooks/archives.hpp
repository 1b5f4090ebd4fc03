// SPDX-License-Identifier: Apache-2.0
//
// Imports from archives on Python 3.7, whose zipimport is C and opens them itself: there line 1 sees nothing, and line
// 2 would refuse the read where reading the application is denied. Later versions have it in Python (code_loading.hpp).
//
// Hooked: zipimporter(path), load_module, get_code and get_filename (which compiles). Not excused: get_data and
// get_source, which read data.
#pragma once

namespace ap::python::archives {

void install();

}  // namespace ap::python::archives
