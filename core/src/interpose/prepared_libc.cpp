// SPDX-License-Identifier: Apache-2.0
#include "interpose/prepared_libc.hpp"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cstring>
#include <iterator>
#include <new>

#include "base/syscall.hpp"
#include "base/threads.hpp"
#include "interpose/dns_payload.hpp"
#include "interpose/image_descriptor.hpp"
#include "interpose/machine.hpp"
#include "interpose/patch_code.hpp"
#include "interpose/plan.hpp"
#include "interpose/program.hpp"

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000  // Linux 4.17; before that a hint
#endif

namespace ap::interpose {
namespace {

constexpr std::size_t kPage = 4096;
constexpr std::uint64_t kMagic = 0x0a4342494c525041ull;  // "APRLIBC\n"
constexpr std::size_t kId = 20;
constexpr std::uint32_t kUnknown = ~std::uint32_t{0};
constexpr std::size_t kLargestLibc = 16u << 20;

struct Entry {
  std::uint32_t site;         // from libc's base
  std::uint32_t replacement;  // from our own base, as the original is
  std::uint32_t original;     // where its address belongs; 0: nowhere
};

struct Header {
  std::uint64_t magic;
  std::uint32_t size;  // of all, whole pages
  std::uint32_t count, missing, wanted;
  std::uint32_t text_begin, text_size;  // from libc's base, whole pages
  char libc_id[kId], own_id[kId];
  // What the owner saw at its start, and a child need not look for.
  std::uint64_t loader_device, loader_inode;
  std::uint32_t search_size;  // kUnknown: too long
  char search_domains[640];
  Entry entries[Patcher::kCapacity];
};
static_assert(sizeof(Header) <= kPage);

std::size_t rounded(std::size_t size) {
  return (size + kPage - 1) & ~(kPage - 1);
}
std::uintptr_t word(const void* p) {
  return reinterpret_cast<std::uintptr_t>(p);
}
std::size_t islands_size(std::uint32_t count) {
  return kPage + rounded(count * kIsland);
}
unsigned char* island(unsigned char* islands, std::size_t i) {
  return islands + kPage + i * kIsland;
}
bool failed(long mapped) {
  return mapped < 0 && mapped > -4096;
}

bool copy_id(std::string_view id, char* to) {
  if (id.size() != kId) return false;
  std::memcpy(to, id.data(), kId);
  return true;
}

bool find_own(LoadedObject& own) {
  return object_at(reinterpret_cast<const void*>(&map_prepared_libc), own);
}

bool read_at(int file, void* to, std::size_t size, std::uint64_t offset) {
  return sys::call(SYS_pread64, file, to, size, offset) == static_cast<long>(size);
}

}  // namespace

// --- the owner
// -------------------------------------------------------------------------------------------------------------

PreparedLibc::~PreparedLibc() {
  if (memory_) sys::call(SYS_munmap, memory_, size_);
}

// The file up to the end of its text, laid out as it is loaded: addresses in it are offsets in the file.
bool PreparedLibc::load(int file, const LoadedObject& libc) noexcept {
  alignas(8) unsigned char start[2048];
  struct stat st;
  if (sys::call(SYS_fstat, file, &st) != 0 || st.st_size > static_cast<off_t>(kLargestLibc) ||
      !read_at(file, start, sizeof start, 0))
    return false;
  const auto& header = *reinterpret_cast<const Elf64_Ehdr*>(start);
  if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_phentsize != sizeof(Elf64_Phdr) ||
      header.e_phoff > sizeof start || header.e_phnum > (sizeof start - header.e_phoff) / sizeof(Elf64_Phdr))
    return false;
  const auto* segments = reinterpret_cast<const Elf64_Phdr*>(start + header.e_phoff);
  const Elf64_Phdr *text = nullptr, *dynamic = nullptr;
  for (int i = 0; i < header.e_phnum; ++i) {
    const Elf64_Phdr& segment = segments[i];
    if (segment.p_type == PT_DYNAMIC) dynamic = &segment;
    if (segment.p_type != PT_LOAD || !(segment.p_flags & PF_X)) continue;
    if (text || segment.p_vaddr != segment.p_offset || segment.p_filesz != segment.p_memsz) return false;
    text = &segment;
  }
  alignas(8) unsigned char table[2048];
  if (!text || !dynamic || dynamic->p_filesz > sizeof table - sizeof(Elf64_Dyn)) return false;
  const std::size_t end = text->p_offset + text->p_filesz, room = rounded(end) + 2 * kPage + rounded(sizeof(Patcher));
  if (end > static_cast<std::size_t>(st.st_size) || libc.text.begin - libc.base != text->p_vaddr ||
      libc.text.end - libc.text.begin != text->p_memsz)
    return false;

