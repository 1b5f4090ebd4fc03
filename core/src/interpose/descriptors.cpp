// SPDX-License-Identifier: Apache-2.0
//
// Our descriptors (the log, the image for children) stay open and stay ours: a program that closes everything it does
// not know (a daemon, Python's subprocess before each exec) must not silence the events of its children, and dup2 must
// not lead them into a file of its own. To the program they are numbers that are not open. What line 2 has open for the
// length of one call (guard/held.hpp) is waited for.
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>

#include <algorithm>
#include <iterator>

#include "base/syscall.hpp"
#include "event/report.hpp"
#include "event/writer.hpp"
#include "guard/held.hpp"
#include "guard/image.hpp"
#include "interpose/calls.hpp"
#include "interpose/decide.hpp"
#include "interpose/image_descriptor.hpp"
#include "interpose/old_numbers.hpp"

namespace ap::interpose {
namespace {

// The number of the flag is the owner's: a child that was executed has none (event/owner.hpp).
int flag() {
  return event::handed_over() ? -1 : settings().blocked.fd;
}

bool is_ours(long fd) {
  return fd > 2 && (fd == event::sink(event::Channel::events).fd || fd == event::sink(event::Channel::log).fd ||
                    fd == flag() || fd == kept_image());
}

long do_close(long word, long, long, long, long, long) {
  const auto fd = static_cast<int>(word);
  if (is_ours(fd)) return -EBADF;
  const held::Change change(fd);
  return change ? sys::call(SYS_close, fd) : -EBADF;
}

// The range in parts, around ours.
long do_close_range(long first_word, long last_word, long flags, long, long, long) {
  auto first = static_cast<unsigned>(first_word);
  const auto last = static_cast<unsigned>(last_word);
  const held::Change change(first, first <= last ? last : first);
  if (!change) return -EBUSY;
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

// EBUSY is what dup2(2) documents for a number that is just being opened.
long do_dup2(long from, long word, long, long, long, long) {
  const auto to = static_cast<int>(word);
  if (is_ours(to)) return -EBUSY;
  const held::Change change(to);
  if (!change) return -EBUSY;
  if (static_cast<int>(from) != to) return sys::call(SYS_dup3, static_cast<int>(from), to, 0);
  const long there = sys::call(SYS_fcntl, to, F_GETFD);  // onto itself: dup3 refuses that
  return there < 0 ? there : to;
}
long do_dup3(long from, long word, long flags, long, long, long) {
  const auto to = static_cast<int>(word);
  if (is_ours(to)) return -EBUSY;
  const held::Change change(to);
  return change ? sys::call(SYS_dup3, static_cast<int>(from), to, static_cast<int>(flags)) : -EBUSY;
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
  };
  return table(rows);
}

Table<Number> descriptor_numbers() noexcept {
  static const Number rows[] = {
      {SYS_close, do_close, kAlways},
      {SYS_close_range, do_close_range, kAlways},
      {old_number(Old::dup2), do_dup2, kAlways},
      {SYS_dup3, do_dup3, kAlways},
  };
  return table(rows);
}

}  // namespace ap::interpose
