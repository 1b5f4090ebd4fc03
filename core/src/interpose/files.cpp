// SPDX-License-Identifier: Apache-2.0
//
// File calls that open, make, remove, rename and cut. What only asks is in file_questions.cpp, what changes a file's
// metadata in file_metadata.cpp; the shapes of all are in file_shapes.hpp.
// Covered by the entries below inside glibc: fopen, opendir, scandir, mkstemp, tmpfile, mkdtemp, shm_open, sem_open,
// fts, ftw. Not decided again: read, write, sendfile, copy_file_range, ftruncate on a descriptor (its open was).
#include "interpose/files.hpp"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <sys/stat.h>

#include "base/syscall.hpp"
#include "interpose/calls.hpp"
#include "interpose/decide.hpp"
#include "interpose/file_shapes.hpp"
#include "interpose/old_numbers.hpp"
#include "interpose/spawn_stack.hpp"
#include "interpose/user_memory.hpp"

namespace ap::interpose {
namespace {

// --- open
// ------------------------------------------------------------------------------------------------------------------

long open_at(int dirfd, long user_path, std::uint64_t flags, std::uint64_t mode) {
  PathBuffer path;
  const long length = copy_path(path, text(user_path));
  return length < 0 ? length : guarded_open(dirfd, path, flags, mode);
}

std::uint64_t flags_of(long word) {
  return static_cast<std::uint32_t>(word);
}
std::uint64_t mode_of(long word) {
  return static_cast<std::uint32_t>(word) & 07777;
}

// posix_spawn's child opens with these two (file actions).
long do_openat(long dirfd, long path, long flags, long mode, long, long) {
  if (SpawnStack::waiting()) return SpawnStack::run(do_openat, dirfd, path, flags, mode, 0, 0);
  return open_at(fd_of(dirfd), path, flags_of(flags), mode_of(mode));
}
long do_open(long path, long flags, long mode, long, long, long) {
  return do_openat(AT_FDCWD, path, flags, mode, 0, 0);
}
long do_creat(long path, long mode, long, long, long, long) {
  return open_at(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode_of(mode));
}

long do_openat2(long dirfd, long user_path, long user_how, long size, long, long) {
  open_how how{};
  if (size != static_cast<long>(sizeof how)) return size < static_cast<long>(sizeof how) ? -EINVAL : -E2BIG;
  if (copy_bytes(&how, reinterpret_cast<const void*>(user_how), sizeof how) < 0) return -EFAULT;
  PathBuffer path;
  const long length = copy_path(path, text(user_path));
  if (length < 0) return length;
  // Let the kernel judge the form of the call first: what it finds invalid it must find invalid here.
  if (how.flags >> 32 || (how.mode && !(how.flags & (O_CREAT | O_TMPFILE))) || how.mode & ~std::uint64_t{07777})
    return sys::call(SYS_openat2, fd_of(dirfd), "", &how, sizeof how);
  return guarded_open(fd_of(dirfd), path, how.flags, how.mode, how.resolve);
}

long do_open_by_handle_at(long mount, long user_handle, long flags, long, long, long) {
  struct {
    unsigned bytes;
    int type;
    unsigned char data[128];
  } handle;
  const auto* from = reinterpret_cast<const unsigned char*>(user_handle);
  if (copy_bytes(&handle, from, 8) < 0) return -EFAULT;
  if (handle.bytes > sizeof handle.data) return -EINVAL;
  if (copy_bytes(handle.data, from + 8, handle.bytes) < 0) return -EFAULT;
  Descriptor object;
  object.open([&] { return sys::call(SYS_open_by_handle_at, fd_of(mount), &handle, O_PATH | O_CLOEXEC); });
  object.move_high();
  if (!object) return sys::call(SYS_open_by_handle_at, fd_of(mount), &handle, O_PATH | O_CLOEXEC);
  PathBuffer link;
  link.assign(DescriptorPath(object.get()).text);
  return guarded_open(AT_FDCWD, link, flags_of(flags), 0);
}

// --- names
// -----------------------------------------------------------------------------------------------------------------

long do_mkdirat(long dirfd, long path, long mode, long, long, long) {
  return on_entry(AP_FILE_CREATE, fd_of(dirfd), path,
                  [&](int dir, const char* name) { return sys::call(SYS_mkdirat, dir, name, mode); });
}
long do_mkdir(long path, long mode, long, long, long, long) {
  return do_mkdirat(AT_FDCWD, path, mode, 0, 0, 0);
}

long do_mknodat(long dirfd, long path, long mode, long device, long, long) {
  return on_entry(AP_FILE_CREATE, fd_of(dirfd), path,
                  [&](int dir, const char* name) { return sys::call(SYS_mknodat, dir, name, mode, device); });
}
long do_mknod(long path, long mode, long device, long, long, long) {
  return do_mknodat(AT_FDCWD, path, mode, device, 0, 0);
}
// glibc before 2.33: a version word first, the device by pointer.
long do_xmknodat(long, long dirfd, long path, long mode, long device, long) {
  std::uint64_t number;
  if (copy_bytes(&number, reinterpret_cast<const void*>(device), sizeof number) < 0) return -EFAULT;
  return do_mknodat(dirfd, path, mode, static_cast<long>(number), 0, 0);
}
long do_xmknod(long version, long path, long mode, long device, long, long) {
  return do_xmknodat(version, AT_FDCWD, path, mode, device, 0);
}

long do_unlinkat(long dirfd, long path, long flags, long, long, long) {
  return on_entry(AP_FILE_DELETE, fd_of(dirfd), path, [&](int dir, const char* name) {
    return sys::call(SYS_unlinkat, dir, name, static_cast<int>(flags));
  });
}
long do_unlink(long path, long, long, long, long, long) {
  return do_unlinkat(AT_FDCWD, path, 0, 0, 0, 0);
}
long do_rmdir(long path, long, long, long, long, long) {
  return do_unlinkat(AT_FDCWD, path, AT_REMOVEDIR, 0, 0, 0);
}

// libc's own: one deletion, of whichever kind.
long do_remove(long path, long, long, long, long, long) {
  const long result = on_entry(AP_FILE_DELETE, AT_FDCWD, path, [&](int dir, const char* name) {
    const long removed = sys::call(SYS_unlinkat, dir, name, 0);
    return removed == -EISDIR ? sys::call(SYS_unlinkat, dir, name, AT_REMOVEDIR) : removed;
  });
  if (result != -EMFILE && result != -ENFILE) return result;
  const long file = with_full_table(do_unlink, result, {path});
  return file == -EISDIR ? with_full_table(do_rmdir, file, {path}) : file;
}

long do_symlinkat(long user_target, long dirfd, long path, long, long, long) {
  PathBuffer target;
  const long length = copy_path(target, text(user_target));
  if (length <= 0) return length ? length : -ENOENT;
  return on_entry(AP_FILE_SYMLINK, fd_of(dirfd), path,
                  [&](int dir, const char* name) { return sys::call(SYS_symlinkat, target.data, dir, name); });
}
long do_symlink(long target, long path, long, long, long, long) {
  return do_symlinkat(target, AT_FDCWD, path, 0, 0, 0);
}

// Two names. `kind` decides the direction of each (guard::directions). Of several errors the kernel's first is told:
// flags, the first path, the second.
long do_renameat2(long from_dir, long from_path, long to_dir, long to_path, long word, long) {
  const auto flags = static_cast<unsigned>(word);
  constexpr unsigned kKnown = RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT;
  if ((flags & ~kKnown) || ((flags & RENAME_EXCHANGE) && (flags & ~unsigned{RENAME_EXCHANGE}))) return -EINVAL;
  PathBuffer from, to;
  if (const long n = copy_path(from, text(from_path)); n < 0) return n;
  const long copied = copy_path(to, text(to_path));
  Entry source, target;
  if (const long r = canonical::resolve_entry(fd_of(from_dir), from, source); r < 0 && !source.parent) return r;
  if (copied < 0) return copied;
  if (const long r = canonical::resolve_entry(fd_of(to_dir), to, target); r < 0 && !target.parent) return r;
  Operation op = file(AP_FILE_RENAME, source.path.view());
  op.text2 = str(target.path.view());
  Verdict verdict;
  int action = judge(op, verdict);
  if ((flags & RENAME_EXCHANGE) && action != AP_DENY) {
    Operation back = file(AP_FILE_RENAME, target.path.view());
    back.text2 = str(source.path.view());
    Verdict other;
    if (judge(back, other) > action) {
      op = back;
      verdict = other;
    }
  }
  if (const long refused = settle(op, verdict, from.view(), to.view())) return refused;
  return flags ? sys::call(SYS_renameat2, source.parent.get(), source.name, target.parent.get(), target.name, flags)
               : sys::call(SYS_renameat, source.parent.get(), source.name, target.parent.get(), target.name);
}
long do_renameat(long from_dir, long from, long to_dir, long to, long, long) {
  return do_renameat2(from_dir, from, to_dir, to, 0, 0);
}
long do_rename(long from, long to, long, long, long, long) {
  return do_renameat2(AT_FDCWD, from, AT_FDCWD, to, 0, 0);
}

long do_linkat(long from_dir, long from_path, long to_dir, long to_path, long word, long) {
  const auto flags = static_cast<int>(word);
  if (flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH)) return -EINVAL;
  PathBuffer from, to, real;
  if (const long n = copy_path(from, text(from_path)); n < 0) return n;
  const long copied = copy_path(to, text(to_path));
  Descriptor object;
  const bool empty = (flags & AT_EMPTY_PATH) && from.size == 0;
  const held::Lock lock(empty ? fd_of(from_dir) : -1);
  if (!lock) return -EBUSY;
  if (empty) {
    if (const long r = canonical::path_of(fd_of(from_dir), real); r < 0) return r == -ENOTDIR ? -EXDEV : r;
  } else if (const long r =
                 canonical::find(fd_of(from_dir), from, nofollow(!(flags & AT_SYMLINK_FOLLOW)), object, real);
             r < 0) {
    return object ? -EXDEV : r;  // a pipe has no directory on any file system
  }
  if (copied < 0) return copied;
  Entry target;
  if (const long r = canonical::resolve_entry(fd_of(to_dir), to, target); r < 0 && !target.parent) return r;
  Operation op = file(AP_FILE_LINK, real.view());
  op.text2 = str(target.path.view());
  if (const long refused = decide(op, from.view(), to.view())) return refused;
  if (empty) return sys::call(SYS_linkat, from_dir, "", target.parent.get(), target.name, flags);
  const DescriptorPath link(object.get());
  struct stat st;
  if (sys::call(SYS_fstat, object.get(), &st) == 0 && S_ISLNK(st.st_mode)) {
    // A link itself has no name under /proc/self/fd that does not lead on: by its entry.
    Entry source;
    if (const long r = canonical::resolve_entry(fd_of(from_dir), from, source); r < 0) return r;
    if (source.path.view() != real.view()) return -EPERM;  // exchanged meanwhile
    return sys::call(SYS_linkat, source.parent.get(), source.name, target.parent.get(), target.name, 0);
  }
  return sys::call(SYS_linkat, AT_FDCWD, link.text, target.parent.get(), target.name, AT_SYMLINK_FOLLOW);
}
long do_link(long from, long to, long, long, long, long) {
  return do_linkat(AT_FDCWD, from, AT_FDCWD, to, 0, 0);
}

// --- contents

long do_truncate(long path, long length, long, long, long, long) {
  return on_object(AP_FILE_WRITE, AT_FDCWD, path, 0,
                   [&](int object) { return sys::call(SYS_truncate, DescriptorPath(object).text, length); });
}

}  // namespace

