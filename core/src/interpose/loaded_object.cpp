// SPDX-License-Identifier: Apache-2.0
#include "interpose/loaded_object.hpp"

#include <cstring>
#include <iterator>
#include <utility>

namespace ap::interpose {
namespace {

// The loader keeps DT_ pointers relocated in most libraries, relative in the vDSO.
std::uintptr_t pointer(const LoadedObject& object, std::uintptr_t value) {
  return value < object.base ? object.base + value : value;
}

bool describe(const dl_phdr_info& info, LoadedObject& out) {
  out = LoadedObject{};
  out.base = info.dlpi_addr;
  std::strncpy(out.name, info.dlpi_name ? info.dlpi_name : "", sizeof out.name - 1);
  std::size_t notes = 0;
  for (int i = 0; i < info.dlpi_phnum; ++i) {
    const Elf64_Phdr& segment = info.dlpi_phdr[i];
    const std::uintptr_t begin = info.dlpi_addr + segment.p_vaddr, end = begin + segment.p_memsz;
    if (segment.p_type == PT_DYNAMIC) out.dynamic = reinterpret_cast<const Elf64_Dyn*>(begin);
    if (segment.p_type == PT_NOTE && notes < std::size(out.notes)) out.notes[notes++] = {begin, end};
    if (segment.p_type != PT_LOAD) continue;
    if (!out.whole.end || begin < out.whole.begin) out.whole.begin = begin;
    if (end > out.whole.end) out.whole.end = end;
    // From the first executable segment to the last: Node 20 and 24 have three, and V8's own is not the first.
    if (segment.p_flags & PF_X) out.text = {out.text.end ? out.text.begin : begin, end};
  }
  if (!out.dynamic) return out.whole.end != 0;
  read_dynamic(out.dynamic, out);
  return true;
}

struct Walk {
  Visit visit;
  void* context;
};

int step(dl_phdr_info* info, std::size_t, void* context) {
  auto* walk = static_cast<Walk*>(context);
  LoadedObject object;
  return describe(*info, object) && !walk->visit(object, walk->context);
}

std::uint32_t gnu_hash_of(const char* name) {
  std::uint32_t h = 5381;
  for (; *name; ++name) h = h * 33 + static_cast<unsigned char>(*name);
  return h;
}

}  // namespace

void read_dynamic(const Elf64_Dyn* dynamic, LoadedObject& out) noexcept {
  for (const Elf64_Dyn* d = dynamic; d->d_tag != DT_NULL; ++d) {
    const std::uintptr_t at = pointer(out, d->d_un.d_ptr);
    if (d->d_tag == DT_SYMTAB) out.symbols = reinterpret_cast<const Elf64_Sym*>(at);
    if (d->d_tag == DT_STRTAB) out.strings = reinterpret_cast<const char*>(at);
    if (d->d_tag == DT_GNU_HASH) out.gnu_hash = reinterpret_cast<const std::uint32_t*>(at);
    if (d->d_tag == DT_VERSYM) out.versions = reinterpret_cast<const Elf64_Half*>(at);
    if (d->d_tag == DT_JMPREL) out.plt_relocations = reinterpret_cast<const Elf64_Rela*>(at);
    if (d->d_tag == DT_RELA) out.relocations = reinterpret_cast<const Elf64_Rela*>(at);
    if (d->d_tag == DT_PLTRELSZ) out.plt_size = d->d_un.d_val;
    if (d->d_tag == DT_RELASZ) out.relocations_size = d->d_un.d_val;
  }
}

std::string_view build_id(const LoadedObject& object) noexcept {
  for (const AddressRange& notes : object.notes) {
    for (std::uintptr_t at = notes.begin; at + sizeof(Elf64_Nhdr) <= notes.end;) {
      const auto& note = *reinterpret_cast<const Elf64_Nhdr*>(at);
      const std::uintptr_t name = at + sizeof note, value = name + ((note.n_namesz + 3u) & ~3u);
      if (value + note.n_descsz > notes.end) break;
      if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 &&
          std::memcmp(reinterpret_cast<const char*>(name), "GNU", 4) == 0)
        return {reinterpret_cast<const char*>(value), note.n_descsz};
      at = value + ((note.n_descsz + 3u) & ~3u);
    }
  }
  return {};
}

std::string_view LoadedObject::file() const {
  std::string_view all(name);
  const auto slash = all.rfind('/');
  return slash == std::string_view::npos ? all : all.substr(slash + 1);
}

void each_object(Visit visit, void* context) noexcept {
  Walk walk{visit, context};
  dl_iterate_phdr(step, &walk);
}

bool find_object(std::string_view file, LoadedObject& out) noexcept {
  struct Search {
    std::string_view file;
    LoadedObject& out;
    bool found;
  } search{file, out, false};
  each_object(
      [](const LoadedObject& object, void* context) {
        auto& s = *static_cast<Search*>(context);
        if (object.file() != s.file) return true;
        s.out = object;
        s.found = true;
        return false;
      },
      &search);
  return search.found;
}

bool object_at(const void* address, LoadedObject& out) noexcept {
  struct Search {
    std::uintptr_t address;
    LoadedObject& out;
    bool found;
  } search{reinterpret_cast<std::uintptr_t>(address), out, false};
  each_object(
      [](const LoadedObject& object, void* context) {
        auto& s = *static_cast<Search*>(context);
        if (!object.whole.contains(s.address)) return true;
        s.out = object;
        s.found = true;
        return false;
      },
      &search);
  return search.found;
}

std::size_t find_functions(const LoadedObject& object, const char* name, FunctionSymbol* out,
                           std::size_t capacity) noexcept {
  if (!object.gnu_hash || !object.symbols || !object.strings) return 0;
  const std::uint32_t* table = object.gnu_hash;
  const std::uint32_t buckets = table[0], first = table[1], bloom_words = table[2];
  const std::uint32_t* bucket = table + 4 + bloom_words * 2;  // bloom words have 64 bits
  const std::uint32_t* chain = bucket + buckets;
  if (!buckets) return 0;

  const std::uint32_t hash = gnu_hash_of(name);
  std::uint32_t index = bucket[hash % buckets];
  if (index < first) return 0;
  std::size_t found = 0;
  for (;; ++index) {
    const std::uint32_t entry = chain[index - first];
    const Elf64_Sym& symbol = object.symbols[index];
    if ((entry | 1) == (hash | 1) && symbol.st_shndx != SHN_UNDEF && ELF64_ST_TYPE(symbol.st_info) == STT_FUNC &&
        std::strcmp(object.strings + symbol.st_name, name) == 0) {
      auto* address = reinterpret_cast<unsigned char*>(object.base + symbol.st_value);
      bool known = false;
      for (std::size_t i = 0; i < found; ++i) known |= out[i].address == address;
      if (!known && found < capacity) {
        const bool other_version = object.versions && (object.versions[index] & 0x8000) != 0;
        out[found] = {address, symbol.st_size};
        if (found && !other_version) std::swap(out[0], out[found]);
        ++found;
      }
    }
    if (entry & 1) return found;
  }
}

}  // namespace ap::interpose
