// SPDX-License-Identifier: Apache-2.0
#include "interpose/patch.hpp"

#include <fcntl.h>
#include <sys/mman.h>

#include <cstring>
#include <optional>

#include "base/syscall.hpp"
#include "base/threads.hpp"
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

// Replaces `size` bytes at `at` by one atomic store of the aligned 8 (or 16) bytes around them. False when they
// straddle more.
bool store(unsigned char* at, const unsigned char* bytes, std::size_t size) {
  auto* eight = reinterpret_cast<std::uint64_t*>(word(at) & ~std::uintptr_t{7});
  const std::size_t skip = word(at) - word(eight);
  if (skip + size <= 8) {
    std::uint64_t value = __atomic_load_n(eight, __ATOMIC_RELAXED);
    std::memcpy(reinterpret_cast<unsigned char*>(&value) + skip, bytes, size);
    __atomic_store_n(eight, value, __ATOMIC_SEQ_CST);
    return true;
  }
  auto* sixteen = reinterpret_cast<std::uint64_t*>(word(at) & ~std::uintptr_t{15});
  const std::size_t skip16 = word(at) - word(sixteen);
  if (skip16 + size > 16) return false;
  std::uint64_t old[2], fresh[2];
  bool done = false;
  while (!done) {
    old[0] = sixteen[0];
    old[1] = sixteen[1];
    std::memcpy(fresh, old, sizeof fresh);
    std::memcpy(reinterpret_cast<unsigned char*>(fresh) + skip16, bytes, size);
    __asm__ volatile("lock cmpxchg16b %1\n\tsetz %0"
                     : "=q"(done), "+m"(*reinterpret_cast<std::uint64_t(*)[2]>(sixteen)), "+a"(old[0]), "+d"(old[1])
                     : "b"(fresh[0]), "c"(fresh[1])
                     : "memory", "cc");
  }
  return true;
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
  const Prologue prologue = move_prologue(patch.site, original);
  patch.first = prologue.first;
  patch.moved = prologue.moved;
  patch.trouble = prologue.trouble;
  if (patch.trouble) return false;
  if (original) __atomic_store_n(patch.original, static_cast<void*>(original), __ATOMIC_SEQ_CST);
  write_island(patch.island, patch.replacement);
  return true;
}

// Threads that come to an entry wait there, in a jump to itself, until the whole jump is written. A first instruction
// of one byte has no room for it: there a thread that wakes in these microseconds is the one that is not kept out.
void Patcher::close_entries() noexcept {
  static constexpr unsigned char wait_here[] = {0xeb, 0xfe};
  for (std::size_t i = 0; i < count_; ++i) {
    const Patch& patch = patches_[i];
    if (patch.state == Patch::State::planned && patch.first >= sizeof wait_here &&
        (word(patch.site) & 15) + kJump <= 16)
      store(patch.site, wait_here, sizeof wait_here);
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

void Patcher::write_jumps() noexcept {
  AddressRange window;
  for (std::size_t i = 0; i < count_; ++i) {
    if (patches_[i].state != Patch::State::planned) continue;
    const std::uintptr_t site = word(patches_[i].site);
    if (!window.end || site < window.begin) window.begin = page_down(site);
    if (site + 16 > window.end) window.end = page_up(site + 16);
  }
  if (!window.end) return;

  // One window over the objects' texts; several objects (libpthread of old) lie apart, then page by page.
  LoadedObject first, last;
  const bool one = object_at(reinterpret_cast<void*>(window.begin), first) &&
                   object_at(reinterpret_cast<void*>(window.end - 1), last) && first.base == last.base;
  // All of the text: a part of it would be a mapping of its own, split off and joined again.
  if (one) window = first.text;
  auto protect = [&](std::uintptr_t begin, std::uintptr_t end, int how) {
    return sys::call(SYS_mprotect, begin, end - begin, how) == 0;
  };
  constexpr int open_window = PROT_READ | PROT_WRITE | PROT_EXEC, closed = PROT_READ | PROT_EXEC;
  const bool writable = !one || protect(window.begin, window.end, open_window);
  int memory_file = -1;
  if (!writable) memory_file = static_cast<int>(sys::call(SYS_openat, AT_FDCWD, "/proc/self/mem", O_RDWR | O_CLOEXEC));

  std::optional<SignalsHeldBack> signals;
  std::optional<HeldThreads> held;
  if (has_other_threads()) {
    signals.emplace();
    if (writable && one) close_entries();
    held.emplace(is_inside, this);
  }
  for (std::size_t i = 0; i < count_; ++i) {
    Patch& patch = patches_[i];
    if (patch.state != Patch::State::planned) continue;
    unsigned char jump[kJump];
    const auto distance = static_cast<std::int32_t>(word(patch.island) - word(patch.site) - kJump);
    jump[0] = 0xe9;
    std::memcpy(jump + 1, &distance, sizeof distance);
    const std::uintptr_t page = page_down(word(patch.site)), behind = page_up(word(patch.site) + 16);
    bool stored;
    if (!writable) {
      stored = memory_file >= 0 && store_through_memory_file(memory_file, patch.site, jump, kJump);
    } else {
      stored = (one || protect(page, behind, open_window)) && store(patch.site, jump, kJump);
      if (!one) protect(page, behind, closed);
    }
    if (!stored) patch.trouble = writable ? "its entry is not aligned" : "its text cannot be made writable";
    patch.state = stored && verify(patch) ? Patch::State::patched : Patch::State::failed;
    if (patch.state == Patch::State::failed && !patch.trouble) patch.trouble = "the self-test failed";
  }
  held.reset();
  signals.reset();
  if (writable && one) protect(window.begin, window.end, closed);
  if (memory_file >= 0) sys::call(SYS_close, memory_file);
}

// Self-test: what a processor would run from the entry leads to the replacement, and from the original behind the
// patch.
bool Patcher::verify(const Patch& patch) const noexcept {
  if (!is_jump_to(patch.site, patch.island)) return false;
  unsigned char expected[kIslandJump];
  write_island(expected, patch.replacement);
  if (std::memcmp(expected, patch.island, sizeof expected) != 0) return false;
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
            const auto type = ELF64_R_TYPE(table[i].r_info);
            if (type != R_X86_64_JUMP_SLOT && type != R_X86_64_GLOB_DAT) continue;
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
