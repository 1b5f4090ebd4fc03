// SPDX-License-Identifier: Apache-2.0
#include "interpose/patch.hpp"

#include <fcntl.h>
#include <sys/mman.h>

#include <cstring>
#include <optional>

#include "base/syscall.hpp"
#include "base/threads.hpp"
#include "interpose/machine.hpp"
#include "interpose/other_threads.hpp"
#include "interpose/patch_code.hpp"

namespace ap::interpose {
namespace {

constexpr std::size_t kPage = 4096;

std::uintptr_t word(const void* p) {
  return reinterpret_cast<std::uintptr_t>(p);
}
std::uintptr_t page_down(std::uintptr_t a) {
  return a & ~(kPage - 1);
}
std::uintptr_t page_up(std::uintptr_t a) {
  return (a + kPage - 1) & ~(kPage - 1);
}

// The aligned bytes around the jump, for a write through /proc/self/mem.
bool store_through_memory_file(int fd, unsigned char* at, const unsigned char* bytes, std::size_t size) {
  alignas(16) unsigned char block[16];
  const std::uintptr_t start = word(at) & ~std::uintptr_t{15};
  const std::size_t skip = word(at) - start;
  if (skip + size > sizeof block) return false;
  std::memcpy(block, reinterpret_cast<const void*>(start), sizeof block);
  std::memcpy(block + skip, bytes, size);
  const std::size_t length = skip + size <= 8 ? 8 : 16;
  return sys::call(SYS_pwrite64, fd, block, length, start) == static_cast<long>(length);
}

}  // namespace

bool Patcher::plan(const char* symbol, unsigned char* target, const void* replacement, void** original) noexcept {
  std::size_t slot = (word(target) >> 4) % kSlots;
  for (; planned_[slot]; slot = (slot + 1) % kSlots)
    if (patches_[planned_[slot] - 1].target == target) return true;
  if (count_ == kCapacity) return false;
  Patch& patch = patches_[count_++];
  planned_[slot] = static_cast<std::uint16_t>(count_);
  patch = Patch{};
  patch.symbol = symbol;
  patch.target = target;
  patch.replacement = replacement;
  patch.original = original;
  patch.site = jump_site(target);
  return true;
}

bool Patcher::map_islands() noexcept {
  const std::size_t size = page_up(count_ * kIsland);
  const std::uintptr_t near = page_down(word(patches_[0].target));
  for (std::uintptr_t distance = 16 << 20; distance < (1u << 30); distance += 4 << 20) {
    const std::uintptr_t hint = near > distance ? near - distance : near + distance;
    const long at = sys::call(SYS_mmap, hint, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at < 0 && at > -4096) return false;
    const auto begin = static_cast<std::uintptr_t>(at);
    if (reaches(near, begin) && reaches(near, begin + size)) {
      islands_ = {begin, begin + size};
      return true;
    }
    sys::call(SYS_munmap, at, size);
  }
  return false;
}

// Island and relocated original of one patch. Fills `trouble` when the prologue is not one we know.
bool Patcher::build(Patch& patch) noexcept {
  if (!reaches(word(patch.site), word(patch.island))) {
    patch.trouble = "too far from its island";
    return false;
  }
  unsigned char* original = patch.original ? patch.island + kOriginalAt : nullptr;
  const Prologue prologue = move_prologue(patch.target, original);
  patch.first = prologue.first;
  patch.moved = prologue.moved;
  patch.trouble = prologue.trouble;
  if (patch.trouble) return false;
  if (original) __atomic_store_n(patch.original, static_cast<void*>(original), __ATOMIC_SEQ_CST);
  write_island(patch.island, patch.target, patch.replacement);
  return true;
}

// Threads that come to an entry wait there, in a jump to itself, until the whole jump is written. A first instruction
// of one byte has no room for it: there a thread that wakes in these microseconds is the one that is not kept out.
void Patcher::close_entries() noexcept {
  unsigned char wait_here[kLongestJump], jump[kLongestJump];
  const std::size_t size = make_wait(wait_here);
  for (std::size_t i = 0; i < count_; ++i) {
    const Patch& patch = patches_[i];
    if (patch.state == Patch::State::planned && patch.first >= size &&
        (word(patch.site) & 15) + make_jump(jump, patch.site, patch.island) <= 16)
      machine::store_code(patch.site, wait_here, size);
  }
}

// Whether a thread whose next instruction this is would run the rest of a prologue that a jump is to replace.
bool Patcher::is_inside(std::uintptr_t instruction, const void* patcher) noexcept {
  const auto& self = *static_cast<const Patcher*>(patcher);
  for (std::size_t i = 0; i < self.count_; ++i) {
    const Patch& patch = self.patches_[i];
    const std::uintptr_t site = word(patch.site);
    if (patch.state == Patch::State::planned && instruction > site && instruction < site + patch.moved) return true;
  }
  return false;
}

namespace {

// The texts that are written to, with write permission while it lives. All of an object's text: a part of it would be a
// mapping of its own, split off and joined again. More than one where libc is in pieces (glibc before 2.34).
class OpenTexts {
 public:
  // False when there are too many, or one cannot be made writable.
  bool add(const unsigned char* site) noexcept {
    const std::uintptr_t at = word(site);
    for (std::size_t i = 0; i < count_; ++i)
      if (texts_[i].range.contains(at)) return texts_[i].open;
    if (count_ == kCapacity) return false;
    Text& text = texts_[count_++];
    LoadedObject object;
    // Code of no object: the page it begins on and the one it ends on.
    text.range = {page_down(at), page_up(at + 16)};
    if (object_at(site, object) && object.text.contains(at)) {
      text.range = {page_down(object.text.begin), page_up(object.text.end)};
      text.closed |= machine::text_protection(object);
    }
    text.open = protect(text, text.closed | PROT_WRITE);
    return text.open;
  }
  ~OpenTexts() {
    for (std::size_t i = 0; i < count_; ++i)
      if (texts_[i].open) protect(texts_[i], texts_[i].closed);
  }
  OpenTexts() = default;
  OpenTexts(const OpenTexts&) = delete;
  OpenTexts& operator=(const OpenTexts&) = delete;

