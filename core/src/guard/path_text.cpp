// SPDX-License-Identifier: Apache-2.0
#include "guard/path_text.hpp"

#include <cstring>

#include "base/syscall.hpp"

namespace ap {
namespace {

// Marks the bytes of `word` that are `c`. May also mark a byte behind a marked one: good enough for a doubt.
std::uint64_t bytes_that_are(std::uint64_t word, char c) noexcept {
  constexpr std::uint64_t low = 0x0101010101010101ull, high = 0x8080808080808080ull;
  std::uint64_t x = word ^ (low * static_cast<unsigned char>(c));
  return (x - low) & ~x & high;
}

// Whether `path` is absolute, in normal form and free of NUL. Eight bytes at a time, each beside its neighbour.
bool is_normal(std::string_view path) noexcept {
  if (path.empty() || path[0] != '/' || path.size() >= PATH_MAX) return false;
  const char* p = path.data();
  const std::size_t last = path.size() - 1;
  std::uint64_t doubtful = 0;
  std::size_t at = 0;
  for (; at + 8 <= last; at += 8) {
    std::uint64_t word, next;
    std::memcpy(&word, p + at, 8);
    std::memcpy(&next, p + at + 1, 8);
    doubtful |=
        (bytes_that_are(word, '/') & (bytes_that_are(next, '/') | bytes_that_are(next, '.'))) | bytes_that_are(next, 0);
  }
  for (; at < last; ++at)
    doubtful |= static_cast<unsigned>((p[at] == '/' && (p[at + 1] == '/' || p[at + 1] == '.')) || p[at + 1] == 0);
  if (!doubtful) return last == 0 || p[last] != '/';
  // A hidden file's dot is no `.` segment: look again, exactly.
  if (std::memchr(p, 0, path.size())) return false;
  for (std::size_t i = 0; i < last; ++i) {
    if (p[i] != '/') continue;
    std::string_view rest = path.substr(i + 1);
    if (rest[0] == '/') return false;
    if (rest[0] != '.') continue;
    if (rest.size() == 1 || rest[1] == '/') return false;
    if (rest[1] == '.' && (rest.size() == 2 || rest[2] == '/')) return false;
  }
  return last == 0 || p[last] != '/';
}

// Reads the digits at the front of `text`; 0 when there are none or too many.
long leading_number(std::string_view text, std::size_t& size) noexcept {
  long value = 0;
  for (size = 0; size < text.size() && text[size] >= '0' && text[size] <= '9'; ++size) {
    if (size > 9) return 0;
    value = value * 10 + (text[size] - '0');
  }
  return size ? value : 0;
}

bool is_own_thread(long id) noexcept {
  long pid = sys::call(SYS_getpid);
  return id == pid || (id > 0 && sys::call(SYS_tgkill, pid, id, 0) == 0);
}

}  // namespace

// Appends the segments of `text`, resolving `.` and `..` against what is there.
bool PathText::append_clean(std::string_view text) noexcept {
  for (std::size_t at = 0; at <= text.size();) {
    std::size_t slash = text.find('/', at);
    if (slash == text.npos) slash = text.size();
    std::string_view segment = text.substr(at, slash - at);
    at = slash + 1;
    if (segment.empty() || segment == ".") continue;
    if (segment == "..") {
      while (size_ > 0 && buffer_[--size_] != '/') {
      }
      continue;
    }
    if (segment.size() + 1 > sizeof(buffer_) - 1 - size_) return false;
    buffer_[size_++] = '/';
    std::memcpy(buffer_ + size_, segment.data(), segment.size());
    size_ += segment.size();
  }
  return true;
}

// /proc/<own pid or thread>/x, /proc/thread-self/x, /proc/self/task/<tid>/x -> /proc/self/x; /proc/self/root/x -> /x,
// until none is left. INVARIANT: ends. Only `root` and `task` lead to another turn; they take 15 and 6 bytes away, a
// number gives back three at most.
bool PathText::rewrite_proc() noexcept {
  while (view_.starts_with("/proc/")) {
    std::string_view rest = view_.substr(6);
    std::size_t digits = 0;
    std::string_view behind;  // what follows the directory of the own process
    if (long id = leading_number(rest, digits); id > 0 && (digits == rest.size() || rest[digits] == '/')) {
      if (!is_own_thread(id)) return true;
      behind = rest.substr(digits);
    } else if (rest == "thread-self" || rest.starts_with("thread-self/")) {
      behind = rest.substr(11);
    } else if (rest == "self" || rest.starts_with("self/")) {
      behind = rest.substr(4);
      if (behind.starts_with("/task/")) {
        long task = leading_number(behind.substr(6), digits);
        if (task == 0 || (6 + digits != behind.size() && behind[6 + digits] != '/')) return true;
        behind = behind.substr(6 + digits);
      } else if (behind == "/root" || behind.starts_with("/root/")) {
        std::string_view below = behind.substr(5);
        view_ = below.empty() ? std::string_view("/") : below;
        continue;
      } else {
        return true;
      }
    } else {
      return true;
    }
    if (10 + behind.size() >= sizeof(buffer_)) return false;
    std::memmove(buffer_ + 10, behind.data(), behind.size());
    std::memcpy(buffer_, "/proc/self", 10);
    view_ = {buffer_, 10 + behind.size()};
  }
  return true;
}

bool PathText::normalise(std::string_view path, std::string_view cwd) noexcept {
  if (is_normal(path)) {
    view_ = path;
    return rewrite_proc();
  }
  path = path.substr(0, path.find('\0'));
  if (path.size() >= PATH_MAX) return false;
  size_ = 0;
  if (path.empty() || path[0] != '/') {
    if (!cwd.empty()) {
      if (cwd[0] != '/' || !append_clean(cwd)) return false;
    } else {
      char own[PATH_MAX];
      long size = sys::call(SYS_getcwd, own, sizeof(own));
      if (size <= 1 || own[0] != '/' || !append_clean({own, static_cast<std::size_t>(size - 1)})) return false;
    }
  }
  if (!append_clean(path)) return false;
  if (size_ == 0) buffer_[size_++] = '/';
  view_ = {buffer_, size_};
  return rewrite_proc();
}

bool PathText::from_kernel(std::string_view path) noexcept {
  if (path.empty() || path[0] != '/' || path.size() >= PATH_MAX) return false;
  view_ = path;
  return rewrite_proc();
}

}  // namespace ap
