// SPDX-License-Identifier: Apache-2.0
//
// File calls that change what a file is said to be: mode, owner, times, extended attributes, inode flags. Each is a
// write.
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <utime.h>

#include "base/syscall.hpp"
#include "interpose/calls.hpp"
#include "interpose/file_shapes.hpp"
#include "interpose/old_numbers.hpp"

namespace ap::interpose {
namespace {

long change_mode(int dirfd, long path, long mode, int flags) {
  if (about_descriptor(path, flags))
    return on_open(AP_FILE_METADATA, dirfd,
                   [&](int open) { return sys::call(SYS_fchmodat, AT_FDCWD, DescriptorPath(open).text, mode); });
  return on_object(AP_FILE_METADATA, dirfd, path, nofollow(flags & AT_SYMLINK_NOFOLLOW), [&](int object) -> long {
    struct stat st;
    if (sys::call(SYS_fstat, object, &st) == 0 && S_ISLNK(st.st_mode)) return -EOPNOTSUPP;
    return sys::call(SYS_fchmodat, AT_FDCWD, DescriptorPath(object).text, mode);
  });
}
long do_chmod(long path, long mode, long, long, long, long) {
  return change_mode(AT_FDCWD, path, mode, 0);
}
long do_lchmod(long path, long mode, long, long, long, long) {
  return change_mode(AT_FDCWD, path, mode, AT_SYMLINK_NOFOLLOW);
}
long do_fchmodat(long dirfd, long path, long mode, long flags, long, long) {
  if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) return -EINVAL;
  return change_mode(fd_of(dirfd), path, mode, static_cast<int>(flags));
}
long do_fchmodat_plain(long dirfd, long path, long mode, long, long, long) {
  return change_mode(fd_of(dirfd), path, mode, 0);
}
long do_fchmod(long fd, long mode, long, long, long, long) {
  return on_open(AP_FILE_METADATA, fd_of(fd), [&](int open) { return sys::call(SYS_fchmod, open, mode); });
}

// Of all requests, those that change what chattr changes.
long do_ioctl(long fd, long request, long argument, long, long, long) {
  switch (static_cast<unsigned>(request)) {
    case FS_IOC_SETFLAGS:
    case FS_IOC32_SETFLAGS:
    case FS_IOC_SETVERSION:
    case FS_IOC32_SETVERSION:
    case FS_IOC_FSSETXATTR:
      return on_open(AP_FILE_METADATA, fd_of(fd),
                     [&](int open) { return sys::call(SYS_ioctl, open, request, argument); });
    default:
      return sys::call(SYS_ioctl, fd_of(fd), request, argument);
  }
}

long change_owner(int dirfd, long path, long user, long group, int flags) {
  if (about_descriptor(path, flags))
    return on_open(AP_FILE_METADATA, dirfd,
                   [&](int open) { return sys::call(SYS_fchownat, open, "", user, group, flags); });
  return on_object(AP_FILE_METADATA, dirfd, path, nofollow(flags & AT_SYMLINK_NOFOLLOW),
                   [&](int object) { return sys::call(SYS_fchownat, object, "", user, group, AT_EMPTY_PATH); });
}
long do_chown(long path, long user, long group, long, long, long) {
  return change_owner(AT_FDCWD, path, user, group, 0);
}
long do_lchown(long path, long user, long group, long, long, long) {
  return change_owner(AT_FDCWD, path, user, group, AT_SYMLINK_NOFOLLOW);
}
long do_fchownat(long dirfd, long path, long user, long group, long flags, long) {
  if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) return -EINVAL;
  return change_owner(fd_of(dirfd), path, user, group, static_cast<int>(flags));
}
long do_fchown(long fd, long user, long group, long, long, long) {
  return on_open(AP_FILE_METADATA, fd_of(fd), [&](int open) { return sys::call(SYS_fchown, open, user, group); });
}