Table<Call> file_calls() noexcept {
  static const Call rows[] = {
      {"open", entry_of<do_open>(), kFiles},
      {"open64", entry_of<do_open>(), kFiles},
      {"__open_2", entry_of<do_open>(), kFiles},
      {"__open64_2", entry_of<do_open>(), kFiles},
      {"__open_nocancel", entry_of<do_open>(), kFiles},
      {"openat", entry_of<do_openat>(), kFiles},
      {"openat64", entry_of<do_openat>(), kFiles},
      {"__openat_2", entry_of<do_openat>(), kFiles},
      {"__openat64_2", entry_of<do_openat>(), kFiles},
      {"__openat_nocancel", entry_of<do_openat>(), kFiles},  // not exported: install.cpp finds it
      {"creat", entry_of<do_creat>(), kFiles},
      {"creat64", entry_of<do_creat>(), kFiles},
      {"open_by_handle_at", entry_of<do_open_by_handle_at>(), kFiles},
      {"mkdir", entry_of<do_mkdir>(), kFiles},
      {"mkdirat", entry_of<do_mkdirat>(), kFiles},
      {"mknod", entry_of<do_mknod>(), kFiles},
      {"mknodat", entry_of<do_mknodat>(), kFiles},
      {"__xmknod", entry_of<do_xmknod>(), kFiles},
      {"__xmknodat", entry_of<do_xmknodat>(), kFiles},
      {"unlink", entry_of<do_unlink>(), kFiles},
      {"unlinkat", entry_of<do_unlinkat>(), kFiles},
      {"rmdir", entry_of<do_rmdir>(), kFiles},
      {"remove", entry_of<do_remove>(), kFiles},
      {"symlink", entry_of<do_symlink>(), kFiles},
      {"symlinkat", entry_of<do_symlinkat>(), kFiles},
      {"rename", entry_of<do_rename>(), kFiles},
      {"renameat", entry_of<do_renameat>(), kFiles},
      {"renameat2", entry_of<do_renameat2>(), kFiles},
      {"link", entry_of<do_link>(), kFiles},
      {"linkat", entry_of<do_linkat>(), kFiles},
      {"truncate", entry_of<do_truncate>(), kFiles},
      {"truncate64", entry_of<do_truncate>(), kFiles},
  };
  return table(rows);
}

