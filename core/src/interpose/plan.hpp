// SPDX-License-Identifier: Apache-2.0
//
// Which functions are patched: the tables of calls.hpp, looked up in the libraries that hold libc's functions.
//
// Used by install.cpp for this process and by prepared_libc.cpp for children.
#pragma once
#include <cstddef>
#include <cstdint>

#include "interpose/calls.hpp"
#include "interpose/loaded_object.hpp"
#include "interpose/patch.hpp"

namespace ap::interpose {

// Where libc's functions live: one library since glibc 2.34, several before. The first is libc.so.6 itself.
struct Libraries {
  static constexpr std::size_t kCapacity = 6;
  LoadedObject objects[kCapacity];
  std::size_t count = 0;
  bool find() noexcept;  // false: there is no libc.so.6
};

// The Need bits (calls.hpp) of the sealed policy for these ap_need bits. `beside_line_1`: in a process with language
// hooks, which police some calls alone.
std::uint32_t wanted_calls(std::uint32_t needs, bool beside_line_1) noexcept;

// Plans every wanted function that `libraries` have. Returns how many functions none of them has. An original that is
// known already is left alone unless `afresh`: the first version of a function is the one that is run.
std::uint32_t plan_calls(const LoadedObject* libraries, std::size_t count, std::uint32_t wanted, Patcher& patcher,
                         bool afresh = false) noexcept;

// The same calls by number, for syscall(2).
void fill_dispatch(std::uint32_t wanted) noexcept;

// The rows behind it: each system call that syscall(2) decides. Also used by tests/system_calls.
void each_number(std::uint32_t wanted, void (*visit)(const Number&)) noexcept;

}  // namespace ap::interpose