long do_utimensat(long dirfd, long path, long times, long word, long, long) {
  const auto flags = static_cast<int>(word);
  if (!path || about_descriptor(path, flags))
    return on_open(AP_FILE_METADATA, fd_of(dirfd),
                   [&](int open) { return sys::call(SYS_utimensat, open, path, times, flags); });
  if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) return -EINVAL;
  if (flags & AT_SYMLINK_NOFOLLOW)  // perhaps a link itself: by its entry
    return on_entry(AP_FILE_METADATA, fd_of(dirfd), path, [&](int dir, const char* name) {
      return sys::call(SYS_utimensat, dir, name, times, AT_SYMLINK_NOFOLLOW);
    });
  return on_object(AP_FILE_METADATA, fd_of(dirfd), path, 0, [&](int object) {
    return sys::call(SYS_utimensat, AT_FDCWD, DescriptorPath(object).text, times, 0);
  });
}
// libc's own: the kernel's call refuses a null path only by way of the flags.
long do_libc_utimensat(long dirfd, long path, long times, long flags, long, long) {
  return path ? call<do_utimensat>(dirfd, path, times, flags, 0, 0) : -EINVAL;
}
long do_futimens(long fd, long times, long, long, long, long) {
  return on_open(AP_FILE_METADATA, fd_of(fd), [&](int open) -> long {
    return fd_of(fd) < 0 ? -EBADF : sys::call(SYS_utimensat, open, nullptr, times, 0);
  });
}
// timeval pairs of utimes and its relatives.
long with_timespecs(long user_times, long dirfd, long path, long flags) {
  if (!user_times) return call<do_utimensat>(dirfd, path, 0, flags, 0, 0);
  timeval from[2];
  if (copy_bytes(from, reinterpret_cast<const void*>(user_times), sizeof from) < 0) return -EFAULT;
  timespec to[2];
  for (int i = 0; i < 2; ++i) {
    if (from[i].tv_usec < 0 || from[i].tv_usec >= 1000000) return -EINVAL;
    to[i] = {from[i].tv_sec, from[i].tv_usec * 1000};
  }
  return call<do_utimensat>(dirfd, path, reinterpret_cast<long>(to), flags, 0, 0);
}
long do_utime(long path, long user_times, long, long, long, long) {
  if (!path) return -EFAULT;
  if (!user_times) return do_utimensat(AT_FDCWD, path, 0, 0, 0, 0);
  utimbuf from;
  if (copy_bytes(&from, reinterpret_cast<const void*>(user_times), sizeof from) < 0) return -EFAULT;
  const timespec to[2] = {{from.actime, 0}, {from.modtime, 0}};
  return do_utimensat(AT_FDCWD, path, reinterpret_cast<long>(to), 0, 0, 0);
}
long do_futimesat(long dirfd, long path, long times, long, long, long) {
  return with_timespecs(times, dirfd, path, 0);
}
long do_utimes(long path, long times, long, long, long, long) {
  return path ? with_timespecs(times, AT_FDCWD, path, 0) : -EFAULT;
}
long do_lutimes(long path, long times, long, long, long, long) {
  return path ? with_timespecs(times, AT_FDCWD, path, AT_SYMLINK_NOFOLLOW) : -EFAULT;
}
long do_futimes(long fd, long times, long, long, long, long) {
  return fd_of(fd) < 0 ? -EBADF : with_timespecs(times, fd, 0, 0);
}

