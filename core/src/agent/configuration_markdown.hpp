// SPDX-License-Identifier: Apache-2.0
//
// docs/configuration.md, made from the table of options.hpp (tools: target configuration_doc; a test compares the
// file).
#pragma once
#include <string>

namespace ap::agent {

std::string configuration_markdown();

}  // namespace ap::agent
