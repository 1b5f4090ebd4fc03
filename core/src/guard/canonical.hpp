// SPDX-License-Identifier: Apache-2.0
//
// The kernel's own idea of a path: what is decided at line 2 is the real file, not a spelling of it.
//
// Used by line 2 (interpose). Two ways:
//   fast   the absolute text, normalised, judged; then openat2(RESOLVE_NO_SYMLINKS) of the same text. Success proves
//   that no
//          component was a link, so that the text is the real path at that moment.
//   slow   an O_PATH descriptor of the object, its name from /proc/self/fd, judged; then the operation on that
//   descriptor.
//
// Raw system calls only, no allocation, async-signal-safe. Errors are -errno. Descriptors made here are close-on-exec
// and lie high (`move_high`) while a descriptor for the program is made, so that it still gets the lowest free number.
#pragma once
#include <errno.h>
#include <limits.h>

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "guard/held.hpp"

namespace ap {

// A path with its terminator: `size` bytes before it.
struct PathBuffer {
  std::uint32_t size = 0;
  char data[PATH_MAX];
  std::string_view view() const { return {data, size}; }
  bool assign(std::string_view text) noexcept;  // false: too long
  bool append(std::string_view text) noexcept;
};

namespace canonical {

// A descriptor of ours, closed at its end. From the call that opens it on no other thread can put another file there
// (guard/held.hpp).
class Descriptor {
 public:
  Descriptor() noexcept = default;
  ~Descriptor() { close(); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const noexcept { return fd_; }
  explicit operator bool() const noexcept { return fd_ >= 0; }

  // Keeps what `call()` opens, closing what was here. The descriptor, or -errno (then nothing is here): that of the
  // call, or -EBUSY when other threads change numbers all the time.
  template <typename Call>
  long open(Call&& call) noexcept {
    close();
    return open_besides(call);
  }
  void close() noexcept;
  void take(Descriptor& other) noexcept;  // closes what was here
  void move_high() noexcept;              // to a number out of the program's way, where that is possible
  int release() noexcept;                 // the number, no longer ours

 private:
  // A number that another thread is changing is put aside until there is a better one.
  template <typename Call>
  long open_besides(Call&& call) noexcept {
    constexpr int kTries = 16;
    int aside[kTries], tries = 0;
    long fd = -EBUSY;
    while (tries < kTries) {
      held::Opening opening;
      fd = call();
      if (fd < 0 || opening.keep(static_cast<int>(fd))) break;
      aside[tries++] = static_cast<int>(fd);
      fd = -EBUSY;
    }
    while (tries > 0) drop(aside[--tries]);
    if (fd >= 0) fd_ = static_cast<int>(fd);
    return fd;
  }
  static void drop(int fd) noexcept;
  int fd_ = -1;
};

// True when `path` is its own normal form: absolute, no empty, `.` or `..` component, no trailing slash, not below
// /proc.
bool is_normal(std::string_view path) noexcept;

// `path` seen from `dirfd`: joined (absolute, components untouched) and normal (lexically normalised, own pid in /proc
// as `self`). 0, or an error when there is no such text (directory gone, too long): then only the slow way knows.
long absolute(int dirfd, std::string_view path, PathBuffer& joined, PathBuffer& normal) noexcept;

// openat2 with RESOLVE_NO_SYMLINKS; `directory` is not looked at for an absolute path. -ENOSYS where the kernel has
// none.
long open_without_links(int directory, const char* path, std::uint64_t flags, std::uint64_t mode) noexcept;

// Name of an open descriptor's object: real path, own pid as `self`, ` (deleted)` cut off. -ENOTDIR for what has no
// path (pipe, socket, anonymous inode).
long path_of(int fd, PathBuffer& out) noexcept;

// "/proc/thread-self/fd/<fd>", terminated. (A thread may have a descriptor table of its own; /proc/self shows
// another's.)
struct DescriptorPath {
  char text[40];
  explicit DescriptorPath(int fd) noexcept;
};

// Whether an error of open_without_links() comes from its strictness, so that the slow way must be asked.
bool needs_slow_way(long error, bool relative) noexcept;

// O_PATH descriptor and real path of an existing object, by whichever way is enough. `flags`: O_NOFOLLOW, O_DIRECTORY
// or 0. On an error `real` is the best text there is for a decision (empty: none). An error with an open `object`: it
// has no path
// (-ENOTDIR: a pipe, a socket) or none that can be told (-ENAMETOOLONG, no /proc).
long find(int dirfd, const PathBuffer& path, int flags, Descriptor& object, PathBuffer& real) noexcept;

// The directory entry a path names, for calls that make, remove or rename it: O_PATH descriptor of the real directory,
// the last component as written (with trailing slashes), and the entry's path. `path` must stay as long as `entry`. An
// error with an open `parent`: the entry's path cannot be told.
struct Entry {
  Descriptor parent;
  const char* name = nullptr;
  PathBuffer path;
};
long resolve_entry(int dirfd, const PathBuffer& path, Entry& entry) noexcept;

// `/proc/<our pid>/...` becomes `/proc/self/...`, also under a thread's number. In place.
void own_pid_as_self(PathBuffer& path) noexcept;

}  // namespace canonical
}  // namespace ap