long do_setxattr(long path, long name, long value, long size, long flags, long) {
  return on_object(AP_FILE_METADATA, AT_FDCWD, path, 0, [&](int object) {
    return sys::call(SYS_setxattr, DescriptorPath(object).text, name, value, size, flags);
  });
}
long do_lsetxattr(long path, long name, long value, long size, long flags, long) {
  return on_entry(AP_FILE_METADATA, AT_FDCWD, path, [&](int dir, const char* last) -> long {
    const EntryPath at(dir, last);
    return at.path.size ? sys::call(SYS_lsetxattr, at.path.data, name, value, size, flags) : -ENAMETOOLONG;
  });
}
long do_fsetxattr(long fd, long name, long value, long size, long flags, long) {
  return on_open(AP_FILE_METADATA, fd_of(fd),
                 [&](int open) { return sys::call(SYS_fsetxattr, open, name, value, size, flags); });
}
long do_removexattr(long path, long name, long, long, long, long) {
  return on_object(AP_FILE_METADATA, AT_FDCWD, path, 0,
                   [&](int object) { return sys::call(SYS_removexattr, DescriptorPath(object).text, name); });
}
long do_lremovexattr(long path, long name, long, long, long, long) {
  return on_entry(AP_FILE_METADATA, AT_FDCWD, path, [&](int dir, const char* last) -> long {
    const EntryPath at(dir, last);
    return at.path.size ? sys::call(SYS_lremovexattr, at.path.data, name) : -ENAMETOOLONG;
  });
}
long do_fremovexattr(long fd, long name, long, long, long, long) {
  return on_open(AP_FILE_METADATA, fd_of(fd), [&](int open) { return sys::call(SYS_fremovexattr, open, name); });
}

}  // namespace

Table<Call> metadata_calls() noexcept {
  static const Call rows[] = {
      {"chmod", entry_of<do_chmod>(), kFiles},
      {"lchmod", entry_of<do_lchmod>(), kFiles},
      {"fchmodat", entry_of<do_fchmodat>(), kFiles},
      {"fchmod", entry_of<do_fchmod>(), kFiles},
      {"ioctl", entry_of<do_ioctl>(), kFiles},
      {"chown", entry_of<do_chown>(), kFiles},
      {"lchown", entry_of<do_lchown>(), kFiles},
      {"fchownat", entry_of<do_fchownat>(), kFiles},
      {"fchown", entry_of<do_fchown>(), kFiles},
      {"utime", entry_of<do_utime>(), kFiles},
      {"utimes", entry_of<do_utimes>(), kFiles},
      {"lutimes", entry_of<do_lutimes>(), kFiles},
      {"futimes", entry_of<do_futimes>(), kFiles},
      {"futimesat", entry_of<do_futimesat>(), kFiles},
      {"utimensat", entry_of<do_libc_utimensat>(), kFiles},
      {"futimens", entry_of<do_futimens>(), kFiles},
      {"setxattr", entry_of<do_setxattr>(), kFiles},
      {"lsetxattr", entry_of<do_lsetxattr>(), kFiles},
      {"fsetxattr", entry_of<do_fsetxattr>(), kFiles},
      {"removexattr", entry_of<do_removexattr>(), kFiles},
      {"lremovexattr", entry_of<do_lremovexattr>(), kFiles},
      {"fremovexattr", entry_of<do_fremovexattr>(), kFiles},
  };
  return table(rows);
}

Table<Number> metadata_numbers() noexcept {
  static const Number rows[] = {
      {old_number(Old::chmod), do_chmod, kFiles},
      {SYS_fchmodat, do_fchmodat_plain, kFiles},
      {452 /* fchmodat2 */, do_fchmodat, kFiles},
      {SYS_fchmod, do_fchmod, kFiles},
      {SYS_ioctl, do_ioctl, kFiles},
      {old_number(Old::chown), do_chown, kFiles},
      {old_number(Old::lchown), do_lchown, kFiles},
      {SYS_fchownat, do_fchownat, kFiles},
      {SYS_fchown, do_fchown, kFiles},
      {old_number(Old::utime), do_utime, kFiles},
      {old_number(Old::utimes), do_utimes, kFiles},
      {old_number(Old::futimesat), do_futimesat, kFiles},
      {SYS_utimensat, do_utimensat, kFiles},
      {SYS_setxattr, do_setxattr, kFiles},
      {SYS_lsetxattr, do_lsetxattr, kFiles},
      {SYS_fsetxattr, do_fsetxattr, kFiles},
      {SYS_removexattr, do_removexattr, kFiles},
      {SYS_lremovexattr, do_lremovexattr, kFiles},
      {SYS_fremovexattr, do_fremovexattr, kFiles},
  };
  return table(rows);
}

}  // namespace ap::interpose
