// SPDX-License-Identifier: Apache-2.0
//
// The dispatch of syscall(2). Filled by install(), then read-only.
#pragma once
#include "interpose/calls.hpp"
#include "interpose/loaded_object.hpp"

namespace ap::interpose {

// A handler's answer "libc's own syscall() shall do it".
constexpr long kPassOn = -1000000;

void set_raw_handler(int number, Handler handler) noexcept;
AddressRange raw_handlers() noexcept;
Table<Number> raw_numbers() noexcept;

}  // namespace ap::interpose
