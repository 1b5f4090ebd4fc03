// SPDX-License-Identifier: Apache-2.0
#include "event/writer.hpp"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <atomic>

#include "base/clock.hpp"
#include "base/high_descriptor.hpp"
#include "base/syscall.hpp"
#include "base/thread_local.hpp"

namespace ap::event {
namespace {

constexpr Sink kNowhere = {-1, 0, 0, 0};

// INVARIANT: written by start() and adopt() only, before the first line, and a number by renumber_sink(); read without
// a lock.
struct State {
  Sink sinks[2] = {kNowhere, kNowhere};
  Sink standard_error = kNowhere;
  bool fall_back = false;
  std::atomic<bool> stuck[3] = {};  // events, log, standard error: the last line there waited in vain
};
State g;

bool identify(int fd, struct stat& st) noexcept {
  return sys::call(SYS_fstat, fd, &st) == 0;
}

bool is_still(const Sink& s, struct stat& st) noexcept {
  return s.fd >= 0 && identify(s.fd, st) && st.st_dev == s.device && st.st_ino == s.inode;
}

// A pipe or terminal is opened anew, so that O_NONBLOCK is ours alone: the flag belongs to the open file, which the
// program's own descriptor shares with a duplicate.
int reopen(int fd, mode_t mode) noexcept {
  if (!S_ISFIFO(mode) && !S_ISCHR(mode)) return -1;
  char path[32] = "/proc/self/fd/";
  char* at = path + strlen(path);
  if (fd >= 100) *at++ = static_cast<char>('0' + fd / 100 % 10);
  if (fd >= 10) *at++ = static_cast<char>('0' + fd / 10 % 10);
  *at = static_cast<char>('0' + fd % 10);
  return static_cast<int>(sys::call(SYS_openat, AT_FDCWD, path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0));
}

Sink take_over(int fd, std::uint32_t is_std) noexcept {
  const int high = move_high(fd);
  struct stat st{};
  if (!identify(high, st)) return kNowhere;
  return {high, is_std, st.st_dev, st.st_ino};
}

// A write to a pipe that nobody reads raises SIGPIPE: it is held back for this thread and taken off the queue.
class HoldSigpipe {
 public:
  HoldSigpipe() noexcept {
    std::uint64_t pending = 0;
    sys::call(SYS_rt_sigpending, &pending, sizeof pending);
    was_pending_ = (pending & kBit) != 0;
    if (!was_pending_) sys::call(SYS_rt_sigprocmask, SIG_BLOCK, &kSet, &before_, sizeof kSet);
  }
  ~HoldSigpipe() {
    if (was_pending_) return;
    if (raised_) {
      const timespec none{};
      while (sys::call(SYS_rt_sigtimedwait, &kSet, nullptr, &none, sizeof kSet) == -EINTR) {
      }
    }
    sys::call(SYS_rt_sigprocmask, SIG_SETMASK, &before_, nullptr, sizeof kSet);
  }
  void raised() noexcept { raised_ = true; }

