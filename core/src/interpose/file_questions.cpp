// SPDX-License-Identifier: Apache-2.0
//
// File calls that only ask: stat, access, readlink, extended attributes, handles, and watches, which tell names too.
// Each is a read; installed where some read is not granted (kFileNames).
#include <fcntl.h>
#include <sys/fanotify.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include "base/syscall.hpp"
#include "interpose/calls.hpp"
#include "interpose/descriptors.hpp"
#include "interpose/file_shapes.hpp"
#include "interpose/old_numbers.hpp"

namespace ap::interpose {
namespace {

long do_newfstatat(long dirfd, long path, long buffer, long flags, long, long) {
  if (about_descriptor(path, flags) || (!path && (flags & AT_EMPTY_PATH)))
    return is_own_descriptor(fd_of(dirfd))
               ? -EBADF
               : sys::call(SYS_newfstatat, fd_of(dirfd), path, buffer, static_cast<int>(flags));  // open already
  return on_object(AP_FILE_STAT, fd_of(dirfd), path, nofollow(flags & AT_SYMLINK_NOFOLLOW),
                   [&](int object) { return sys::call(SYS_fstat, object, buffer); });
}
long do_stat(long path, long buffer, long, long, long, long) {
  return do_newfstatat(AT_FDCWD, path, buffer, 0, 0, 0);
}
long do_lstat(long path, long buffer, long, long, long, long) {
  return do_newfstatat(AT_FDCWD, path, buffer, AT_SYMLINK_NOFOLLOW, 0, 0);
}
long do_xstat(long version, long path, long buffer, long, long, long) {
  return version > 1 ? -EINVAL : call<do_stat>(path, buffer, 0, 0, 0, 0);
}
long do_lxstat(long version, long path, long buffer, long, long, long) {
  return version > 1 ? -EINVAL : call<do_lstat>(path, buffer, 0, 0, 0, 0);
}
long do_fxstatat(long version, long dirfd, long path, long buffer, long flags, long) {
  return version > 1 ? -EINVAL : call<do_newfstatat>(dirfd, path, buffer, flags, 0, 0);
}
long do_statx(long dirfd, long path, long flags, long mask, long buffer, long) {
  if (about_descriptor(path, flags) || (!path && (flags & AT_EMPTY_PATH)))
    return is_own_descriptor(fd_of(dirfd)) ? -EBADF : sys::call(SYS_statx, fd_of(dirfd), path, flags, mask, buffer);
  return on_object(AP_FILE_STAT, fd_of(dirfd), path, nofollow(flags & AT_SYMLINK_NOFOLLOW),
                   [&](int object) { return sys::call(SYS_statx, object, "", flags | AT_EMPTY_PATH, mask, buffer); });
}
long do_faccessat2(long dirfd, long path, long mode, long word, long, long) {
  const auto flags = static_cast<int>(word);
  if (about_descriptor(path, flags)) return sys::call(SYS_faccessat2, fd_of(dirfd), "", mode, flags);
  return on_object(AP_FILE_STAT, fd_of(dirfd), path, nofollow(flags & AT_SYMLINK_NOFOLLOW), [&](int object) {
    const long result = sys::call(SYS_faccessat2, object, "", static_cast<int>(mode), flags | AT_EMPTY_PATH);
    return result == -ENOSYS || result == -EPERM
               ? sys::call(SYS_faccessat, AT_FDCWD, DescriptorPath(object).text, static_cast<int>(mode))
               : result;
  });
}
long do_faccessat(long dirfd, long path, long mode, long, long, long) {
  return do_faccessat2(dirfd, path, mode, 0, 0, 0);
}
long do_access(long path, long mode, long, long, long, long) {
  return do_faccessat2(AT_FDCWD, path, mode, 0, 0, 0);
}
long do_euidaccess(long path, long mode, long, long, long, long) {
  return do_faccessat2(AT_FDCWD, path, mode, AT_EACCESS, 0, 0);
}

long do_readlinkat(long dirfd, long path, long buffer, long size, long, long) {
  if (about_descriptor(path, AT_EMPTY_PATH)) return sys::call(SYS_readlinkat, fd_of(dirfd), path, buffer, size);
  return on_entry(AP_FILE_STAT, fd_of(dirfd), path,
                  [&](int dir, const char* name) { return sys::call(SYS_readlinkat, dir, name, buffer, size); });
}
long do_readlink(long path, long buffer, long size, long, long, long) {
  return size <= 0 ? -EINVAL : do_readlinkat(AT_FDCWD, path, buffer, size, 0, 0);
}

// Tells that a name is there; statvfs and pathconf come by here.
long do_statfs(long path, long buffer, long, long, long, long) {
  return on_object(AP_FILE_STAT, AT_FDCWD, path, 0, [&](int object) { return sys::call(SYS_fstatfs, object, buffer); });
}

long do_name_to_handle_at(long dirfd, long path, long handle, long mount, long flags, long) {
  if (about_descriptor(path, flags))
    return sys::call(SYS_name_to_handle_at, fd_of(dirfd), path, handle, mount, static_cast<int>(flags));
  return on_object(AP_FILE_STAT, fd_of(dirfd), path, nofollow(!(flags & AT_SYMLINK_FOLLOW)), [&](int object) {
    return sys::call(SYS_name_to_handle_at, object, "", handle, mount, static_cast<int>(flags) | AT_EMPTY_PATH);
  });
}

long do_inotify_add_watch(long fd, long path, long word, long, long, long) {
  const auto mask = static_cast<std::uint32_t>(word);
  return on_object(AP_FILE_LIST, AT_FDCWD, path, nofollow(mask & IN_DONT_FOLLOW), [&](int object) {
    return sys::call(SYS_inotify_add_watch, fd_of(fd), DescriptorPath(object).text,
                     mask & ~std::uint32_t{IN_DONT_FOLLOW});
  });
}

// Events of a directory tell the names in it; those of a mount or a file system hand out descriptors of any file there.
long do_fanotify_mark(long fd, long flags, long mask, long dirfd, long path, long) {
  constexpr long kWide = FAN_MARK_MOUNT | 0x100 /* FAN_MARK_FILESYSTEM */;
  const auto mark = [&](int directory, const char* name) {
    return sys::call(SYS_fanotify_mark, fd_of(fd), static_cast<unsigned>(flags), mask, directory, name);
  };
  if (!(flags & FAN_MARK_ADD)) return sys::call(SYS_fanotify_mark, fd_of(fd), flags, mask, fd_of(dirfd), path);
  if (enforcing && (flags & kWide)) return refuse_native(AP_CALL_ADDRESS, "fanotify_mark");
  if (!path) return on_open(AP_FILE_LIST, fd_of(dirfd), [&](int object) { return mark(object, nullptr); });
  return on_object(AP_FILE_LIST, fd_of(dirfd), path, nofollow(flags & FAN_MARK_DONT_FOLLOW),
                   [&](int object) { return mark(AT_FDCWD, DescriptorPath(object).text); });
}

template <int number>
long get_attribute(long path, long b, long c, long d, long, long) {
  return on_object(AP_FILE_STAT, AT_FDCWD, path, 0,
                   [&](int object) { return sys::call(number, DescriptorPath(object).text, b, c, d); });
}
template <int number>
long get_link_attribute(long path, long b, long c, long d, long, long) {
  return on_entry(AP_FILE_STAT, AT_FDCWD, path, [&](int dir, const char* last) -> long {
    const EntryPath at(dir, last);
    return at.path.size ? sys::call(number, at.path.data, b, c, d) : -ENAMETOOLONG;
  });
}

}  // namespace

Table<Call> question_calls() noexcept {
  static const Call rows[] = {
      {"getxattr", entry_of<get_attribute<SYS_getxattr>>(), kFileNames},
      {"lgetxattr", entry_of<get_link_attribute<SYS_lgetxattr>>(), kFileNames},
      {"listxattr", entry_of<get_attribute<SYS_listxattr>>(), kFileNames},
      {"llistxattr", entry_of<get_link_attribute<SYS_llistxattr>>(), kFileNames},
      {"stat", entry_of<do_stat>(), kFileNames},
      {"stat64", entry_of<do_stat>(), kFileNames},
      {"lstat", entry_of<do_lstat>(), kFileNames},
      {"lstat64", entry_of<do_lstat>(), kFileNames},
      {"fstatat", entry_of<do_newfstatat>(), kFileNames},
      {"fstatat64", entry_of<do_newfstatat>(), kFileNames},
      {"__xstat", entry_of<do_xstat>(), kFileNames},
      {"__xstat64", entry_of<do_xstat>(), kFileNames},
      {"__lxstat", entry_of<do_lxstat>(), kFileNames},
      {"__lxstat64", entry_of<do_lxstat>(), kFileNames},
      {"__fxstatat", entry_of<do_fxstatat>(), kFileNames},
      {"__fxstatat64", entry_of<do_fxstatat>(), kFileNames},
      {"statx", entry_of<do_statx>(), kFileNames},
      {"access", entry_of<do_access>(), kFileNames},
      {"faccessat", entry_of<do_faccessat2>(), kFileNames},
      {"euidaccess", entry_of<do_euidaccess>(), kFileNames},
      {"readlink", entry_of<do_readlink>(), kFileNames},
      {"readlinkat", entry_of<do_readlinkat>(), kFileNames},
      {"statfs", entry_of<do_statfs>(), kFileNames},
      {"statfs64", entry_of<do_statfs>(), kFileNames},
      {"name_to_handle_at", entry_of<do_name_to_handle_at>(), kFileNames},
      {"inotify_add_watch", entry_of<do_inotify_add_watch>(), kFileNames},
      {"fanotify_mark", entry_of<do_fanotify_mark>(), kFileNames},
  };
  return table(rows);
}

Table<Number> question_numbers() noexcept {
  static const Number rows[] = {
      {SYS_getxattr, get_attribute<SYS_getxattr>, kFileNames},
      {SYS_lgetxattr, get_link_attribute<SYS_lgetxattr>, kFileNames},
      {SYS_listxattr, get_attribute<SYS_listxattr>, kFileNames},
      {SYS_llistxattr, get_link_attribute<SYS_llistxattr>, kFileNames},
      {old_number(Old::stat), do_stat, kFileNames},
      {old_number(Old::lstat), do_lstat, kFileNames},
      {SYS_newfstatat, do_newfstatat, kFileNames},
      {SYS_statx, do_statx, kFileNames},
      {old_number(Old::access), do_access, kFileNames},
      {SYS_faccessat, do_faccessat, kFileNames},
      {SYS_faccessat2, do_faccessat2, kFileNames},
      {old_number(Old::readlink), do_readlink, kFileNames},
      {SYS_readlinkat, do_readlinkat, kFileNames},
      {SYS_statfs, do_statfs, kFileNames},
      {SYS_name_to_handle_at, do_name_to_handle_at, kFileNames},
      {SYS_inotify_add_watch, do_inotify_add_watch, kFileNames},
      {SYS_fanotify_mark, do_fanotify_mark, kFileNames},
  };
  return table(rows);
}

}  // namespace ap::interpose
