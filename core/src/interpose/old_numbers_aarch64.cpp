// SPDX-License-Identifier: Apache-2.0
#include "interpose/old_numbers.hpp"

namespace ap::interpose {

int number_of(Old) noexcept {
  return -1;
}

}  // namespace ap::interpose
