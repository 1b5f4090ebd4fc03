// SPDX-License-Identifier: Apache-2.0
//
// Our descriptors (the log, the image for children) stay open and stay ours: a program that closes everything it does
// not know (a daemon, Python's subprocess before each exec) must not silence the events of its children, and dup2 must
// not lead them into a file of its own. To the program they are numbers that are not open: who looks which of its
// numbers are (fstat, fcntl) does not find them, and they make room for who wants one (a shell's `exec 57>lock`).
// What line 2 has open for the length of one call (guard/held.hpp) is waited for.
#include "interpose/descriptors.hpp"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>

#include <algorithm>
#include <iterator>

#include "base/high_descriptor.hpp"
#include "base/syscall.hpp"
#include "event/report.hpp"
#include "event/writer.hpp"
#include "guard/held.hpp"
#include "guard/image.hpp"
#include "interpose/calls.hpp"
#include "interpose/decide.hpp"
#include "interpose/image_descriptor.hpp"
#include "interpose/old_numbers.hpp"
#include "interpose/originals.hpp"

namespace ap::interpose {

bool is_own_descriptor(long fd) noexcept {
  // The number of the flag is the owner's: a child that was executed has none (event/owner.hpp).
  return fd > 2 && (fd == event::sink(event::Channel::events).fd || fd == event::sink(event::Channel::log).fd ||
                    (!event::handed_over() && fd == settings().blocked.fd) || fd == kept_image());
}

namespace {

int flag() {
  return event::handed_over() ? -1 : settings().blocked.fd;
}

// One of ours goes to another number, so that the program has this one; not the flag, which children know by its
// number. In the child of a vfork, whose memory is its parent's, the numbers stay, and what is written over is found to
// be another file (writer.hpp) and made anew at the exec (handover.cpp).
bool make_room(int fd) {
  if (fd == flag()) return false;
  if (event::in_borrowed_memory()) return true;
  const int elsewhere = duplicate_high(fd, fd + 1);
  if (elsewhere < 0) return false;
  for (const auto channel : {event::Channel::events, event::Channel::log})
    if (event::sink(channel).fd == fd) event::renumber_sink(channel, elsewhere);
  if (kept_image() == fd) renumber_image(elsewhere);
  return true;
}

// Where nothing is denied, a holder that needs long (the machine is busy) is waited for, and no more.
bool may(const held::Change& change) {
  return change || !enforcing;
}

long do_close(long word, long, long, long, long, long) {
  const auto fd = static_cast<int>(word);
  if (is_own_descriptor(fd)) return -EBADF;
  const held::Change change(fd);
  return may(change) ? sys::call(SYS_close, fd) : -EBADF;
}

// The range in parts, around ours.
long do_close_range(long first_word, long last_word, long flags, long, long, long) {
  auto first = static_cast<unsigned>(first_word);
  const auto last = static_cast<unsigned>(last_word);
  const held::Change change(first, first <= last ? last : first);
  if (!may(change)) return -EBUSY;
  if (first > last || (flags & ~long{CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC}))
    return sys::call(SYS_close_range, first, last, static_cast<unsigned>(flags));
  int ours[] = {event::sink(event::Channel::events).fd, event::sink(event::Channel::log).fd, flag(), kept_image()};
  std::sort(std::begin(ours), std::end(ours));
  for (const int fd : ours) {
    const auto number = static_cast<unsigned>(fd);
    if (fd <= 2 || number < first || number > last) continue;
    if (first < number)
      if (const long result = sys::call(SYS_close_range, first, number - 1, static_cast<unsigned>(flags)); result < 0)
        return result;
    first = number + 1;
  }
  return first <= last && first ? sys::call(SYS_close_range, first, last, static_cast<unsigned>(flags)) : 0;
}

long before_dup(long from, int to) {
  if (is_own_descriptor(static_cast<int>(from))) return -EBADF;
  return is_own_descriptor(to) && !make_room(to) ? -EBUSY : 0;
}

// EBUSY is what dup2(2) documents for a number that is just being opened.
long do_dup2(long from, long word, long, long, long, long) {
  const auto to = static_cast<int>(word);
  if (const long refused = before_dup(from, to)) return refused;
  const held::Change change(to);
  if (!may(change)) return -EBUSY;
  if (static_cast<int>(from) != to) return sys::call(SYS_dup3, static_cast<int>(from), to, 0);
  const long there = sys::call(SYS_fcntl, to, F_GETFD);  // onto itself: dup3 refuses that
  return there < 0 ? there : to;
}
long do_dup3(long from, long word, long flags, long, long, long) {
  const auto to = static_cast<int>(word);
  if (const long refused = before_dup(from, to)) return refused;
  const held::Change change(to);
  return may(change) ? sys::call(SYS_dup3, static_cast<int>(from), to, static_cast<int>(flags)) : -EBUSY;
}

// Which numbers are open, asked one by one.
long do_fstat(long word, long buffer, long, long, long, long) {
  const auto fd = static_cast<int>(word);
  return is_own_descriptor(fd) ? -EBADF : sys::call(SYS_fstat, fd, buffer);
}
long do_fxstat(long version, long fd, long buffer, long, long, long) {
  return version > 1 ? -EINVAL : do_fstat(fd, buffer, 0, 0, 0, 0);
}
long do_fcntl(long word, long command, long argument, long, long, long) {
  const auto fd = static_cast<int>(word);
  return is_own_descriptor(fd) ? -EBADF : sys::call(SYS_fcntl, fd, static_cast<int>(command), argument);
}
// libc's own knows more: F_GETOWN, and where a thread may be cancelled.
int hook_fcntl(int fd, int command, long argument) {
  return is_own_descriptor(fd) ? static_cast<int>(finish(-EBADF)) : originals.fcntl(fd, command, argument);
}

}  // namespace

Table<Call> descriptor_calls() noexcept {
  static const Call rows[] = {
      {"close", entry_of<do_close>(), kAlways},
      {"__close_nocancel", entry_of<do_close>(), kAlways},
      {"mq_close", entry_of<do_close>(), kAlways},  // of any number
      {"close_range", entry_of<do_close_range>(), kAlways},
      {"dup2", entry_of<do_dup2>(), kAlways},
      {"dup3", entry_of<do_dup3>(), kAlways},
      {"fstat", entry_of<do_fstat>(), kAlways},
      {"fstat64", entry_of<do_fstat>(), kAlways},
      {"__fxstat", entry_of<do_fxstat>(), kAlways},
      {"__fxstat64", entry_of<do_fxstat>(), kAlways},
      {"fcntl", code(hook_fcntl), kAlways, slot(originals.fcntl)},
      {"fcntl64", code(hook_fcntl), kAlways, slot(originals.fcntl)},
  };
  return table(rows);
}

Table<Number> descriptor_numbers() noexcept {
  static const Number rows[] = {
      {SYS_close, do_close, kAlways},
      {SYS_close_range, do_close_range, kAlways},
      {old_number(Old::dup2), do_dup2, kAlways},
      {SYS_dup3, do_dup3, kAlways},
      {SYS_fstat, do_fstat, kAlways},
      {SYS_fcntl, do_fcntl, kAlways},
  };
  return table(rows);
}

}  // namespace ap::interpose
