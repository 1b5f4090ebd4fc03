// SPDX-License-Identifier: Apache-2.0
#include <sys/auxv.h>
#include <ucontext.h>

#include <cstring>

#include "interpose/machine.hpp"

namespace ap::interpose::machine {
namespace {

constexpr int kBranchTargets = 0x10;                    // PROT_BTI
constexpr unsigned long kHasBranchTargets = 1ul << 17;  // HWCAP2_BTI
constexpr unsigned kCapabilities2 = 26;                 // AT_HWCAP2
constexpr std::uint32_t kPropertyNote = 5;              // NT_GNU_PROPERTY_TYPE_0
constexpr std::uint32_t kFeatures = 0xc0000000;         // GNU_PROPERTY_AARCH64_FEATURE_1_AND
constexpr std::uint32_t kMarkedForBranchTargets = 1;

constexpr std::uint32_t kPaciasp = 0xd503233f, kBtiC = 0xd503245f;
constexpr std::uint32_t kCurrentDirectory = 0x92800c60;                          // mov x0, #AT_FDCWD
constexpr std::uint32_t kNumberOfOpenat = 0xd2800708, kSystemCall = 0xd4000001;  // mov x8, #56; svc #0

// Whether the object is linked for branch targets: the loader then has mapped its text so.
bool is_marked(const LoadedObject& object) noexcept {
  for (const AddressRange& notes : object.notes) {
    for (std::uintptr_t at = notes.begin; at + sizeof(Elf64_Nhdr) <= notes.end;) {
      const auto& note = *reinterpret_cast<const Elf64_Nhdr*>(at);
      const std::uintptr_t value = at + sizeof note + ((note.n_namesz + 3u) & ~3u), end = value + note.n_descsz;
      if (end > notes.end) break;
      for (std::uintptr_t p = value; note.n_type == kPropertyNote && p + 12 <= end;) {
        std::uint32_t property[3];  // type, size of the data, data
        std::memcpy(property, reinterpret_cast<const void*>(p), sizeof property);
        if (property[0] == kFeatures) return (property[2] & kMarkedForBranchTargets) != 0;
        p += 8 + ((property[1] + 7u) & ~7u);
      }
      const unsigned alignment = note.n_type == kPropertyNote ? 7u : 3u;
      at = value + ((note.n_descsz + alignment) & ~alignment);
    }
  }
  return false;
}

}  // namespace

bool runs(Elf64_Half machine) noexcept {
  return machine == EM_AARCH64;
}

bool holds_function(std::uint32_t relocation) noexcept {
  return relocation == R_AARCH64_JUMP_SLOT || relocation == R_AARCH64_GLOB_DAT;
}

std::uintptr_t next_instruction(const void* ucontext) noexcept {
  return static_cast<std::uintptr_t>(static_cast<const ucontext_t*>(ucontext)->uc_mcontext.pc);
}

int text_protection(const LoadedObject& object) noexcept {
  return (getauxval(kCapabilities2) & kHasBranchTargets) && is_marked(object) ? kBranchTargets : 0;
}

unsigned char* hidden_openat(const LoadedObject& libc) noexcept {
  FunctionSymbol before;
  if (find_functions(libc, "__open_nocancel", &before, 1) != 1 || !before.size) return nullptr;
  const auto behind = reinterpret_cast<std::uintptr_t>(before.address) + before.size;
  auto* candidate = reinterpret_cast<unsigned char*>((behind + 15) & ~std::uintptr_t{15});
  std::uint32_t code[44];
  std::memcpy(code, candidate, sizeof code);
  const std::uint32_t* p = code + (code[0] == kPaciasp || code[0] == kBtiC);
  const bool makes_frame = (*p & 0xffc003ff) == 0xd10003ff || (*p & 0xffc07fff) == 0xa9807bfd;  // sub sp; stp x29, x30
  if (!makes_frame) return nullptr;
  for (; p < code + 43; ++p) {
    if (*p == kCurrentDirectory) return nullptr;  // open
    if (p[0] == kNumberOfOpenat && p[1] == kSystemCall) return candidate;
  }
  return nullptr;
}

// One instruction. Who runs it meanwhile runs the old or the new one; who comes later runs the new one, because every
// thread that was held comes back through the kernel.
bool store_code(unsigned char* at, const unsigned char* bytes, std::size_t size) noexcept {
  if (size != 4 || (reinterpret_cast<std::uintptr_t>(at) & 3)) return false;
  std::uint32_t instruction;
  std::memcpy(&instruction, bytes, sizeof instruction);
  __atomic_store_n(reinterpret_cast<std::uint32_t*>(at), instruction, __ATOMIC_SEQ_CST);
  code_written(at, at + 4);
  return true;
}

void code_written(unsigned char* begin, unsigned char* end) noexcept {
  __builtin___clear_cache(reinterpret_cast<char*>(begin), reinterpret_cast<char*>(end));
}

}  // namespace ap::interpose::machine
