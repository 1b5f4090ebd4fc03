// SPDX-License-Identifier: Apache-2.0
#include "interpose/program.hpp"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <cstring>

#include "base/syscall.hpp"
#include "guard/canonical.hpp"
#include "interpose/machine.hpp"

namespace ap::interpose {
namespace {

using canonical::Descriptor;
using canonical::DescriptorPath;

FileId loader, spawn_helper;

bool same(const struct stat& st, const FileId& id) {
  return id.inode && st.st_dev == id.device && st.st_ino == id.inode;
}

// Raised privileges make the loader ignore LD_PRELOAD.
bool raises_privileges(int object, const struct stat& st) {
  if ((st.st_mode & S_ISUID) && static_cast<long>(st.st_uid) != sys::call(SYS_getuid)) return true;
  if ((st.st_mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP) &&
      static_cast<long>(st.st_gid) != sys::call(SYS_getgid))
    return true;
  char capability[24];
  return sys::call(SYS_getuid) != 0 &&
         sys::call(SYS_getxattr, DescriptorPath(object).text, "security.capability", capability, sizeof capability) > 0;
}

bool our_loader(const char* path) {
  struct stat st;
  return sys::call(SYS_newfstatat, AT_FDCWD, path, &st, 0) == 0 && same(st, loader);
}

// A native program: for this processor, 64 bits, with our loader as its interpreter.
bool native_enterable(int fd, const unsigned char* head, std::size_t size) {
  Elf64_Ehdr header;
  if (size < sizeof header) return false;
  std::memcpy(&header, head, sizeof header);
  if (header.e_ident[EI_CLASS] != ELFCLASS64 || !machine::runs(header.e_machine) ||
      header.e_phentsize != sizeof(Elf64_Phdr))
    return false;
  for (unsigned i = 0; i < header.e_phnum && i < 64; ++i) {
    Elf64_Phdr segment;
    const auto at = static_cast<long>(header.e_phoff + i * sizeof segment);
    if (sys::call(SYS_pread64, fd, &segment, sizeof segment, at) != static_cast<long>(sizeof segment)) return false;
    if (segment.p_type != PT_INTERP) continue;
    char interpreter[256];
    if (segment.p_filesz == 0 || segment.p_filesz >= sizeof interpreter) return false;
    if (sys::call(SYS_pread64, fd, interpreter, segment.p_filesz, segment.p_offset) !=
        static_cast<long>(segment.p_filesz))
      return false;
    interpreter[segment.p_filesz] = 0;
    return our_loader(interpreter);
  }
  return false;  // static, or the loader itself
}

// For reading. By its path, and only where that still leads to the same file: a name below /proc/thread-self has to be
// made by the kernel in every new process, which costs as much as all the rest here.
void open_for_reading(int object, const struct stat& st, const char* path, Descriptor& file) {
  struct stat there;
  file.open(
      [&] { return canonical::open_without_links(AT_FDCWD, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0); });
  if (file && sys::call(SYS_fstat, file.get(), &there) == 0 && same(there, {st.st_dev, st.st_ino})) return;
  file.open([&] { return sys::call(SYS_openat, AT_FDCWD, DescriptorPath(object).text, O_RDONLY | O_CLOEXEC); });
}

Program inspect_at_depth(int object, const char* path, int depth) {
  Program program;
  struct stat st;
  program.error = sys::call(SYS_fstat, object, &st);
  if (program.error < 0) return program;
  if (!S_ISREG(st.st_mode)) {
    program.form = Program::Form::other;
    return program;
  }
  program.enterable = !raises_privileges(object, st);
  Descriptor file;
  open_for_reading(object, st, path, file);
  if (!file) {  // may be executable without being readable: nothing is known of it
    program.form = Program::Form::native;
    program.enterable = false;
    return program;
  }
  unsigned char head[256];
  const long size = sys::call(SYS_pread64, file.get(), head, sizeof head, 0);
  if (size < 4) {
    program.form = Program::Form::other;
    return program;
  }
  if (std::memcmp(head, ELFMAG, SELFMAG) == 0) {
    program.form = Program::Form::native;
    program.enterable = program.enterable && native_enterable(file.get(), head, static_cast<std::size_t>(size));
    return program;
  }
  if (head[0] != '#' || head[1] != '!') {
    program.form = Program::Form::other;
    return program;
  }
  program.form = Program::Form::script;
  program.enterable = true;  // set-uid means nothing on a script
  // The interpreter: first word behind #!, as the kernel reads it.
  long at = 2;
  while (at < size && (head[at] == ' ' || head[at] == '\t')) ++at;
  char interpreter[256];
  std::size_t length = 0;
  while (at < size && head[at] != ' ' && head[at] != '\t' && head[at] != '\n' && head[at])
    interpreter[length++] = static_cast<char>(head[at++]);
  interpreter[length] = 0;
  if (!length || depth >= 5) return program;
  Descriptor next;
  next.open([&] { return sys::call(SYS_openat, AT_FDCWD, interpreter, O_PATH | O_CLOEXEC); });
  if (next) program.enterable = inspect_at_depth(next.get(), interpreter, depth + 1).enterable;
  return program;
}

}  // namespace

Program inspect(int object, const char* path) noexcept {
  return inspect_at_depth(object, path, 0);
}

void remember_loader(const char* path) noexcept {
  struct stat st;
  if (sys::call(SYS_newfstatat, AT_FDCWD, path, &st, 0) == 0) loader = {st.st_dev, st.st_ino};
}
void remember_loader(const FileId& id) noexcept {
  loader = id;
}

void remember_spawn_helper(std::string_view library) noexcept {
  PathBuffer path;
  struct stat st;
  for (int up = 0; up < 2; ++up) library = library.substr(0, library.rfind('/'));
  if (path.assign(library) && path.append("/jspawnhelper") &&
      sys::call(SYS_newfstatat, AT_FDCWD, path.data, &st, 0) == 0)
    spawn_helper = {st.st_dev, st.st_ino};
}

bool is_spawn_helper(int object) noexcept {
  struct stat st;
  return spawn_helper.inode && sys::call(SYS_fstat, object, &st) == 0 && same(st, spawn_helper);
}

FileId known_loader() noexcept {
  return loader;
}

}  // namespace ap::interpose
