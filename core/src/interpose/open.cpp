// SPDX-License-Identifier: Apache-2.0
//
// open and its relatives. The fast way opens the text that was judged, without links; the slow way judges the object
// and opens that very object. Neither lets a rename or a link between the decision and the use change what is opened.
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>

#include "base/syscall.hpp"
#include "guard/granted_paths.hpp"
#include "interpose/decide.hpp"
#include "interpose/files.hpp"

namespace ap::interpose {
namespace {

using canonical::Descriptor;
using canonical::DescriptorPath;

constexpr long kSlow = -4096;

// What an open does: its kind, and whether what is written can be read as well.
struct Kind {
  std::uint8_t kind;
  bool reads_too;
};

Kind kind_of(std::uint64_t flags) {
  if (flags & O_PATH) return {AP_FILE_STAT, false};
  const auto access = flags & O_ACCMODE;
  const bool temporary = (flags & O_TMPFILE) == O_TMPFILE;
  const bool empty = (flags & O_TRUNC) || temporary || (flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL);
  const bool reads_too = access != O_WRONLY && !empty;  // what is made empty shows nothing
  if ((flags & O_CREAT) || temporary) return {AP_FILE_CREATE, reads_too};
  if (access != O_RDONLY || (flags & O_TRUNC)) return {AP_FILE_WRITE, reads_too};
  return {static_cast<std::uint8_t>(flags & O_DIRECTORY ? AP_FILE_LIST : AP_FILE_READ), false};
}

// /proc/<any>/mem and /proc/<any>/task/<any>/mem: a way to write to patched code.
bool is_memory_file(std::string_view path) {
  return path.size() > 10 && path.substr(0, 6) == "/proc/" && path.substr(path.size() - 4) == "/mem";
}

struct Judged {
  Operation operation;
  Verdict verdict;
};

// The question without its path, for granted_paths.
std::uint8_t form_of(std::uint64_t flags) {
  const Kind k = kind_of(flags);
  return static_cast<std::uint8_t>(k.kind | granted_paths::kAtLine2 | (k.reads_too ? granted_paths::kReadsToo : 0));
}

int judge_open(std::string_view path, std::uint64_t flags, Judged& out) {
  const Kind k = kind_of(flags);
  out.operation = file(k.kind, path);
  out.operation.flags |= AP_OP_OPEN;
  if (k.reads_too) out.operation.flags |= AP_OP_READ_TOO;
  int action = judge(out.operation, out.verdict);
  if (enforcing && k.kind != AP_FILE_READ && k.kind != AP_FILE_STAT && is_memory_file(path)) {
    out.operation = native(AP_EXEC_MEMORY, path);
    judge_as_denied(out.operation, out.verdict);
    action = AP_DENY;
  }
  return action;
}

// The fast way, for a text in normal form: `text` is judged, `joined` opened.
long open_normal(const char* joined, const PathBuffer& text, bool relative, const PathBuffer& called,
                 std::uint64_t flags, std::uint64_t mode) {
  Judged judged;
  if (judge_open(text.view(), flags, judged) == AP_DENY) {
    // Refused, unless the text is not the real path after all.
    const long probe = canonical::open_without_links(AT_FDCWD, joined, O_PATH | O_CLOEXEC | (flags & O_NOFOLLOW), 0);
    if (probe >= 0)
      sys::call(SYS_close, probe);
    else if (canonical::needs_slow_way(probe, relative))
      return kSlow;
    return settle(judged.operation, judged.verdict, called.view()) < 0
               ? -EPERM
               : canonical::open_without_links(AT_FDCWD, joined, flags, mode);  // the loader's own read of code
  }
  const long fd = canonical::open_without_links(AT_FDCWD, joined, flags, mode);
  if (fd < 0 && canonical::needs_slow_way(fd, relative)) return kSlow;
  // INVARIANT: only a text as it was called is remembered. One that was made of it can mean another file in a forked
  // child: /proc with a number in it, a relative path.
  if (judged.verdict.action != AP_GRANT)
    settle(judged.operation, judged.verdict, called.view());
  else if (joined == text.data)
    granted_paths::add(text.view(), form_of(flags));
  return fd;
}

// The same for any text: joined with the directory, normalised into `real`. kSlow: links, or nothing to judge by its
// text.
[[gnu::noinline]] long open_by_text(int dirfd, const PathBuffer& path, std::uint64_t flags, std::uint64_t mode,
                                    PathBuffer& real) {
  PathBuffer joined;
  if (canonical::absolute(dirfd, path.view(), joined, real) < 0) {
    real.size = 0;
    return kSlow;
  }
  return open_normal(joined.data, real, path.data[0] != '/', path, flags, mode);
}

// By its name in the real directory, made there if asked. A link in the last place is followed by hand, as the kernel
// would.
[[gnu::noinline]] long open_in_directory(int dirfd, const PathBuffer& called, std::uint64_t flags, std::uint64_t mode) {
  PathBuffer path = called;
  Descriptor from;
  for (int links = 0; links < 40; ++links) {
    canonical::Entry entry;
    long result = canonical::resolve_entry(from ? from.get() : dirfd, path, entry);
    if (result < 0 && !entry.parent) return result;
    entry.parent.move_high();
    Judged judged;
    judge_open(entry.path.view(), flags, judged);
    if (judged.verdict.action == AP_DENY && settle(judged.operation, judged.verdict, called.view()) < 0) return -EPERM;
    long fd = canonical::open_without_links(entry.parent.get(), entry.name, flags, mode);
    if (fd < 0 && fd != -ELOOP && canonical::needs_slow_way(fd, false))
      fd = sys::call(SYS_openat, entry.parent.get(), entry.name, flags | O_NOFOLLOW, mode);
    if (fd != -ELOOP || (flags & (O_NOFOLLOW | O_EXCL))) {
      if (judged.verdict.action == AP_OBSERVE) settle(judged.operation, judged.verdict, called.view());
      return fd;
    }
    PathBuffer target;
    result = sys::call(SYS_readlinkat, entry.parent.get(), entry.name, target.data, sizeof target.data - 1);
    if (result <= 0) return -ELOOP;
    target.size = static_cast<std::uint32_t>(result);
    target.data[result] = 0;
    path = target;
    from.take(entry.parent);
  }
  return -ELOOP;
}

// The slow way: the object first, its real path, then the open of that object.
[[gnu::noinline]] long open_by_object(int dirfd, const PathBuffer& path, std::uint64_t flags, std::uint64_t mode,
                                      std::uint64_t resolve, PathBuffer& real) {
  const bool slash = path.data[path.size - 1] == '/';  // leads over a link even with O_NOFOLLOW
  if (!resolve &&
      (((flags & O_CREAT) && (flags & O_EXCL)) || ((flags & (O_NOFOLLOW | O_PATH)) == O_NOFOLLOW && !slash)))
    return open_in_directory(dirfd, path, flags, mode);
  open_how how{};
  how.flags = O_PATH | O_CLOEXEC | (flags & (O_NOFOLLOW | O_DIRECTORY));
  how.resolve = resolve;
  Descriptor object;
  const long probe = object.open([&] {
    return resolve ? sys::call(SYS_openat2, dirfd, path.data, &how, sizeof how)
                   : sys::call(SYS_openat, dirfd, path.data, how.flags);
  });
  if (probe == -ENOENT && (flags & O_CREAT) && !resolve) return open_in_directory(dirfd, path, flags, mode);
  Judged judged;
  if (probe < 0) {  // the answer must not depend on what is there
    if (!real.size) return probe;
    judge_open(real.view(), flags, judged);
    return settle(judged.operation, judged.verdict, path.view()) < 0 ? -EPERM : probe;
  }
  object.move_high();
  const long named = canonical::path_of(object.get(), real);
  if (named == -ENOTDIR) {
    judged.verdict = Verdict{};  // a pipe, a socket: no file, and open already
  } else {
    judge_open(real.view(), flags, judged);
    if (settle(judged.operation, judged.verdict, path.view()) < 0) return -EPERM;
  }
  if ((flags & O_NOFOLLOW) && !(flags & O_PATH) && !slash)
    return -ELOOP;  // openat2 with walk flags: not to be told apart
  if ((flags & (O_PATH | O_NOFOLLOW)) ==
      (O_PATH | O_NOFOLLOW)) {  // may be the link itself: the same descriptor, lowest number
    return sys::call(SYS_fcntl, object.get(), flags & O_CLOEXEC ? F_DUPFD_CLOEXEC : F_DUPFD, 0);
  }
  if ((flags & O_CREAT) && (flags & O_DIRECTORY)) return -EINVAL;
  // The flag is kept, for fcntl(F_GETFL): with a last component that is no link.
  if (flags & O_NOFOLLOW) return sys::call(SYS_openat, object.get(), ".", flags & ~std::uint64_t{O_CREAT}, mode);
  return sys::call(SYS_openat, AT_FDCWD, DescriptorPath(object.get()).text, flags & ~std::uint64_t{O_CREAT | O_EXCL},
                   mode);
}

[[gnu::noinline]] long open_otherwise(int dirfd, const PathBuffer& path, std::uint64_t flags, std::uint64_t mode,
                                      std::uint64_t resolve);

}  // namespace

long guarded_open(int dirfd, const PathBuffer& path, std::uint64_t flags, std::uint64_t mode,
                  std::uint64_t resolve) noexcept {
  if (path.size == 0) return -ENOENT;
  if (!resolve && granted_paths::has(path.view(), form_of(flags))) {
    const long fd = canonical::open_without_links(AT_FDCWD, path.data, flags, mode);
    if (fd >= 0 || !canonical::needs_slow_way(fd, false)) return fd;
  } else if (!resolve && canonical::is_normal(path.view())) {
    const long fd = open_normal(path.data, path, false, path, flags, mode);
    if (fd != kSlow) return fd;
  }
  return open_otherwise(dirfd, path, flags, mode, resolve);
}

namespace {

[[gnu::noinline]] long open_otherwise(int dirfd, const PathBuffer& path, std::uint64_t flags, std::uint64_t mode,
                                      std::uint64_t resolve) {
  PathBuffer real;
  real.size = 0;
  if (!resolve) {
    const long fd = open_by_text(dirfd, path, flags, mode, real);
    if (fd != kSlow) return fd;
  }
  if (resolve && (flags & O_CREAT)) {
    // A walk confined by the caller that may make a file: only without links, where its text is its path.
    PathBuffer joined;
    const std::string_view text = path.view();
    std::string_view below = text;
    while ((resolve & RESOLVE_IN_ROOT) && !below.empty() && below[0] == '/') below.remove_prefix(1);
    if (canonical::absolute(dirfd, below, joined, real) < 0) return -EPERM;
    Judged judged;
    judge_open(real.view(), flags, judged);
    if (settle(judged.operation, judged.verdict, text) < 0) return -EPERM;
    open_how how{};
    how.flags = flags;
    how.mode = mode;
    how.resolve = resolve | RESOLVE_NO_SYMLINKS | (resolve & RESOLVE_IN_ROOT ? 0 : RESOLVE_BENEATH);
    return sys::call(SYS_openat2, dirfd, text.data(), &how, sizeof how);
  }
  return open_by_object(dirfd, path, flags, mode, resolve, real);
}

}  // namespace

}  // namespace ap::interpose
