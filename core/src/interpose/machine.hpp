// SPDX-License-Identifier: Apache-2.0
//
// What differs between processors besides the bytes of a patch (patch_code.hpp), the entries in assembly (stubs.hpp)
// and the numbers of system calls (old_numbers.hpp). One file for each, machine_<processor>.cpp, chosen by CMake.
#pragma once
#include <elf.h>

#include <cstddef>
#include <cstdint>

#include "interpose/loaded_object.hpp"

namespace ap::interpose::machine {

// A program for this processor, by its ELF header.
bool runs(Elf64_Half machine) noexcept;

// A relocation whose place holds the address of a function of that name: what the second way rewrites.
bool holds_function(std::uint32_t relocation) noexcept;

// The next instruction of a thread that a signal has stopped.
std::uintptr_t next_instruction(const void* ucontext) noexcept;

// Protection bits of an object's text beside reading and executing (landing pads that the processor enforces).
int text_protection(const LoadedObject& object) noexcept;

// __openat_nocancel of libc, which fts, ftw, scandirat and glob open directories with. It is not exported, but lies
// behind __open_nocancel: the next 16-byte boundary, the same kind of frame, and the number of openat before its system
// call. nullptr when what lies there looks otherwise.
unsigned char* hidden_openat(const LoadedObject& libc) noexcept;

// Replaces instructions that others may be running, by one atomic store of the aligned bytes around them. False when
// they straddle more than the processor stores at once.
bool store_code(unsigned char* at, const unsigned char* bytes, std::size_t size) noexcept;

// Makes instructions that were written as data into [begin, end) ones that this processor fetches.
void code_written(unsigned char* begin, unsigned char* end) noexcept;

}  // namespace ap::interpose::machine
