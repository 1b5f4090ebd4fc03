// SPDX-License-Identifier: Apache-2.0
//
// File calls. Three shapes cover them all:
//   on_object   an existing file, through its descriptor (stat, chmod, truncate, xattr, ...)
//   on_entry    a name in a directory, made or removed (mkdir, unlink, symlink, ...)
//   on_open     a descriptor the program holds (fchmod, futimens, ...)
// Covered by the entries below inside glibc: fopen, opendir, scandir, mkstemp, tmpfile, mkdtemp, shm_open, sem_open,
// fts, ftw. Not decided again: read, write, sendfile, copy_file_range, ftruncate on a descriptor (its open was).
#include "interpose/files.hpp"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/time.h>

#include "base/syscall.hpp"
#include "interpose/calls.hpp"
#include "interpose/decide.hpp"
#include "interpose/spawn_stack.hpp"
#include "interpose/user_memory.hpp"

namespace ap::interpose {
namespace {

using canonical::Descriptor;
using canonical::DescriptorPath;
using canonical::Entry;

const char* text(long pointer) {
  return reinterpret_cast<const char*>(pointer);
}
int fd_of(long word) {
  return static_cast<int>(word);
}

// An existing file. act(object's descriptor) issues the call on it.
template <typename Act>
long on_object(std::uint8_t kind, int dirfd, long user_path, int flags, Act act) {
  PathBuffer path, real;
  const long length = copy_path(path, text(user_path));
  if (length < 0) return length;
  if (length == 0) return -ENOENT;
  Descriptor object;
  const long found = canonical::find(dirfd, path, flags, object, real);
  if (found < 0 && object) {  // no path: a pipe, a socket; or none that can be told
    if (const long refused = found == -ENOTDIR ? 0 : decide_unnamed(kind, path.view())) return refused;
    return act(object.get());
  }
  if (real.size) {  // also for what is not there: the answer must not depend on it
    Operation op = file(kind, real.view());
    if (const long refused = decide(op, path.view())) return refused;
  }
  return found < 0 ? found : act(object.get());
}

// A name in a directory. act(directory, name) issues the call.
template <typename Act>
long on_entry(std::uint8_t kind, int dirfd, long user_path, Act act) {
  PathBuffer path;
  const long length = copy_path(path, text(user_path));
  if (length < 0) return length;
  Entry entry;
  const long found = canonical::resolve_entry(dirfd, path, entry);
  if (found < 0 && entry.parent) {
    if (const long refused = decide_unnamed(kind, path.view())) return refused;
    return act(entry.parent.get(), entry.name);
  }
  if (found < 0) {
    PathBuffer joined;  // the answer must not depend on what is there
    if (length && canonical::absolute(dirfd, path.view(), joined, entry.path) == 0) {
      Operation op = file(kind, entry.path.view());
      if (const long refused = decide(op, path.view())) return refused;
    }
    return found;
  }
  // A slash behind a link leads over it, unless the entry is made or removed: then the call is about the directory
  // there.
  if ((kind == AP_FILE_STAT || kind == AP_FILE_METADATA) && path.data[path.size - 1] == '/') {
    Descriptor object;
    if (const long r = canonical::find(dirfd, path, O_DIRECTORY, object, entry.path); r < 0) return r;
    Operation op = file(kind, entry.path.view());
    if (const long refused = decide(op, path.view())) return refused;
    return act(object.get(), ".");
  }
  Operation op = file(kind, entry.path.view());
  if (const long refused = decide(op, path.view())) return refused;
  return act(entry.parent.get(), entry.name);
}

// A descriptor of the program's own, kept from being replaced meanwhile. (Not through a duplicate: closing one gives up
// the program's record locks.) AT_FDCWD: the working directory.
template <typename Act>
long on_open(std::uint8_t kind, int fd, Act act) {
  const held::Lock lock(fd);
  if (!lock) return -EBUSY;
  Descriptor here;
  if (fd == AT_FDCWD) {
    const long opened = here.open([&] { return sys::call(SYS_openat, AT_FDCWD, ".", O_PATH | O_CLOEXEC); });
    if (opened < 0) return opened;
    fd = here.get();
  }
  PathBuffer real;
  const long named = canonical::path_of(fd, real);
  if (named == -EBADF) return named;  // and not what may be opened there a moment later
  if (named == 0) {
    Operation op = file(kind, real.view());
    if (const long refused = decide(op, real.view())) return refused;
  } else if (named != -ENOTDIR) {  // a pipe, a socket: no file
    if (const long refused = decide_unnamed(kind, "")) return refused;
  }
  return act(fd);
}

// AT_EMPTY_PATH with an empty path: the call is about `dirfd` itself.
bool about_descriptor(long user_path, long flags) {
  return (flags & AT_EMPTY_PATH) && user_path && readable(text(user_path), 1) && *text(user_path) == 0;
}

int nofollow(bool yes) {
  return yes ? O_NOFOLLOW : 0;
}

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
  return on_entry(AP_FILE_DELETE, AT_FDCWD, path, [&](int dir, const char* name) {
    const long result = sys::call(SYS_unlinkat, dir, name, 0);
    return result == -EISDIR ? sys::call(SYS_unlinkat, dir, name, AT_REMOVEDIR) : result;
  });
}

long do_symlinkat(long user_target, long dirfd, long path, long, long, long) {
  PathBuffer target;
  const long length = copy_path(target, text(user_target));
  if (length < 0) return length;
  return on_entry(AP_FILE_SYMLINK, fd_of(dirfd), path,
                  [&](int dir, const char* name) { return sys::call(SYS_symlinkat, target.data, dir, name); });
}
long do_symlink(long target, long path, long, long, long, long) {
  return do_symlinkat(target, AT_FDCWD, path, 0, 0, 0);
}

// Two names. `kind` decides the direction of each (guard::directions).
long do_renameat2(long from_dir, long from_path, long to_dir, long to_path, long word, long) {
  const auto flags = static_cast<unsigned>(word);
  PathBuffer from, to;
  if (const long n = copy_path(from, text(from_path)); n < 0) return n;
  if (const long n = copy_path(to, text(to_path)); n < 0) return n;
  Entry source, target;
  if (const long r = canonical::resolve_entry(fd_of(from_dir), from, source); r < 0 && !source.parent) return r;
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
  PathBuffer from, to, real;
  if (const long n = copy_path(from, text(from_path)); n < 0) return n;
  if (const long n = copy_path(to, text(to_path)); n < 0) return n;
  Entry target;
  if (flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH)) return -EINVAL;
  if (const long r = canonical::resolve_entry(fd_of(to_dir), to, target); r < 0 && !target.parent) return r;
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

// --- existing files: what is written
// ---------------------------------------------------------------------------------------

long do_truncate(long path, long length, long, long, long, long) {
  return on_object(AP_FILE_WRITE, AT_FDCWD, path, 0,
                   [&](int object) { return sys::call(SYS_truncate, DescriptorPath(object).text, length); });
}

long change_mode(int dirfd, long path, long mode, int flags) {
  if (about_descriptor(path, flags))
    return on_open(AP_FILE_METADATA, dirfd,
                   [&](int open) { return sys::call(SYS_chmod, DescriptorPath(open).text, mode); });
  return on_object(AP_FILE_METADATA, dirfd, path, nofollow(flags & AT_SYMLINK_NOFOLLOW), [&](int object) -> long {
    struct stat st;
    if (sys::call(SYS_fstat, object, &st) == 0 && S_ISLNK(st.st_mode)) return -EOPNOTSUPP;
    return sys::call(SYS_chmod, DescriptorPath(object).text, mode);
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

long do_utime(long path, long times, long, long, long, long) {
  return on_object(AP_FILE_METADATA, AT_FDCWD, path, 0,
                   [&](int object) { return sys::call(SYS_utime, DescriptorPath(object).text, times); });
}
long do_futimesat(long dirfd, long path, long times, long, long, long) {
  if (!path)
    return on_open(AP_FILE_METADATA, fd_of(dirfd),
                   [&](int open) { return sys::call(SYS_futimesat, open, nullptr, times); });
  return on_object(AP_FILE_METADATA, fd_of(dirfd), path, 0,
                   [&](int object) { return sys::call(SYS_futimesat, AT_FDCWD, DescriptorPath(object).text, times); });
}
long do_utimes(long path, long times, long, long, long, long) {
  return path ? do_futimesat(AT_FDCWD, path, times, 0, 0, 0) : -EFAULT;
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
  return path ? do_utimensat(dirfd, path, times, flags, 0, 0) : -EINVAL;
}
long do_futimens(long fd, long times, long, long, long, long) {
  return on_open(AP_FILE_METADATA, fd_of(fd), [&](int open) -> long {
    return fd_of(fd) < 0 ? -EBADF : sys::call(SYS_utimensat, open, nullptr, times, 0);
  });
}
// timeval pairs of lutimes and futimes.
long with_timespecs(long user_times, long dirfd, long path, long flags) {
  if (!user_times) return do_utimensat(dirfd, path, 0, flags, 0, 0);
  timeval from[2];
  if (copy_bytes(from, reinterpret_cast<const void*>(user_times), sizeof from) < 0) return -EFAULT;
  timespec to[2];
  for (int i = 0; i < 2; ++i) {
    if (from[i].tv_usec < 0 || from[i].tv_usec >= 1000000) return -EINVAL;
    to[i] = {from[i].tv_sec, from[i].tv_usec * 1000};
  }
  return do_utimensat(dirfd, path, reinterpret_cast<long>(to), flags, 0, 0);
}
long do_lutimes(long path, long times, long, long, long, long) {
  return path ? with_timespecs(times, AT_FDCWD, path, AT_SYMLINK_NOFOLLOW) : -EFAULT;
}
long do_futimes(long fd, long times, long, long, long, long) {
  return fd_of(fd) < 0 ? -EBADF : with_timespecs(times, fd, 0, 0);
}

// --- extended attributes: through /proc, which has a name for every file but a link
// ----------------------------------------

struct EntryPath {  // "/proc/self/fd/<directory>/<name>"
  PathBuffer path;
  EntryPath(int directory, const char* name) {
    path.assign(DescriptorPath(directory).text);
    if (!path.append("/") || !path.append(name)) path.size = 0;
  }
};

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

// --- existing files: what is asked
// -----------------------------------------------------------------------------------------

long do_newfstatat(long dirfd, long path, long buffer, long flags, long, long) {
  if (about_descriptor(path, flags) || (!path && (flags & AT_EMPTY_PATH)))
    return sys::call(SYS_newfstatat, fd_of(dirfd), path, buffer, static_cast<int>(flags));  // open already
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
  return version > 1 ? -EINVAL : do_stat(path, buffer, 0, 0, 0, 0);
}
long do_lxstat(long version, long path, long buffer, long, long, long) {
  return version > 1 ? -EINVAL : do_lstat(path, buffer, 0, 0, 0, 0);
}
long do_fxstatat(long version, long dirfd, long path, long buffer, long flags, long) {
  return version > 1 ? -EINVAL : do_newfstatat(dirfd, path, buffer, flags, 0, 0);
}
long do_statx(long dirfd, long path, long flags, long mask, long buffer, long) {
  if (about_descriptor(path, flags) || (!path && (flags & AT_EMPTY_PATH)))
    return sys::call(SYS_statx, fd_of(dirfd), path, flags, mask, buffer);
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
  };
  return table(rows);
}

Table<Number> file_numbers() noexcept {
  static const Number rows[] = {
      {SYS_open, do_open, kFiles},
      {SYS_openat, do_openat, kFiles},
      {SYS_openat2, do_openat2, kFiles},
      {SYS_creat, do_creat, kFiles},
      {SYS_open_by_handle_at, do_open_by_handle_at, kFiles},
      {SYS_mkdir, do_mkdir, kFiles},
      {SYS_mkdirat, do_mkdirat, kFiles},
      {SYS_mknod, do_mknod, kFiles},
      {SYS_mknodat, do_mknodat, kFiles},
      {SYS_unlink, do_unlink, kFiles},
      {SYS_unlinkat, do_unlinkat, kFiles},
      {SYS_rmdir, do_rmdir, kFiles},
      {SYS_symlink, do_symlink, kFiles},
      {SYS_symlinkat, do_symlinkat, kFiles},
      {SYS_rename, do_rename, kFiles},
      {SYS_renameat, do_renameat, kFiles},
      {SYS_renameat2, do_renameat2, kFiles},
      {SYS_link, do_link, kFiles},
      {SYS_linkat, do_linkat, kFiles},
      {SYS_truncate, do_truncate, kFiles},
      {SYS_chmod, do_chmod, kFiles},
      {SYS_fchmodat, do_fchmodat_plain, kFiles},
      {452 /* fchmodat2 */, do_fchmodat, kFiles},
      {SYS_fchmod, do_fchmod, kFiles},
      {SYS_ioctl, do_ioctl, kFiles},
      {SYS_chown, do_chown, kFiles},
      {SYS_lchown, do_lchown, kFiles},
      {SYS_fchownat, do_fchownat, kFiles},
      {SYS_fchown, do_fchown, kFiles},
      {SYS_utime, do_utime, kFiles},
      {SYS_utimes, do_utimes, kFiles},
      {SYS_futimesat, do_futimesat, kFiles},
      {SYS_utimensat, do_utimensat, kFiles},
      {SYS_setxattr, do_setxattr, kFiles},
      {SYS_lsetxattr, do_lsetxattr, kFiles},
      {SYS_fsetxattr, do_fsetxattr, kFiles},
      {SYS_removexattr, do_removexattr, kFiles},
      {SYS_lremovexattr, do_lremovexattr, kFiles},
      {SYS_fremovexattr, do_fremovexattr, kFiles},
      {SYS_getxattr, get_attribute<SYS_getxattr>, kFileNames},
      {SYS_lgetxattr, get_link_attribute<SYS_lgetxattr>, kFileNames},
      {SYS_listxattr, get_attribute<SYS_listxattr>, kFileNames},
      {SYS_llistxattr, get_link_attribute<SYS_llistxattr>, kFileNames},
      {SYS_stat, do_stat, kFileNames},
      {SYS_lstat, do_lstat, kFileNames},
      {SYS_newfstatat, do_newfstatat, kFileNames},
      {SYS_statx, do_statx, kFileNames},
      {SYS_access, do_access, kFileNames},
      {SYS_faccessat, do_faccessat, kFileNames},
      {SYS_faccessat2, do_faccessat2, kFileNames},
      {SYS_readlink, do_readlink, kFileNames},
      {SYS_readlinkat, do_readlinkat, kFileNames},
  };
  return table(rows);
}

}  // namespace ap::interpose
