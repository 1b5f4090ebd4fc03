// SPDX-License-Identifier: Apache-2.0
//
// syscall(2): the same handlers by number. A number of no table goes on to libc's own function with its registers as
// they were (fork-like calls must: they return twice).
#include <errno.h>
#include <sys/syscall.h>

#include "base/syscall.hpp"
#include "interpose/calls.hpp"
#include "interpose/decide.hpp"
#include "interpose/old_numbers.hpp"
#include "interpose/raw_syscall.hpp"
#include "interpose/stubs.hpp"

namespace ap::interpose {
namespace {

constexpr int kNumbers = 512;
struct alignas(4096) Dispatch {
  Handler handlers[kNumbers];
};
Dispatch dispatch;

// Made without libc: file and network calls that no entry would see. Programs fall back to the calls that are seen.
long do_absent(long, long, long, long, long, long) {
  return -ENOSYS;
}

// Writes from inside the kernel, also to sockets (the payload of a name server's), and look-ups by a helper of the
// kernel's. Neither is used by libc.
long do_io_setup(long events, long context, long, long, long, long) {
  return enforcing ? -ENOSYS : sys::call(SYS_io_setup, static_cast<unsigned>(events), context);
}
long do_request_key(long type, long description, long callout, long ring, long, long) {
  return enforcing ? -ENOSYS : sys::call(SYS_request_key, type, description, callout, static_cast<int>(ring));
}

}  // namespace

void set_raw_handler(int number, Handler handler) noexcept {
  if (number >= 0 && number < kNumbers) dispatch.handlers[number] = handler;
}

AddressRange raw_handlers() noexcept {
  const auto begin = reinterpret_cast<std::uintptr_t>(&dispatch);
  return {begin, begin + sizeof dispatch};
}

// words: number and six arguments. True when the call was handled; its result is then `*result`, errno set.
extern "C" [[gnu::visibility("hidden")]] int ap_dispatch_syscall(const long* words, long* result) {
  // INVARIANT: as the kernel reads it, the low 32 bits.
  const auto number = static_cast<std::uint32_t>(words[0]);
  if (number >= kUnknownNumber && enforcing) {
    *result = finish(-ENOSYS);
    return 1;
  }
  if (number >= kNumbers || !dispatch.handlers[number]) return 0;
  const long value = dispatch.handlers[number](words[1], words[2], words[3], words[4], words[5], words[6]);
  if (value == kPassOn) return 0;
  *result = finish(value);
  return 1;
}

Table<Call> raw_calls() noexcept {
  static const Call rows[] = {
      {"syscall", code(ap_hook_syscall), kAlways, &originals.syscall},
      {"uselib", entry_of<do_absent>(), kNative},
  };
  return table(rows);
}

Table<Number> raw_numbers() noexcept {
  static const Number rows[] = {
      {425 /* io_uring_setup */, do_absent, kFiles | kNetwork},
      {SYS_io_setup, do_io_setup, kNetwork},
      {SYS_request_key, do_request_key, kNetwork},
      {old_number(Old::uselib), do_absent, kNative},
  };
  return table(rows);
}

}  // namespace ap::interpose
