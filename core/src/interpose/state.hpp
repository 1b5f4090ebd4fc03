// SPDX-License-Identifier: Apache-2.0
//
// The one state that line 2 changes by itself; the calls it guards are in calls.hpp.
#pragma once

namespace ap::interpose {

// No core dumps (the soft limit becomes 0), where some write is denied: they would be written wherever the working
// directory is.
void forbid_core_dumps() noexcept;

}  // namespace ap::interpose