 private:
  static constexpr std::size_t kCapacity = 8;
  struct Text {
    AddressRange range;
    int closed = PROT_READ | PROT_EXEC;
    bool open = false;
  };
  static bool protect(const Text& text, int how) noexcept {
    return sys::call(SYS_mprotect, text.range.begin, text.range.end - text.range.begin, how) == 0;
  }
  Text texts_[kCapacity];
  std::size_t count_ = 0;
};

}  // namespace

void Patcher::write_jumps() noexcept {
  OpenTexts texts;
  bool any = false, writable = true;
  for (std::size_t i = 0; i < count_; ++i) {
    if (patches_[i].state != Patch::State::planned) continue;
    any = true;
    writable = texts.add(patches_[i].site) && writable;
  }
  if (!any) return;
  int memory_file = -1;
  if (!writable) memory_file = static_cast<int>(sys::call(SYS_openat, AT_FDCWD, "/proc/self/mem", O_RDWR | O_CLOEXEC));

  std::optional<SignalsHeldBack> signals;
  std::optional<HeldThreads> held;
  if (has_other_threads()) {
    signals.emplace();
    if (writable) close_entries();
    held.emplace(is_inside, this);
  }
  for (std::size_t i = 0; i < count_; ++i) {
    Patch& patch = patches_[i];
    if (patch.state != Patch::State::planned) continue;
    unsigned char jump[kLongestJump];
    const std::size_t size = make_jump(jump, patch.site, patch.island);
    const bool stored = writable ? machine::store_code(patch.site, jump, size)
                                 : memory_file >= 0 && store_through_memory_file(memory_file, patch.site, jump, size);
    if (!stored) patch.trouble = writable ? "its entry is not aligned" : "its text cannot be made writable";
    patch.state = stored && verify(patch) ? Patch::State::patched : Patch::State::failed;
    if (patch.state == Patch::State::failed && !patch.trouble) patch.trouble = "the self-test failed";
  }
  held.reset();
  signals.reset();
  if (memory_file >= 0) sys::call(SYS_close, memory_file);
}

// Self-test: what a processor would run from the entry leads to the replacement, and from the original behind the
// patch.
bool Patcher::verify(const Patch& patch) const noexcept {
  if (!is_jump_to(patch.site, patch.island)) return false;
  unsigned char expected[kOriginalAt];
  const unsigned char* end = write_island(expected, patch.target, patch.replacement);
  if (std::memcmp(expected, patch.island, static_cast<std::size_t>(end - expected)) != 0) return false;
  if (!patch.original) return true;
  const auto* code = static_cast<const unsigned char*>(*patch.original);
  return code == patch.island + kOriginalAt && is_original(code);
}

// The second way: every loaded object's GOT entries that hold the function's address.
void Patcher::redirect(Patch& patch) noexcept {
  struct Job {
    Patch& patch;
    const Patcher& patcher;
    std::size_t written;
  } job{patch, *this, 0};
  each_object(
      [](const LoadedObject& object, void* context) {
        auto& j = *static_cast<Job*>(context);
        if (!object.symbols || object.whole.contains(word(j.patch.target))) return true;
        auto rewrite = [&](const Elf64_Rela* table, std::size_t bytes) {
          for (std::size_t i = 0; table && i < bytes / sizeof *table; ++i) {
            if (!machine::holds_function(static_cast<std::uint32_t>(ELF64_R_TYPE(table[i].r_info)))) continue;
            const Elf64_Sym& symbol = object.symbols[ELF64_R_SYM(table[i].r_info)];
            if (std::strcmp(object.strings + symbol.st_name, j.patch.symbol) != 0) continue;
            auto* slot = reinterpret_cast<const void**>(object.base + table[i].r_offset);
            const std::uintptr_t page = page_down(word(slot));
            if (sys::call(SYS_mprotect, page, kPage, PROT_READ | PROT_WRITE) != 0) continue;
            __atomic_store_n(slot, j.patch.replacement, __ATOMIC_SEQ_CST);
            // Left writable: whether the page was RELRO or lazily bound data is not known here.
            ++j.written;
          }
        };
        rewrite(object.plt_relocations, object.plt_size);
        rewrite(object.relocations, object.relocations_size);
        return true;
      },
      &job);
  if (patch.original) *patch.original = patch.target;
  patch.state = job.written ? Patch::State::redirected : Patch::State::failed;
}

void Patcher::commit() noexcept {
  if (!count_) return;
  const bool mapped = map_islands();
  for (std::size_t i = 0; i < count_; ++i) {
    Patch& patch = patches_[i];
    if (patch.state != Patch::State::planned) continue;
    patch.island = reinterpret_cast<unsigned char*>(islands_.begin + i * kIsland);
    if (!mapped) patch.trouble = "no memory within reach of libc";
    if (!mapped || !build(patch)) patch.state = Patch::State::failed;
  }
  if (mapped) {
    machine::code_written(reinterpret_cast<unsigned char*>(islands_.begin),
                          reinterpret_cast<unsigned char*>(islands_.end));
    sys::call(SYS_mprotect, islands_.begin, islands_.end - islands_.begin, PROT_READ | PROT_EXEC);
    write_jumps();
  }
  for (std::size_t i = 0; i < count_; ++i)
    if (patches_[i].state == Patch::State::failed) redirect(patches_[i]);
}

std::size_t Patcher::repair() noexcept {
  std::size_t missing = 0;
  for (std::size_t i = 0; i < count_; ++i) {
    Patch& patch = patches_[i];
    if (patch.state != Patch::State::patched) continue;
    if (is_jump_to(patch.site, patch.island)) continue;
    patch.state = Patch::State::planned;
    ++missing;
  }
  if (missing) write_jumps();
  return missing;
}

}  // namespace ap::interpose
