// SPDX-License-Identifier: Apache-2.0
//
// Pages that nothing in the process may unmap, replace, unprotect or drop while a policy denies anything: libc's and
// the loader's text (patched, and to be patched), our islands, our own library, the sealed image.
#pragma once
#include "interpose/loaded_object.hpp"

namespace ap::interpose::memory_guard {

void protect(AddressRange range) noexcept;  // at install, before the guard's own calls are patched
bool covers(std::uintptr_t begin, std::uintptr_t size) noexcept;

// Whether this object is a runtime that compiles at run time. Only what may be loaded gets here (native.cpp).
bool is_runtime(const LoadedObject& object) noexcept;

// Whose code may make memory executable.
void allow_code_from(AddressRange range) noexcept;

}  // namespace ap::interpose::memory_guard
