// SPDX-License-Identifier: Apache-2.0
//
// Which descriptors are line 2's own (descriptors.cpp). To the program they are numbers that are not open.
#pragma once

namespace ap::interpose {

bool is_own_descriptor(long fd) noexcept;

}  // namespace ap::interpose
