// SPDX-License-Identifier: Apache-2.0
//
// Objects that the loader has mapped, read from their own tables: where libc's exported functions are. dlsym() would
// answer with whatever stands first in the look-up order, and with one version of a symbol; entry patching needs each
// of libc's own.
#pragma once
#include <elf.h>
#include <link.h>

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace ap::interpose {

struct AddressRange {
  std::uintptr_t begin = 0, end = 0;
  bool contains(std::uintptr_t address) const { return address >= begin && address < end; }
  bool overlaps(std::uintptr_t from, std::uintptr_t to) const { return from < end && begin < to; }
};

struct LoadedObject {
  std::uintptr_t base = 0;   // load bias
  AddressRange whole, text;  // all segments; the executable ones
  const Elf64_Dyn* dynamic = nullptr;
  const Elf64_Sym* symbols = nullptr;
  const char* strings = nullptr;
  const std::uint32_t* gnu_hash = nullptr;
  const Elf64_Half* versions = nullptr;
  const Elf64_Rela *plt_relocations = nullptr, *relocations = nullptr;
  std::size_t plt_size = 0, relocations_size = 0;  // bytes
  AddressRange notes[4];
  char name[256] = {};

  std::string_view file() const;  // the last component of its name
};

// The loaded object whose file name is `file` ("libc.so.6"), and the one that holds `address`.
bool find_object(std::string_view file, LoadedObject& out) noexcept;
bool object_at(const void* address, LoadedObject& out) noexcept;

// Calls visit(object) for each loaded object; stops at false.
using Visit = bool (*)(const LoadedObject&, void*);
void each_object(Visit visit, void* context) noexcept;

struct FunctionSymbol {
  unsigned char* address = nullptr;
  std::size_t size = 0;
};

// The object's NT_GNU_BUILD_ID; empty without one.
std::string_view build_id(const LoadedObject& object) noexcept;

// Takes the tables' addresses from a dynamic section (ended by DT_NULL).
void read_dynamic(const Elf64_Dyn* dynamic, LoadedObject& object) noexcept;

// Every distinct function of this name that the object exports (one per version, the default version first), at most
// `capacity`. Returns how many.
std::size_t find_functions(const LoadedObject& object, const char* name, FunctionSymbol* out,
                           std::size_t capacity) noexcept;

}  // namespace ap::interpose
