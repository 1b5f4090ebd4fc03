// SPDX-License-Identifier: Apache-2.0
//
// Path text as policies compare it: absolute, without `.`, `..`, `//` and trailing slash, the own process in /proc
// called `self`. Text only: links are line 2's business (guard/canonical). Bytes; cut at NUL as the kernel does; no
// allocation.
//
//   PathText path;
//   if (path.normalise("../etc//passwd", "/tmp")) use(path.view());   // "/etc/passwd"
//
// `..` is resolved in the text. Where a directory in front of it is a link the kernel may mean another place; line 2
// decides there.
#pragma once
#include <limits.h>

#include <string_view>

namespace ap {

class PathText {
 public:
  // False when the result, or the path itself, is as long as PATH_MAX (4096) or longer, or the current directory is not
  // to be had: such a path cannot be judged. An empty `cwd` is the process's own (one system call, only for relative
  // paths). INVARIANT: view() may point into `path` (when that is in normal form already), so it lives no longer than
  // that.
  bool normalise(std::string_view path, std::string_view cwd) noexcept;
  // The same for a path that the kernel gave: only /proc/<own pid> is rewritten.
  bool from_kernel(std::string_view path) noexcept;
  std::string_view view() const noexcept { return view_; }

 private:
  bool append_clean(std::string_view text) noexcept;
  bool rewrite_proc() noexcept;

  std::string_view view_;
  std::size_t size_ = 0;
  char buffer_[PATH_MAX];
};

}  // namespace ap
