// SPDX-License-Identifier: Apache-2.0
//
// The three shapes of a guarded file call. Each copies the path once, has the real file judged, and calls act() on that
// very file:
//   on_object   an existing file, through its descriptor (stat, chmod, truncate, xattr, ...)
//   on_entry    a name in a directory, made or removed (mkdir, unlink, symlink, ...)
//   on_open     a descriptor the program holds (fchmod, futimens, ...)
#pragma once
#include <errno.h>
#include <fcntl.h>

#include <cstdint>

#include "base/syscall.hpp"
#include "guard/canonical.hpp"
#include "interpose/decide.hpp"
#include "interpose/user_memory.hpp"

namespace ap::interpose {

using canonical::Descriptor;
using canonical::DescriptorPath;
using canonical::Entry;

inline const char* text(long pointer) {
  return reinterpret_cast<const char*>(pointer);
}
inline int fd_of(long word) {
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
inline bool about_descriptor(long user_path, long flags) {
  return (flags & AT_EMPTY_PATH) && user_path && readable(text(user_path), 1) && *text(user_path) == 0;
}

inline int nofollow(bool yes) {
  return yes ? O_NOFOLLOW : 0;
}

// "/proc/thread-self/fd/<directory>/<name>": for calls that know neither a directory nor an empty path (extended
// attributes). /proc has a name for every file but a link. Empty when it is too long.
struct EntryPath {
  PathBuffer path;
  EntryPath(int directory, const char* name) {
    path.assign(DescriptorPath(directory).text);
    if (!path.append("/") || !path.append(name)) path.size = 0;
  }
};

}  // namespace ap::interpose
