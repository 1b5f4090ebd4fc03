// SPDX-License-Identifier: Apache-2.0
//
// Calls that change the ground under path decisions, or what the kernel itself does for this process: roots, mounts and
// namespaces; process accounting and core dumps, which write files; descriptors taken out of other processes; filters
// that would swallow our own system calls. Line 2 defends itself with these whatever `native_code` says, as soon as
// anything is denied. Not covered: what needs a capability that no function has (modules, kexec, raw disks).
#include "interpose/state.hpp"

#include <errno.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "base/syscall.hpp"
#include "interpose/calls.hpp"
#include "interpose/decide.hpp"
#include "interpose/user_memory.hpp"

namespace ap::interpose {
namespace {

long refuse(std::string_view what) {
  return refuse_native(AP_CALL_ADDRESS, what);
}

long do_chroot(long path, long, long, long, long, long) {
  return enforcing ? refuse("chroot") : sys::call(SYS_chroot, path);
}
long do_pivot_root(long to, long old, long, long, long, long) {
  return enforcing ? refuse("pivot_root") : sys::call(SYS_pivot_root, to, old);
}
long do_setns(long fd, long type, long, long, long, long) {
  return enforcing ? refuse("setns") : sys::call(SYS_setns, fd, type);
}
long do_unshare(long flags, long, long, long, long, long) {
  constexpr long kNamespaces =
      CLONE_NEWNS | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP;
  return enforcing && (flags & kNamespaces) ? refuse("unshare") : sys::call(SYS_unshare, flags);
}

// mount, umount2 and the newer calls that make the same of pieces.
enum MountCall {
  kOpenTree = 428,
  kMoveMount = 429,
  kFsopen = 430,
  kFsconfig = 431,
  kFsmount = 432,
  kFspick = 433,
  kMountSetattr = 442
};
template <int number>
long do_mount(long a, long b, long c, long d, long e, long f) {
  return enforcing ? refuse("mount") : sys::call(number, a, b, c, d, e, f);
}
long do_umount(long target, long, long, long, long, long) {
  return do_mount<SYS_umount2>(target, 0, 0, 0, 0, 0);
}

// Appends to a file, from inside the kernel, whenever a process ends.
long do_acct(long path, long, long, long, long, long) {
  return enforcing && path ? refuse("acct") : sys::call(SYS_acct, path);
}

long do_pidfd_getfd(long pidfd, long fd, long flags, long, long, long) {
  constexpr int number = 438;
  return enforcing ? refuse("pidfd_getfd")
                   : sys::call(number, static_cast<int>(pidfd), static_cast<int>(fd), static_cast<unsigned>(flags));
}

// A filter answers for the kernel: our own calls would seem to succeed.
long decide_filter() {
  Operation op = native(AP_CALL_ADDRESS, "seccomp");
  return decide(op, "seccomp");
}
long do_seccomp(long operation, long flags, long arguments, long, long, long) {
  if (operation == SECCOMP_SET_MODE_FILTER || operation == SECCOMP_SET_MODE_STRICT)
    if (const long refused = decide_filter()) return refused;
  return sys::call(SYS_seccomp, operation, flags, arguments);
}
long do_prctl(long option, long a, long b, long c, long d, long) {
  constexpr int kSetUserDispatch = 59;  // a handler of the program's answers
  const bool dispatch = static_cast<int>(option) == kSetUserDispatch && a != 0;
  if (static_cast<int>(option) == PR_SET_SECCOMP || dispatch)
    if (const long refused = decide_filter()) return refused;
  return sys::call(SYS_prctl, static_cast<int>(option), a, b, c, d);
}

// A core dump is a file in the working directory that no open makes. See forbid_core_dumps().
long do_prlimit(long pid, long resource, long limit, long old, long, long) {
  if (enforcing && limit && static_cast<int>(resource) == RLIMIT_CORE) {
    struct rlimit wanted;
    if (const long bad = copy_bytes(&wanted, reinterpret_cast<const void*>(limit), sizeof wanted)) return bad;
    if (wanted.rlim_cur > 0) return refuse("setrlimit(RLIMIT_CORE)");
  }
  return sys::call(SYS_prlimit64, static_cast<int>(pid), static_cast<int>(resource), limit, old);
}
long do_setrlimit(long resource, long limit, long, long, long, long) {
  return do_prlimit(0, resource, limit, 0, 0, 0);
}

}  // namespace

void forbid_core_dumps() noexcept {
  struct rlimit limit;
  if (sys::call(SYS_prlimit64, 0, RLIMIT_CORE, nullptr, &limit) != 0 || limit.rlim_cur == 0) return;
  limit.rlim_cur = 0;
  sys::call(SYS_prlimit64, 0, RLIMIT_CORE, &limit, nullptr);
}

Table<Call> state_calls() noexcept {
  static const Call rows[] = {
      {"chroot", entry_of<do_chroot>(), kFiles},
      {"pivot_root", entry_of<do_pivot_root>(), kFiles},
      {"mount", entry_of<do_mount<SYS_mount>>(), kFiles},
      {"umount", entry_of<do_umount>(), kFiles},
      {"umount2", entry_of<do_mount<SYS_umount2>>(), kFiles},
      {"open_tree", entry_of<do_mount<kOpenTree>>(), kFiles},
      {"move_mount", entry_of<do_mount<kMoveMount>>(), kFiles},
      {"fsopen", entry_of<do_mount<kFsopen>>(), kFiles},
      {"fsconfig", entry_of<do_mount<kFsconfig>>(), kFiles},
      {"fsmount", entry_of<do_mount<kFsmount>>(), kFiles},
      {"fspick", entry_of<do_mount<kFspick>>(), kFiles},
      {"mount_setattr", entry_of<do_mount<kMountSetattr>>(), kFiles},
      {"setns", entry_of<do_setns>(), kAlways},
      {"unshare", entry_of<do_unshare>(), kAlways},
      {"acct", entry_of<do_acct>(), kFiles},
      {"pidfd_getfd", entry_of<do_pidfd_getfd>(), kAlways},
      {"prctl", entry_of<do_prctl>(), kAlways},
      {"setrlimit", entry_of<do_setrlimit>(), kFiles},
      {"prlimit", entry_of<do_prlimit>(), kFiles},
      {"prlimit64", entry_of<do_prlimit>(), kFiles},
  };
  return table(rows);
}

Table<Number> state_numbers() noexcept {
  static const Number rows[] = {
      {SYS_chroot, do_chroot, kFiles},
      {SYS_pivot_root, do_pivot_root, kFiles},
      {SYS_mount, do_mount<SYS_mount>, kFiles},
      {SYS_umount2, do_mount<SYS_umount2>, kFiles},
      {kOpenTree, do_mount<kOpenTree>, kFiles},
      {kMoveMount, do_mount<kMoveMount>, kFiles},
      {kFsopen, do_mount<kFsopen>, kFiles},
      {kFsconfig, do_mount<kFsconfig>, kFiles},
      {kFsmount, do_mount<kFsmount>, kFiles},
      {kFspick, do_mount<kFspick>, kFiles},
      {kMountSetattr, do_mount<kMountSetattr>, kFiles},
      {SYS_setns, do_setns, kAlways},
      {SYS_unshare, do_unshare, kAlways},
      {SYS_acct, do_acct, kFiles},
      {438, do_pidfd_getfd, kAlways},
      {SYS_seccomp, do_seccomp, kAlways},
      {SYS_prctl, do_prctl, kAlways},
      {SYS_setrlimit, do_setrlimit, kFiles},
      {SYS_prlimit64, do_prlimit, kFiles},
  };
  return table(rows);
}

}  // namespace ap::interpose
