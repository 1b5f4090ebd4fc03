// SPDX-License-Identifier: Apache-2.0
// Counts every malloc of this test program (support/count_allocations.cpp replaces malloc and its relatives).
#pragma once
#include <cstddef>

namespace ap::test {

std::size_t allocations();

}  // namespace ap::test
