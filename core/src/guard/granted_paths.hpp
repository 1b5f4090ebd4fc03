// SPDX-License-Identifier: Apache-2.0
//
// Paths of which something was granted a moment ago, so that the same question need not be asked again: programs open
// the same few files over and over. The answer depends on text, kind and policy alone, and all three are compared here.
//
//   if (granted_paths::has(path, form)) ...            // `path` is in normal form, and granted
//   else if (judged == AP_GRANT) granted_paths::add(path, form);
//
// INVARIANT: only a text as it was given is added, absolute and in normal form, and none below /proc: another one can
// mean another file in a forked child.
//
// Used by guard::check() for both lines, and by line 2's open before it makes an operation of its call. Any thread, in
// a signal handler too: no lock, and an entry that is being written is passed over.
#pragma once
#include <cstdint>
#include <string_view>

namespace ap::granted_paths {

// `form`: what else the question consists of, any byte. The kind of the operation, and these.
constexpr std::uint8_t kReadsToo = 0x80;
constexpr std::uint8_t kAtLine2 = 0x40;  // which grants some that line 1 polices

bool has(std::string_view path, std::uint8_t form) noexcept;
void add(std::string_view path, std::uint8_t form) noexcept;

}  // namespace ap::granted_paths
