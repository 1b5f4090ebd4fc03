// SPDX-License-Identifier: Apache-2.0
//
// Child processes: fork and its relatives, and the shell calls system and popen, which are judged as one operation
// before libc starts its shell. What a child then starts is exec.cpp's.
#include "interpose/processes.hpp"

#include <errno.h>
#include <sched.h>
#include <unistd.h>

#include "base/syscall.hpp"
#include "base/thread_local.hpp"
#include "event/marks.hpp"
#include "event/report.hpp"
#include "event/writer.hpp"
#include "guard/held.hpp"
#include "guard/image.hpp"
#include "interpose/calls.hpp"
#include "interpose/decide.hpp"
#include "interpose/image_descriptor.hpp"
#include "interpose/old_numbers.hpp"
#include "interpose/raw_syscall.hpp"
#include "interpose/scratch.hpp"
#include "interpose/spawn_stack.hpp"
#include "interpose/stubs.hpp"
#include "interpose/user_memory.hpp"
#include "policy/blob.hpp"

namespace ap::interpose {

bool user_code = false;

namespace {

// --- fork
// ------------------------------------------------------------------------------------------------------------------

Operation fork_operation() {
  Operation op{};
  op.resource = AP_PROCESSES;
  op.kind = AP_FORK;
  return op;
}

// Where commands are granted one by one, a program without language hooks (a shell) must be able to fork in order to
// run them.
bool commands_decide() {
  return !language_hooks_here && policy() && policy()->header().commands.count != 0;
}

bool free_to_fork() {
  return !user_code || marks::in_process_call() || commands_decide();
}

long decide_fork() {
  if (free_to_fork()) return 0;
  Operation op = fork_operation();
  return decide(op, {});
}

// A vfork is the first half of starting a program, which its exec decides and counts: refused only where nothing can be
// granted.
long decide_vfork() {
  if (free_to_fork() || !policy() || policy()->header().commands.count != 0) return 0;
  Operation op = fork_operation();
  Verdict verdict;
  return judge(op, verdict) == AP_DENY ? settle(op, verdict, {}) : 0;
}

// From here on a child may come to be.
void before_child() {
  held::claim();
  keep_image();
}

long allowed(long refused) {
  if (!refused) before_child();
  return refused;
}

long decide_clone(unsigned long flags) {
  constexpr unsigned long kNamespaces =
      CLONE_NEWNS | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP;
  if (flags & CLONE_THREAD) return 0;
  if (enforcing && (flags & kNamespaces)) return -EPERM;
  // A process that runs beside its parent in the same memory could change what the parent has judged.
  if (enforcing && (flags & CLONE_VM) && !(flags & CLONE_VFORK)) return -EPERM;
  return allowed(flags & CLONE_VFORK ? decide_vfork() : decide_fork());
}

// libc's fork calls its own _Fork, whose entry is patched too: that one is part of it.
AP_THREAD_LOCAL bool forking;

pid_t forked(pid_t (*original)()) {
  if (forking) return original();
  if (const long refused = allowed(decide_fork())) return static_cast<pid_t>(finish(refused));
  forking = true;
  const pid_t pid = original();
  forking = false;
  if (pid == 0) {
    event::after_fork();
    held::claim();
  }
  return pid;
}
pid_t hook_fork() {
  return forked(originals.fork);
}
pid_t hook_raw_fork() {
  return forked(originals.raw_fork);
}

long do_fork(long, long, long, long, long, long) {
  const long refused = allowed(decide_fork());
  return refused ? refused : kPassOn;
}
long do_vfork(long, long, long, long, long, long) {
  const long refused = allowed(decide_vfork());
  return refused ? refused : kPassOn;
}
long do_clone(long flags, long, long, long, long, long) {
  const long refused = decide_clone(static_cast<unsigned long>(flags));
  return refused ? refused : kPassOn;
}
long do_clone3(long, long, long, long, long, long) {
  return -ENOSYS;
}  // callers fall back to clone

// --- shell calls
// -----------------------------------------------------------------------------------------------------------

// A call of this thread that starts processes as parts of it.
class ProcessCall {
 public:
  ProcessCall() { marks::process_begin(); }
  ~ProcessCall() { marks::process_end(); }
};

// 0, or -EPERM. The text that the shell gets is judged again when libc execs it: this is what is counted.
long decide_shell(const char* user_command) {
  const long length = string_length(user_command, 131072);
  if (length < 0) return 0;  // libc will fault on it as it would without us
  Scratch scratch(static_cast<std::size_t>(length) + 1);
  if (!scratch.base()) return -EPERM;
  const long copied = copy_string(scratch.base(), static_cast<std::size_t>(length) + 1, user_command);
  if (copied < 0) return -EPERM;
  const ap_str argv[] = {str("sh"), str("-c"), {scratch.base(), static_cast<uint32_t>(copied)}};
  Operation op{};
  op.resource = AP_PROCESSES;
  op.kind = AP_SPAWN;
  op.flags = AP_OP_SHELL;
  op.text = str("/bin/sh");
  op.argv = argv;
  op.argc = 3;
  return decide(op, view(op.text));
}

int hook_system(const char* command) {
  if (!command) return originals.system(command);
  if (const long refused = decide_shell(command)) return static_cast<int>(finish(refused));
  ProcessCall call;
  return originals.system(command);
}

FILE* hook_popen(const char* command, const char* mode) {
  if (const long refused = decide_shell(command)) {
    finish(refused);
    return nullptr;
  }
  ProcessCall call;
  return originals.popen(command, mode);
}

// --- posix_spawn: judged in its child, by the exec
// ----------------------------------------------------------------------------

int hook_posix_spawn(pid_t* pid, const char* path, const posix_spawn_file_actions_t* actions,
                     const posix_spawnattr_t* attributes, char* const argv[], char* const envp[]) {
  before_child();
  event::WriteForChild lines;
  SpawnStack stack;
  return originals.posix_spawn(pid, path, actions, attributes, argv, envp);
}
int hook_posix_spawnp(pid_t* pid, const char* file, const posix_spawn_file_actions_t* actions,
                      const posix_spawnattr_t* attributes, char* const argv[], char* const envp[]) {
  before_child();
  event::WriteForChild lines;
  SpawnStack stack;
  return originals.posix_spawnp(pid, file, actions, attributes, argv, envp);
}

// --- the end
// ---------------------------------------------------------------------------------------------------------------

[[noreturn]] void hook_exit(int status) {
  event::flush();
  for (;;) sys::call(SYS_exit_group, status);
}
long do_exit_group(long, long, long, long, long, long) {
  event::flush();
  return kPassOn;
}

}  // namespace

extern "C" int ap_ask_vfork() {
  return static_cast<int>(finish(allowed(decide_vfork())));
}
extern "C" int ap_ask_clone(unsigned long flags) {
  return static_cast<int>(finish(decide_clone(flags)));
}

Table<Call> process_calls() noexcept {
  static const Call rows[] = {
      {"fork", code(hook_fork), kAlways, slot(originals.fork)},
      {"_Fork", code(hook_raw_fork), kAlways, slot(originals.raw_fork)},
      {"vfork", code(ap_hook_vfork), kProcesses, &originals.vfork},
      {"clone", code(ap_hook_clone), kAlways, &originals.clone},
      {"posix_spawn", code(hook_posix_spawn), kAlways, slot(originals.posix_spawn)},
      {"posix_spawnp", code(hook_posix_spawnp), kAlways, slot(originals.posix_spawnp)},
      {"system", code(hook_system), kProcesses, slot(originals.system)},
      {"popen", code(hook_popen), kProcesses, slot(originals.popen)},
      {"_exit", code(hook_exit), kAlways},
  };
  return table(rows);
}

Table<Number> process_numbers() noexcept {
  static const Number rows[] = {
      {old_number(Old::fork), do_fork, kProcesses},
      {old_number(Old::vfork), do_vfork, kProcesses},
      {SYS_clone, do_clone, kAlways},
      {SYS_clone3, do_clone3, kAlways},
      {SYS_exit_group, do_exit_group, kAlways},
  };
  return table(rows);
}

}  // namespace ap::interpose