  const long at = sys::call(SYS_mmap, nullptr, islands_distance() + room, PROT_NONE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (failed(at)) return false;
  memory_ = reinterpret_cast<unsigned char*>(at);
  size_ = islands_distance() + room;
  unsigned char* base = memory_ + islands_distance();
  constexpr int kWritable = PROT_READ | PROT_WRITE;
  if (sys::call(SYS_mprotect, memory_, islands_size(Patcher::kCapacity), kWritable) != 0 ||
      sys::call(SYS_mprotect, base + rounded(end), room - rounded(end), kWritable) != 0 ||
      failed(sys::call(SYS_mmap, base, rounded(end), kWritable, MAP_PRIVATE | MAP_FIXED, file, 0)) ||
      !read_at(file, table, dynamic->p_filesz, dynamic->p_offset))
    return false;
  std::memset(table + dynamic->p_filesz, 0, sizeof(Elf64_Dyn));

  file_.base = word(base);
  file_.text = {word(base) + text->p_offset, word(base) + end};
  file_.whole = {word(base), word(base) + rounded(end)};
  std::size_t notes = 0;
  for (int i = 0; i < header.e_phnum; ++i)
    if (segments[i].p_type == PT_NOTE && notes < std::size(file_.notes) &&
        segments[i].p_offset + segments[i].p_filesz <= end)
      file_.notes[notes++] = {word(base) + segments[i].p_offset,
                              word(base) + segments[i].p_offset + segments[i].p_filesz};
  read_dynamic(reinterpret_cast<const Elf64_Dyn*>(table), file_);
  for (const void* tables : {static_cast<const void*>(file_.symbols), static_cast<const void*>(file_.strings),
                             static_cast<const void*>(file_.gnu_hash), static_cast<const void*>(file_.versions)})
    if (tables && !file_.whole.contains(word(tables))) return false;
  return !build_id(file_).empty() && build_id(file_) == build_id(libc);
}

bool PreparedLibc::patch(const LoadedObject& own, const LoadedObject& libc, std::uint32_t wanted) noexcept {
  unsigned char *islands = memory_, *base = memory_ + islands_distance();
  Header& header = *new (reinterpret_cast<void*>(file_.whole.end)) Header{};
  Patcher& plan = *new (reinterpret_cast<void*>(file_.whole.end + kPage)) Patcher;
  header.missing = plan_calls(&file_, 1, wanted, plan, true);
  header.count = static_cast<std::uint32_t>(plan.size());
  header.magic = kMagic;
  header.wanted = wanted;
  header.text_begin = static_cast<std::uint32_t>((file_.text.begin - file_.base) & ~(kPage - 1));
  header.text_size = static_cast<std::uint32_t>(file_.whole.end - file_.base - header.text_begin);
  header.size = static_cast<std::uint32_t>(kPage + islands_size(header.count) + header.text_size);
  if (!header.count || !copy_id(build_id(libc), header.libc_id) || !copy_id(build_id(own), header.own_id)) return false;

  const FileId loader = known_loader();
  header.loader_device = loader.device;
  header.loader_inode = loader.inode;
  const std::string_view domains = known_search_domains();
  header.search_size = kUnknown;
  if (domains.size() <= sizeof header.search_domains) {
    header.search_size = static_cast<std::uint32_t>(domains.size());
    std::memcpy(header.search_domains, domains.data(), domains.size());
  }

  const auto from_own = [&](const void* at) { return static_cast<std::uint32_t>(word(at) - own.base); };
  auto* slots = reinterpret_cast<const void* const*>(islands);
  for (std::size_t i = 0; i < plan.size(); ++i) {
    const Patch& patch = plan[i];
    unsigned char* at = island(islands, i);
    if (!own.whole.contains(word(patch.replacement)) || (patch.original && !own.whole.contains(word(patch.original))) ||
        move_prologue(patch.target, patch.original ? at + kOriginalAt : nullptr).trouble)
      return false;
    write_island_by_slot(at, patch.target, slots + i);
    header.entries[i] = {static_cast<std::uint32_t>(patch.site - base), from_own(patch.replacement),
                         patch.original ? from_own(patch.original) : 0};
  }
  for (std::size_t i = 0; i < plan.size(); ++i) make_jump(plan[i].site, plan[i].site, island(islands, i));
  for (std::size_t i = 0; i < plan.size(); ++i)
    if (!is_jump_to(plan[i].site, island(islands, i)) ||
        (plan[i].original && !is_original(island(islands, i) + kOriginalAt)))
      return false;

  pieces_[0] = {&header, kPage};
  pieces_[1] = {islands, islands_size(header.count)};
  pieces_[2] = {base + header.text_begin, header.text_size};
  return true;
}

bool PreparedLibc::make(std::uint32_t wanted) noexcept {
  LoadedObject libc, own;
  if (!find_object("libc.so.6", libc) || !find_own(own)) return false;
  const long file = sys::call(SYS_openat, AT_FDCWD, libc.name, O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  const bool loaded = load(static_cast<int>(file), libc);
  sys::call(SYS_close, file);
  return loaded && patch(own, libc, wanted);
}

// --- the child
// -------------------------------------------------------------------------------------------------------------

bool map_prepared_libc(int fd, std::uint64_t offset, const LoadedObject& libc, std::uint32_t wanted,
                       MappedLibc& out) noexcept {
  Header header;
  LoadedObject own;
  struct stat st;
  // INVARIANT: what becomes code here cannot be changed any more by anybody.
  if (!is_sealed(fd) || !find_own(own) || !read_at(fd, &header, sizeof header, offset)) return false;
  const std::string_view libc_id{header.libc_id, kId}, own_id{header.own_id, kId};
  const std::uintptr_t text = libc.base + header.text_begin;
  const std::size_t code = islands_size(header.count);
  if (header.magic != kMagic || header.wanted != wanted || header.count > Patcher::kCapacity ||
      header.size != kPage + code + header.text_size || build_id(libc) != libc_id || build_id(own) != own_id ||
      (libc.text.begin & ~(kPage - 1)) != text || rounded(libc.text.end) != text + header.text_size ||
      libc.base < islands_distance() || sys::call(SYS_fstat, fd, &st) != 0 ||
      static_cast<std::uint64_t>(st.st_size) < offset + header.size || has_other_threads())
    return false;

  auto* islands = reinterpret_cast<unsigned char*>(libc.base - islands_distance());
  const long at =
      sys::call(SYS_mmap, islands, code, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED_NOREPLACE, fd, offset + kPage);
  if (failed(at)) return false;
  auto drop = [&] {
    sys::call(SYS_munmap, at, code);
    return false;
  };
  if (at != static_cast<long>(word(islands))) return drop();
  auto** slots = reinterpret_cast<const void**>(islands);
  for (std::size_t i = 0; i < header.count; ++i)
    slots[i] = reinterpret_cast<const void*>(own.base + header.entries[i].replacement);
  if (sys::call(SYS_mprotect, islands, code, PROT_READ | PROT_EXEC) != 0) return drop();
  const long mapped =
      sys::call(SYS_mmap, text, header.text_size, PROT_READ | PROT_EXEC | machine::text_protection(libc),
                MAP_PRIVATE | MAP_FIXED, fd, offset + kPage + code);
  if (failed(mapped)) return drop();
  for (std::size_t i = 0; i < header.count; ++i)
    if (header.entries[i].original)
      *reinterpret_cast<void**>(own.base + header.entries[i].original) = island(islands, i) + kOriginalAt;
  out.islands = {word(islands), word(islands) + code};
  out.patched = header.count;
  out.missing = header.missing;
  if (header.loader_inode) remember_loader({header.loader_device, header.loader_inode});
  out.knows_loader = header.loader_inode != 0;
  out.knows_search_domains = header.search_size <= sizeof header.search_domains &&
                             remember_search_domains({header.search_domains, header.search_size});
  return true;
}

}  // namespace ap::interpose
