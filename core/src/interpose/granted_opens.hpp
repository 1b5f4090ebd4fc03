// SPDX-License-Identifier: Apache-2.0
//
// Paths whose opening was granted a moment ago, so that the same question need not be asked again: programs open the
// same few files over and over. The answer of a question depends on its text, its kind and the policy alone, and all
// three are compared here.
//
//   if (granted_opens::has(path, form)) ...            // `path` is in normal form, and granted
//   else if (judged == AP_GRANT) granted_opens::add(path, form);
//
// Any thread, in a signal handler too: no lock, and an entry that is being written is passed over.
#pragma once
#include <cstdint>

#include "guard/canonical.hpp"

namespace ap::interpose::granted_opens {

// `form`: what else the question consists of, any byte.
bool has(const PathBuffer& path, std::uint8_t form) noexcept;
void add(const PathBuffer& path, std::uint8_t form) noexcept;

}  // namespace ap::interpose::granted_opens
