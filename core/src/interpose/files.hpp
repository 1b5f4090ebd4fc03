// SPDX-License-Identifier: Apache-2.0
//
// Guarded file calls that other parts of line 2 need (bind of a unix path, programs, posix_spawn's file actions).
#pragma once
#include "guard/canonical.hpp"

namespace ap::interpose {

// open(2) under the policy. `resolve`: openat2's own flags, 0 for the others. Descriptor, or -errno.
long guarded_open(int dirfd, const PathBuffer& path, std::uint64_t flags, std::uint64_t mode,
                  std::uint64_t resolve = 0) noexcept;

}  // namespace ap::interpose
