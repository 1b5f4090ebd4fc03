// SPDX-License-Identifier: Apache-2.0
#include "guard/canonical.hpp"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>

#include <cstring>

#include "base/high_descriptor.hpp"
#include "base/syscall.hpp"
#include "guard/link_hints.hpp"

namespace ap {

bool PathBuffer::assign(std::string_view text) noexcept {
  size = 0;
  return append(text);
}

bool PathBuffer::append(std::string_view text) noexcept {
  if (text.size() >= sizeof data - size) return false;
  if (!text.empty()) std::memcpy(data + size, text.data(), text.size());  // absent text has no address
  size += static_cast<std::uint32_t>(text.size());
  data[size] = 0;
  return true;
}

namespace canonical {
namespace {

// Lexical normal form of an absolute path. The result is never longer.
bool normalise(std::string_view in, PathBuffer& out) {
  out.size = 0;
  for (std::size_t at = 0; at < in.size();) {
    while (at < in.size() && in[at] == '/') ++at;
    std::size_t end = at;
    while (end < in.size() && in[end] != '/') ++end;
    const std::string_view part = in.substr(at, end - at);
    at = end;
    if (part.empty() || part == ".") continue;
    if (part == "..") {
      while (out.size && out.data[--out.size] != '/') {
      }
      continue;
    }
    if (!out.append("/") || !out.append(part)) return false;
  }
  if (!out.size) return out.append("/");
  out.data[out.size] = 0;
  return true;
}

// Decimal number at the start of `text`; 0 when there is none.
unsigned number(std::string_view text, std::size_t& digits) {
  unsigned n = 0;
  for (digits = 0; digits < text.size() && digits < 9 && text[digits] >= '0' && text[digits] <= '9'; ++digits)
    n = n * 10 + static_cast<unsigned>(text[digits] - '0');
  return n;
}

// Whether a pid in /proc is this process: its own, or (they work there too) the id of one of its threads.
bool is_own(unsigned id) {
  const long pid = sys::call(SYS_getpid);
  return id && (static_cast<long>(id) == pid || sys::call(SYS_tgkill, pid, id, 0) == 0);
}

}  // namespace

void Descriptor::drop(int fd) noexcept {
  sys::call(SYS_close, fd);
}

void Descriptor::close() noexcept {
  if (fd_ < 0) return;
  sys::call(SYS_close, fd_);
  held::remove(fd_);
  fd_ = -1;
}

void Descriptor::take(Descriptor& other) noexcept {
  close();
  fd_ = other.fd_;
  other.fd_ = -1;
}

void Descriptor::move_high() noexcept {
  if (fd_ < 0) return;
  const int low = fd_;
  fd_ = -1;
  if (open_besides([&] { return sys::call(SYS_fcntl, low, F_DUPFD_CLOEXEC, transient_floor(low)); }) < 0) {
    fd_ = low;  // a small descriptor limit
    return;
  }
  sys::call(SYS_close, low);
  held::remove(low);
}

int Descriptor::release() noexcept {
  const int fd = fd_;
  held::remove(fd);
  fd_ = -1;
  return fd;
}

bool is_normal(std::string_view path) noexcept {
  if (path.empty() || path[0] != '/') return false;
  if (path.size() == 1) return true;
  if (path.starts_with("/proc/")) return false;  // pids are rewritten
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (path[i] != '/') continue;
    const char next = i + 1 < path.size() ? path[i + 1] : '/';
    if (next == '/') return false;
    if (next != '.') continue;
    const char after = i + 2 < path.size() ? path[i + 2] : '/';
    if (after == '/') return false;
    if (after == '.' && (i + 3 >= path.size() || path[i + 3] == '/')) return false;
  }
  return true;
}

void own_pid_as_self(PathBuffer& path) noexcept {
  constexpr std::string_view proc = "/proc/";
  std::string_view text = path.view();
  if (text.substr(0, proc.size()) != proc) return;
  std::size_t begin = proc.size(), digits = 0;
  std::string_view rest = text.substr(begin);
  if (rest.substr(0, 11) == "thread-self") {
    digits = 11;
  } else if (rest.substr(0, 4) == "self") {
    digits = 4;
  } else {
    const unsigned id = number(rest, digits);
    if (!digits || !is_own(id)) return;
  }
  rest = rest.substr(digits);
  if (!rest.empty() && rest[0] != '/') return;
  // /proc/self/task/<thread>/x is the same as /proc/self/x for every x that matters.
  if (rest.substr(0, 6) == "/task/") {
    std::size_t id_digits = 0;
    number(rest.substr(6), id_digits);
    const std::string_view behind = rest.substr(6 + id_digits);
    if (id_digits && !behind.empty() && behind[0] == '/') rest = behind;
  }
  // The tail moves first: a pid may be shorter than "self".
  const std::size_t tail = rest.size(), from = static_cast<std::size_t>(rest.data() - path.data);
  if (begin + 4 + tail >= sizeof path.data) return;
  std::memmove(path.data + begin + 4, path.data + from, tail);
  std::memcpy(path.data + begin, "self", 4);
  path.size = static_cast<std::uint32_t>(begin + 4 + tail);
  path.data[path.size] = 0;
}

long absolute(int dirfd, std::string_view path, PathBuffer& joined, PathBuffer& normal) noexcept {
  joined.size = 0;
  if (path.empty() || path[0] != '/') {
    if (dirfd == AT_FDCWD) {
      const long n = sys::call(SYS_getcwd, joined.data, sizeof joined.data);
      if (n < 0) return n;
      if (joined.data[0] != '/') return -ENOENT;  // "(unreachable)..."
      joined.size = static_cast<std::uint32_t>(n - 1);
    } else {
      const DescriptorPath link(dirfd);
      const long n = sys::call(SYS_readlinkat, AT_FDCWD, link.text, joined.data, sizeof joined.data - 1);
      if (n < 0) return n == -ENOENT ? -EBADF : n;
      joined.size = static_cast<std::uint32_t>(n);
      joined.data[n] = 0;
      constexpr std::string_view gone = " (deleted)";
      const std::string_view text = joined.view();
      if (text[0] != '/' || (text.size() > gone.size() && text.substr(text.size() - gone.size()) == gone))
        return -ENOENT;
    }
    if (joined.size > 1 && !joined.append("/")) return -ENAMETOOLONG;
  }
  if (!joined.append(path)) return -ENAMETOOLONG;
  if (!normalise(joined.view(), normal)) return -ENAMETOOLONG;
  own_pid_as_self(normal);
  return 0;
}

long open_without_links(int directory, const char* path, std::uint64_t flags, std::uint64_t mode) noexcept {
  // openat2 refuses what openat ignores: unknown flags, a mode where nothing is made, company for O_PATH.
  constexpr std::uint64_t known = O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND | O_NONBLOCK | O_SYNC |
                                  O_DSYNC | FASYNC | O_DIRECT | O_LARGEFILE | 0100000 | O_DIRECTORY | O_NOFOLLOW |
                                  O_NOATIME | O_CLOEXEC | O_PATH | O_TMPFILE;
  open_how how{};
  how.flags = flags & known;
  if (flags & O_PATH)
    how.flags &= O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  else if ((flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE)
    how.mode = mode & 07777;
  how.resolve = RESOLVE_NO_SYMLINKS;
  return sys::call(SYS_openat2, directory, path, &how, sizeof how);
}

DescriptorPath::DescriptorPath(int fd) noexcept {
  constexpr std::string_view prefix = "/proc/thread-self/fd/";
  std::memcpy(text, prefix.data(), prefix.size());
  char* at = text + prefix.size();
  char digits[12];
  std::size_t n = 0;
  unsigned v = fd < 0 ? 0u : static_cast<unsigned>(fd);
  if (fd < 0) *at++ = '-';  // no such name: ENOENT
  do digits[n++] = static_cast<char>('0' + v % 10);
  while (v /= 10);
  while (n) *at++ = digits[--n];
  *at = 0;
}

long path_of(int fd, PathBuffer& out) noexcept {
  const DescriptorPath link(fd);
  const long n = sys::call(SYS_readlinkat, AT_FDCWD, link.text, out.data, sizeof out.data);
  if (n < 0) out.size = 0;
  if (n < 0) return n == -ENOENT ? -EBADF : n;
  out.size = 0;
  if (n == static_cast<long>(sizeof out.data)) return -ENAMETOOLONG;
  out.size = static_cast<std::uint32_t>(n);
  out.data[n] = 0;
  if (out.data[0] != '/') {
    out.size = 0;
    return -ENOTDIR;
  }
  constexpr std::string_view gone = " (deleted)";
  if (out.size > gone.size() && out.view().substr(out.size - gone.size()) == gone) {
    struct stat st;
    if (sys::call(SYS_fstat, fd, &st) == 0 && st.st_nlink == 0)
      out.data[out.size -= static_cast<std::uint32_t>(gone.size())] = 0;
  }
  own_pid_as_self(out);
  return 0;
}

namespace {

// The fast way: kSlow when only the slow one knows.
constexpr long kSlow = -4096;

[[gnu::noinline]] long find_by_text(int dirfd, const PathBuffer& path, int flags, Descriptor& object,
                                    PathBuffer& real) {
  PathBuffer joined;
  if (absolute(dirfd, path.view(), joined, real) < 0) {
    real.size = 0;
    return kSlow;
  }
  const long fd = object.open(
      [&] { return open_without_links(AT_FDCWD, joined.data, static_cast<unsigned>(O_PATH | O_CLOEXEC | flags), 0); });
  if (fd >= 0) return 0;
  return needs_slow_way(fd, path.data[0] != '/') ? kSlow : fd;
}

}  // namespace

bool needs_slow_way(long error, bool relative) noexcept {
  switch (-error) {
    case ELOOP:
    case ENOSYS:
    case EPERM:
    case EINVAL:
    case EXDEV:
    case EAGAIN:
    case E2BIG:
      return true;
    case EACCES:
    case ENAMETOOLONG:
      return relative;  // of a directory above the working directory: not this call's trouble
    default:
      return false;
  }
}

namespace {

// What path_of() would say, when a hint of what `path` led to last time still holds.
[[gnu::noinline]] bool path_by_hint(std::string_view path, const Descriptor& object, int flags, PathBuffer& real) {
  if (path[0] != '/' || !recall_link(path, real)) return false;
  Descriptor there;
  there.open(
      [&] { return open_without_links(AT_FDCWD, real.data, static_cast<unsigned>(O_PATH | O_CLOEXEC | flags), 0); });
  struct stat a, b;
  return there && sys::call(SYS_fstat, object.get(), &a) == 0 && sys::call(SYS_fstat, there.get(), &b) == 0 &&
         a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

}  // namespace

long find(int dirfd, const PathBuffer& path, int flags, Descriptor& object, PathBuffer& real) noexcept {
  real.size = 0;
  if (path.size == 0) return -ENOENT;
  flags &= O_NOFOLLOW | O_DIRECTORY;
  // Without links allowed at all, a last component that is one would be refused: the slow way knows what to do with it.
  const long fast = find_by_text(dirfd, path, flags, object, real);
  if (fast != kSlow) return fast;
  const long fd = object.open([&] { return sys::call(SYS_openat, dirfd, path.data, O_PATH | O_CLOEXEC | flags); });
  if (fd < 0) return fd;
  if (path_by_hint(path.view(), object, flags, real)) return 0;
  const long result = path_of(object.get(), real);
  if (result == 0 && path.data[0] == '/' && !real.view().starts_with("/proc/")) remember_link(path.view(), real.view());
  return result;
}

namespace {

// The directory by its text, `size` bytes of the joined path in front of the last component; kSlow as above.
[[gnu::noinline]] long enter_by_text(int dirfd, const PathBuffer& path, std::size_t name_size, Entry& entry) {
  PathBuffer joined;
  if (absolute(dirfd, path.view(), joined, entry.path) < 0) return kSlow;
  std::size_t end = joined.size;
  while (end > 1 && joined.data[end - 1] == '/') --end;
  end -= name_size;  // behind the slash in front of the name
  joined.data[end > 1 ? end - 1 : 1] = 0;
  const long fd =
      entry.parent.open([&] { return open_without_links(AT_FDCWD, joined.data, O_PATH | O_CLOEXEC | O_DIRECTORY, 0); });
  if (fd >= 0) return 0;
  return needs_slow_way(fd, path.data[0] != '/') ? kSlow : fd;
}

}  // namespace

long resolve_entry(int dirfd, const PathBuffer& path, Entry& entry) noexcept {
  const std::string_view text = path.view();
  if (text.empty()) return -ENOENT;
  std::size_t end = text.size();
  while (end > 1 && text[end - 1] == '/') --end;
  std::size_t begin = end;
  while (begin > 0 && text[begin - 1] != '/') --begin;
  const std::string_view name = text.substr(begin, end - begin);
  entry.name = path.data + begin;
  if (name.empty()) entry.name = "/";                              // nothing but slashes
  const bool whole = name.empty() || name == "." || name == "..";  // the entry is a directory itself
  if (!whole) {
    const long fast = enter_by_text(dirfd, path, name.size(), entry);
    if (fast != kSlow) {
      if (fast < 0) entry.path.size = 0;
      return fast;
    }
  }

  // Links in the directory part are followed, as the call itself would. (entry.path is only borrowed for its text.)
  entry.path.assign(begin ? text.substr(0, begin) : std::string_view("."));
  const long fd = entry.parent.open(
      [&] { return sys::call(SYS_openat, dirfd, entry.path.data, O_PATH | O_CLOEXEC | O_DIRECTORY); });
  entry.path.size = 0;
  if (fd < 0) return fd;
  if (whole) {
    Descriptor self;
    return find(dirfd, path, O_DIRECTORY, self, entry.path);
  }
  if (const long result = path_of(entry.parent.get(), entry.path); result < 0) return result;
  if ((entry.path.size == 1 || entry.path.append("/")) && entry.path.append(name)) return 0;
  entry.path.size = 0;
  return -ENAMETOOLONG;
}

}  // namespace canonical
}  // namespace ap
