// SPDX-License-Identifier: Apache-2.0
//
// The one libapp_protect.so of this process and its function table.
//
// Used by every file of the addon; shared by all environments (main thread, workers): the table is process-wide, as the
// sealed policy is.
//
//   if (std::string trouble = library::open(path); !trouble.empty()) throw_error(trouble);
//   library::api->check(&op, &verdict);
#pragma once
#include <app_protect/api.h>

#include <string>

namespace ap::node::library {

// The table; nullptr until open() succeeded. Written once, before any hook exists.
extern const ap_api* api;

// Loads `path` (absolute), or takes the copy that is in this process already: a child that line 2 carried itself into,
// or a second agent under another path, must not bring a second policy. Returns an empty text, or what went wrong.
std::string open(const std::string& path);

// Absolute path of the library in use; empty before open().
const std::string& path();

// Directory of the addon's own file, without a trailing slash.
std::string own_directory();

}  // namespace ap::node::library
