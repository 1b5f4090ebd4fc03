// SPDX-License-Identifier: Apache-2.0
//
// What differs between the C libraries: libc_glibc.cpp or libc_musl.cpp, by what the library is built for.
#pragma once
#include <string_view>

#include "interpose/calls.hpp"

namespace ap::interpose {

// By the name of its file: the C library itself; the loader that programs name (with musl the same file).
bool is_libc(std::string_view file) noexcept;
bool is_loader(std::string_view file) noexcept;
// Whether the loader's own calls come by patched entries.
bool loader_is_guarded() noexcept;

// Functions that make system calls of their own instead of calling an entry that is patched anyway.
Table<Call> libc_calls() noexcept;

// The environment as a constructor finds it; `given`: its third argument.
char** first_environment(char** given) noexcept;

}  // namespace ap::interpose