 private:
  static constexpr std::uint64_t kBit = 1ull << (SIGPIPE - 1);
  static constexpr std::uint64_t kSet = kBit;
  std::uint64_t before_ = 0;
  bool was_pending_ = false, raised_ = false;
};

long write_once(int fd, mode_t mode, std::string_view line) noexcept {
  if (S_ISSOCK(mode))
    return sys::call(SYS_sendto, fd, line.data(), line.size(), MSG_DONTWAIT | MSG_NOSIGNAL, nullptr, 0);
  if (S_ISREG(mode)) return sys::call(SYS_write, fd, line.data(), line.size());
  pollfd p = {fd, POLLOUT, 0};
  const timespec none{};
  // A duplicate shares the program's blocking file: ask first. For a line of PIPE_BUF bytes "writable" means "all of
  // it".
  if (sys::call(SYS_ppoll, &p, 1, &none, nullptr, 0) == 0) return -EAGAIN;
  HoldSigpipe hold;
  const long n = sys::call(SYS_write, fd, line.data(), line.size());
  if (n == -EPIPE) hold.raised();
  return n;
}

enum class Outcome { written, timed_out, gone };

Outcome try_write(const Sink& s, mode_t mode, std::string_view line, int patience_ms) noexcept {
  const std::uint64_t until = monotonic_ns() + static_cast<std::uint64_t>(patience_ms) * 1000000;
  bool begun = false;
  while (!line.empty()) {
    const long n = write_once(s.fd, mode, line);
    if (n > 0) {
      line.remove_prefix(static_cast<std::size_t>(n));
      begun = true;  // a terminal or socket took a part: the rest belongs to it
      continue;
    }
    if (n == -EINTR) continue;
    if (n != -EAGAIN) return Outcome::gone;
    const std::uint64_t now = monotonic_ns();
    if (now >= until) return Outcome::timed_out;
    const std::uint64_t left = until - now;
    const timespec wait = {static_cast<time_t>(left / 1000000000), static_cast<long>(left % 1000000000)};
    pollfd p = {s.fd, POLLOUT, 0};
    const long ready = sys::call(SYS_ppoll, &p, 1, &wait, nullptr, 0);
    if (ready == 0 || (ready < 0 && ready != -EINTR)) return begun ? Outcome::gone : Outcome::timed_out;
  }
  return Outcome::written;
}

bool write_to(const Sink& s, std::atomic<bool>& stuck, std::string_view line, int patience_ms,
              bool& try_next) noexcept {
  struct stat st{};
  try_next = true;
  if (!is_still(s, st)) return false;
  if (patience_ms < 0) patience_ms = stuck.load(std::memory_order_relaxed) ? 0 : kPatienceMs;
  const Outcome outcome = try_write(s, st.st_mode, line, patience_ms);
  if (outcome == Outcome::gone) return false;
  stuck.store(outcome == Outcome::timed_out, std::memory_order_relaxed);
  try_next = false;  // a slow reader is no reason to write elsewhere
  return outcome == Outcome::written;
}

}  // namespace

Sink borrow_standard(int fd) noexcept {
  struct stat st{};
  if (!identify(fd, st)) return kNowhere;
  return {fd, static_cast<std::uint32_t>(fd), st.st_dev, st.st_ino};
}

Sink open_standard(int fd) noexcept {
  struct stat st{};
  if (!identify(fd, st)) return kNowhere;
  const int anew = reopen(fd, st.st_mode);
  if (anew >= 0) {
    const Sink s = take_over(anew, static_cast<std::uint32_t>(fd));
    if (s.fd >= 0) return s;
  }
  const int high = duplicate_high(fd);
  if (high < 0) return borrow_standard(fd);
  return {high, static_cast<std::uint32_t>(fd), st.st_dev, st.st_ino};
}

Result<Sink> open_file(const char* path) {
  const auto failed = [path](std::string_view why) {
    return Error{ErrorCode::invalid_config, "cannot open `" + std::string(path) + "`: " + std::string(why)};
  };
  const long fd =
      sys::call(SYS_openat, AT_FDCWD, path, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0600);
  if (fd == -ENXIO) return failed("it is a pipe that nobody reads");
  if (fd < 0) return failed(strerror(static_cast<int>(-fd)));
  struct stat st{};
  if (!identify(static_cast<int>(fd), st) || !(S_ISREG(st.st_mode) || S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode))) {
    sys::call(SYS_close, fd);
    return failed("it is not a regular file");
  }
  const Sink s = take_over(static_cast<int>(fd), 0);
  if (s.fd < 0) return failed("no descriptor is free");
  return s;
}

void use_sinks(const Sink& events, const Sink& log, bool fall_back) noexcept {
  g.sinks[0] = events;
  g.sinks[1] = log;
  g.fall_back = fall_back;
  g.standard_error = fall_back ? borrow_standard(2) : kNowhere;
  for (auto& s : g.stuck) s.store(false, std::memory_order_relaxed);
}

void close_sinks() noexcept {
  for (Sink& s : g.sinks) {
    struct stat st{};
    if (s.fd > 2 && is_still(s, st)) sys::call(SYS_close, s.fd);
    s = kNowhere;
  }
}

namespace {
AP_THREAD_LOCAL WriteForChild* spawning = nullptr;
}

WriteForChild::WriteForChild() noexcept : outer_(spawning), parent_(sys::call(SYS_getpid)) {
  spawning = this;
}

WriteForChild::~WriteForChild() {
  spawning = outer_;
  if (size_ != 0) write_line(Channel::events, {line_, size_});
}

bool WriteForChild::in_child() const noexcept {
  return sys::call(SYS_getpid) != parent_;
}

bool WriteForChild::keep(std::string_view line) noexcept {
  if (size_ != 0 || line.size() > sizeof line_) return false;
  memcpy(line_, line.data(), line.size());
  size_ = line.size();
  return true;
}

bool write_line(Channel channel, std::string_view line) noexcept {
  return write_line(channel, line, -1);
}

bool write_line(Channel channel, std::string_view line, int patience_ms) noexcept {
  const auto c = static_cast<std::size_t>(channel);
  bool try_next = true;
  const Sink& own = g.sinks[c];
  if (write_to(own, g.stuck[c], line, patience_ms, try_next)) return true;
  // Its standard error is the program's own: nothing of ours goes there.
  if (spawning && spawning->in_child()) return channel == Channel::events && spawning->keep(line);
  if (!try_next || !g.fall_back) return false;
  if (own.is_std == 1) {  // our duplicate is gone, the program's own standard output may still be what it was
    const Sink plain = {1, 1, own.device, own.inode};
    if (write_to(plain, g.stuck[c], line, patience_ms, try_next)) return true;
    if (!try_next) return false;
  }
  return write_to(g.standard_error, g.stuck[2], line, patience_ms, try_next);
}

Sink sink(Channel channel) noexcept {
  return g.sinks[static_cast<std::size_t>(channel)];
}

void renumber_sink(Channel channel, int fd) noexcept {
  __atomic_store_n(&g.sinks[static_cast<std::size_t>(channel)].fd, fd, __ATOMIC_RELEASE);
}

}  // namespace ap::event