Table<Number> file_numbers() noexcept {
  static const Number rows[] = {
      {old_number(Old::open), do_open, kFiles},
      {SYS_openat, do_openat, kFiles},
      {SYS_openat2, do_openat2, kFiles},
      {old_number(Old::creat), do_creat, kFiles},
      {SYS_open_by_handle_at, do_open_by_handle_at, kFiles},
      {old_number(Old::mkdir), do_mkdir, kFiles},
      {SYS_mkdirat, do_mkdirat, kFiles},
      {old_number(Old::mknod), do_mknod, kFiles},
      {SYS_mknodat, do_mknodat, kFiles},
      {old_number(Old::unlink), do_unlink, kFiles},
      {SYS_unlinkat, do_unlinkat, kFiles},
      {old_number(Old::rmdir), do_rmdir, kFiles},
      {old_number(Old::symlink), do_symlink, kFiles},
      {SYS_symlinkat, do_symlinkat, kFiles},
      {old_number(Old::rename), do_rename, kFiles},
      {SYS_renameat, do_renameat, kFiles},
      {SYS_renameat2, do_renameat2, kFiles},
      {old_number(Old::link), do_link, kFiles},
      {SYS_linkat, do_linkat, kFiles},
      {SYS_truncate, do_truncate, kFiles},
  };
  return table(rows);
}

}  // namespace ap::interpose
