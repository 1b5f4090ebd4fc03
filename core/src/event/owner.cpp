// SPDX-License-Identifier: Apache-2.0
#include "event/owner.hpp"

#include <fcntl.h>
#include <linux/memfd.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>

#include "base/high_descriptor.hpp"
#include "base/syscall.hpp"
#include "guard/image.hpp"

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal 424
#endif

namespace ap::event {

namespace {

char* put_number(char* at, std::int32_t number) noexcept {
  char digits[12];
  std::size_t n = 0;
  for (auto v = static_cast<std::uint32_t>(number); v != 0 || n == 0; v /= 10)
    digits[n++] = static_cast<char>('0' + v % 10);
  while (n > 0) *at++ = digits[--n];
  return at;
}

}  // namespace

std::uint64_t start_ticks(std::int32_t pid) noexcept {
  char path[32] = "/proc/";
  __builtin_memcpy(put_number(path + 6, pid), "/stat", 6);
  const long fd = sys::call(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
  if (fd < 0) return 0;
  char text[1024];
  const long size = sys::call(SYS_read, fd, text, sizeof text - 1);
  sys::call(SYS_close, fd);
  if (size <= 0) return 0;
  text[size] = '\0';
  // The name in parentheses may hold anything, parentheses too: count fields from the last one.
  const char* p = strrchr(text, ')');
  if (p == nullptr) return 0;
  for (int field = 2; field < 22; ++field) {
    p = strchr(p + 1, ' ');
    if (p == nullptr) return 0;
  }
  std::uint64_t ticks = 0;
  for (++p; *p >= '0' && *p <= '9'; ++p) ticks = ticks * 10 + static_cast<std::uint64_t>(*p - '0');
  return ticks;
}

void end_owner() noexcept {
  const Settings& s = settings();
  if (s.owner_pid <= 1 || s.owner_start_ticks == 0 || s.owner_pid == sys::call(SYS_getpid)) return;
  const long held = sys::call(SYS_pidfd_open, s.owner_pid, 0);
  if (start_ticks(s.owner_pid) != s.owner_start_ticks) return;
  if (held >= 0)
    sys::call(SYS_pidfd_send_signal, held, SIGKILL, nullptr, 0);
  else
    sys::call(SYS_kill, s.owner_pid, SIGKILL);  // before Linux 5.3
}

Sink make_flag_file() noexcept {
  Sink none{-1, 0, 0, 0};
  const long made = sys::call(SYS_memfd_create, "app_protect", MFD_CLOEXEC);
  if (made < 0) return none;
  const int fd = move_high(static_cast<int>(made));
  struct stat st;
  if (sys::call(SYS_ftruncate, fd, sizeof(std::uint32_t)) == 0 && sys::call(SYS_fstat, fd, &st) == 0)
    return {fd, 0, st.st_dev, st.st_ino};
  sys::call(SYS_close, fd);
  return none;
}

void set_flag_of_owner() noexcept {
  const Settings& s = settings();
  if (s.blocked.fd < 0 || s.owner_pid <= 0) return;
  char path[48] = "/proc/";
  char* at = put_number(path + 6, s.owner_pid);
  __builtin_memcpy(at, "/fd/", 4);
  *put_number(at + 4, s.blocked.fd) = '\0';
  const long fd = sys::call(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC, 0);
  if (fd < 0) return;
  struct stat st;
  const std::uint32_t set = 1;
  if (sys::call(SYS_fstat, fd, &st) == 0 && st.st_dev == s.blocked.device && st.st_ino == s.blocked.inode)
    sys::call(SYS_pwrite64, fd, &set, sizeof set, 0);
  sys::call(SYS_close, fd);
}

}  // namespace ap::event
