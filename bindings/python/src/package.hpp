// SPDX-License-Identifier: Apache-2.0
//
// From a source file to the installed distribution it belongs to, without importlib.metadata.
//
//   char name[96];
//   if (package::of("/var/task/requests/api.py", name, sizeof name)) ...   // "requests@2.31.0"
//
// Looks into the *.dist-info and *.egg-info directories beside the file's top-level name: by name first, then by
// RECORD, then by top_level.txt. Files are read by raw system calls, so that neither line of hooks sees it. Answers are
// remembered (bounded).
#pragma once
#include <stddef.h>

#include <string_view>

namespace ap::python::package {

// Thread-safe.
bool of(std::string_view file, std::string_view application, char* out, size_t size);

// The folder part that installed packages live in: "/x/site-packages", "/x/dist-packages", "/opt/python", the
// application's own directory. Empty: the file is in none. `rest` is what follows.
std::string_view root_of(std::string_view file, std::string_view application, std::string_view& rest);

}  // namespace ap::python::package
