// SPDX-License-Identifier: Apache-2.0
//
// Where paths that lead over symbolic links led last time. Only ever a guess: whoever takes one opens it without links
// and compares what is there. It spares a new process the kernel's way from a descriptor to its path, which has to set
// up five entries below /proc for it, 40 us of a spawn.
//
// Any thread, signal handlers, vfork children (they share their parent's). Never waits: busy means no hint.
#pragma once
#include <string_view>

#include "guard/canonical.hpp"

namespace ap::canonical {

bool recall_link(std::string_view path, PathBuffer& real) noexcept;
void remember_link(std::string_view path, std::string_view real) noexcept;

}  // namespace ap::canonical
