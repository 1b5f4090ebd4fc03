// SPDX-License-Identifier: Apache-2.0
//
// The dispatch of syscall(2). Filled by install(), then read-only.
#pragma once
#include <cstdint>

#include "interpose/calls.hpp"
#include "interpose/loaded_object.hpp"

namespace ap::interpose {

// A handler's answer "libc's own syscall() shall do it".
constexpr long kPassOn = -1000000;

// The first system call that was not known when this was written (setxattrat), and what is not of this table (x32). A
// kernel that has them is told from one that has not by ENOSYS: programs then use the older ones.
constexpr std::uint32_t kUnknownNumber = 463;

void set_raw_handler(int number, Handler handler) noexcept;
AddressRange raw_handlers() noexcept;
Table<Number> raw_numbers() noexcept;

}  // namespace ap::interpose
