// SPDX-License-Identifier: Apache-2.0
//
// Finding what a command needs: the library beside the tool, and a policy given as a file, `-`, or the name of a
// built-in group.
#pragma once
#include <app_protect/library.hpp>

#include <optional>
#include <string>

#include "document.hpp"

namespace cli {

// libapp_protect.so in the tool's own folder, in ../lib or in ../app_protect/lib. The error names what was tried.
app_protect::Library open_library();

struct PolicyFile {
  std::string name;                  // as messages say it
  std::optional<Document> document;  // absent for a built-in group
  std::string text;                  // for the core: JSON, or the name of the group
};

// On failure false, and `error` says why.
bool read_policy(const std::string& name, const app_protect::Library& library, PolicyFile& out, std::string& error);

}  // namespace cli
