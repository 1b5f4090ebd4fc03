// SPDX-License-Identifier: Apache-2.0
//
// Child processes: exec (every libc way to start a program ends in execve, execveat or fexecve), fork and its
// relatives, and the shell calls system and popen, which are judged as one operation before libc starts its shell.
//
// The exec handlers run in the children of fork, vfork and posix_spawn, on stacks of 32 KB and in memory that the
// parent shares: everything large lies in a mapping that the thread keeps a note of, so that the parent gets it back.
#include "interpose/processes.hpp"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cstring>
#include <new>

#include "base/hash.hpp"
#include "base/syscall.hpp"
#include "event/marks.hpp"
#include "event/report.hpp"
#include "guard/image.hpp"
#include "interpose/calls.hpp"
#include "interpose/decide.hpp"
#include "interpose/handover.hpp"
#include "interpose/image_descriptor.hpp"
#include "interpose/program.hpp"
#include "interpose/raw_syscall.hpp"
#include "interpose/spawn_stack.hpp"
#include "interpose/stubs.hpp"
#include "interpose/user_memory.hpp"
#include "policy/blob.hpp"

namespace ap::interpose {

bool user_code = false;

namespace {

using canonical::Descriptor;
using canonical::DescriptorPath;

// --- working memory
// --------------------------------------------------------------------------------------------------------

// One mapping per thread. A vfork child that execs leaves it behind in its parent's memory: its note then names a
// thread that is no longer in this address space, and the next exec of the thread takes it over, with its pages.
struct Note {
  void* base;
  std::size_t size;
  long owner;
};
thread_local Note note __attribute__((tls_model("initial-exec")));

class Scratch {
 public:
  explicit Scratch(std::size_t size) : size_((size + 4095) & ~std::size_t{4095}) {
    const long self = sys::call(SYS_gettid);
    noted_ = note.owner != self || !note.base;  // a signal handler of this thread inside an exec: a mapping of its own
    if (noted_ && note.base) {
      if (note.size >= size_ && note.size <= kKept) {
        base_ = static_cast<char*>(note.base);
        size_ = note.size;
        note.owner = self;
        return;
      }
      sys::call(SYS_munmap, note.base, note.size);
    }
    const long at = sys::call(SYS_mmap, nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    base_ = at < 0 && at > -4096 ? nullptr : reinterpret_cast<char*>(at);
    if (noted_) note = {base_, size_, self};
  }
  ~Scratch() {
    if (base_) sys::call(SYS_munmap, base_, size_);
    if (noted_) note = {};
  }
  Scratch(const Scratch&) = delete;
  char* base() const { return base_; }

 private:
  static constexpr std::size_t kKept = 256 * 1024;
  char* base_;
  std::size_t size_;
  bool noted_;
};

// --- exec
// ------------------------------------------------------------------------------------------------------------------

constexpr std::size_t kLargest = 8 << 20;  // more than the kernel takes for arguments and environment

// How much a vector of strings needs.
struct Measure {
  std::size_t count = 0, bytes = 0;
};

long measure(long user_vector, Measure& out) {
  const auto* vector = reinterpret_cast<const char* const*>(user_vector);
  for (; vector; ++out.count) {
    if (!readable(vector + out.count, sizeof *vector)) return -EFAULT;
    const char* text = vector[out.count];
    if (!text) break;
    const long length = string_length(text, 131072);  // MAX_ARG_STRLEN
    if (length < 0) return length;
    out.bytes += static_cast<std::size_t>(length) + 1;
    if (length >= 131072 || out.bytes + out.count * sizeof(char*) > kLargest) return -E2BIG;
  }
  return 0;
}

// Copies a vector. What has grown since it was measured does not fit: another thread is at it.
long copy_vector(long user_vector, std::size_t count, char** to, char*& at, char* end) {
  const auto* vector = reinterpret_cast<const char* const*>(user_vector);
  for (std::size_t i = 0; i < count; ++i) {
    const char* text = vector[i];
    if (!text) {
      to[i] = nullptr;
      return static_cast<long>(i);
    }
    const long length = copy_string(at, static_cast<std::size_t>(end - at), text);
    if (length < 0) return length == -ENAMETOOLONG ? -E2BIG : length;
    to[i] = at;
    at += length + 1;
  }
  to[count] = nullptr;
  return static_cast<long>(count);
}

bool same_text(const PathBuffer& a, const PathBuffer& b) {
  return a.view() == b.view();
}

// A refused exec that is asked for again at once: a shell that looks for the same program under /bin and /usr/bin.
struct Refusal {
  std::uint64_t program;
  long tick;
};
thread_local Refusal refusal __attribute__((tls_model("initial-exec")));

bool refused_just_now(const Operation& op) {
  std::uint64_t hash = hash_bytes(view(op.text2));
  for (std::uint32_t i = 0; i < op.argc; ++i) hash = hash_bytes(view(op.argv[i]), hash + 1);
  timespec now{};
  sys::call(SYS_clock_gettime, CLOCK_MONOTONIC, &now);
  const long tick = now.tv_sec * 1000 + now.tv_nsec / 1000000;
  const bool again = refusal.program == hash && tick - refusal.tick <= 20;
  refusal = {hash, tick};
  return again;
}

// Everything an exec works with, at the start of its scratch mapping.
struct Work {
  PathBuffer path, real, joined, spelled;
  Operation operation;
  Verdict verdict;
};

// What the kernel shall run: the path as called, unless it leads over a link that could be exchanged before the kernel
// walks it.
const char* path_to_run(Work& work, int dirfd, const Program& program) {
  if (canonical::absolute(dirfd, work.path.view(), work.joined, work.spelled) < 0 || same_text(work.spelled, work.real))
    return work.path.data;
  if (program.form == Program::Form::script) return work.path.data;  // its name is the script's first argument
  const auto slash = work.spelled.view().rfind('/');
  work.joined.assign(work.spelled.view().substr(0, slash ? slash : 1));
  return sys::call(SYS_faccessat, AT_FDCWD, work.joined.data, W_OK) == 0 ? work.real.data : work.path.data;
}

[[gnu::noinline]] long exec_with(Work& work, int dirfd, int flags, const Descriptor& object, const Program& program,
                                 long user_argv, long user_envp, const Measure& arguments, const Measure& environment,
                                 char* room, char* end) {
  char** argv = reinterpret_cast<char**>(room);
  char** envp = argv + arguments.count + 2;
  auto* words = reinterpret_cast<ap_str*>(envp + environment.count + 4);
  char* at = reinterpret_cast<char*>(words + arguments.count + 1);
  const long argc = copy_vector(user_argv, arguments.count, argv, at, end);
  if (argc < 0) return argc;
  const long envc = copy_vector(user_envp, environment.count, envp, at, end);
  if (envc < 0) return envc;

  for (long i = 0; i < argc; ++i) words[i] = {argv[i], static_cast<uint32_t>(std::strlen(argv[i]))};
  Operation& op = work.operation;
  op = Operation{};
  op.resource = AP_PROCESSES;
  op.kind = AP_SPAWN;
  op.flags = AP_OP_CANONICAL;
  if (!program.enterable) op.flags |= AP_OP_UNGUARDED;
  const bool by_descriptor = (flags & AT_EMPTY_PATH) && work.path.size == 0;
  op.text = str(by_descriptor ? work.real.view() : work.path.view());
  op.text2 = str(work.real.view());
  op.argv = words;
  op.argc = static_cast<uint32_t>(argc);
  if (judge(op, work.verdict) == AP_DENY && refused_just_now(op)) return -EPERM;
  if (const long refused = settle(op, work.verdict, view(op.text))) return refused;
  if (work.real.view().substr(0, 7) == "/memfd:") {
    Operation memory{};
    memory.resource = AP_NATIVE;
    memory.kind = AP_MEMFD;
    memory.text = str(work.real.view());
    if (const long refused = decide(memory, view(memory.text))) return refused;
  }

  Luggage luggage;
  if (program.enterable && sealed()) {
    const long packed = luggage.open();
    if (packed < 0 && enforcing) return packed;
    if (packed == 0) {
      const long count =
          rebuild_environment(envp, static_cast<std::size_t>(envc), at, static_cast<std::size_t>(end - at), luggage);
      if (count < 0) return count;
    }
  }
  event::flush();
  if (by_descriptor) return sys::call(SYS_execveat, object.get(), "", argv, envp, flags);
  const char* path = path_to_run(work, dirfd, program);
  if (flags) return sys::call(SYS_execveat, dirfd, path, argv, envp, flags);
  return dirfd == AT_FDCWD || path[0] == '/' ? sys::call(SYS_execve, path, argv, envp)
                                             : sys::call(SYS_execveat, dirfd, path, argv, envp, 0);
}

long run_program(int dirfd, long user_path, long user_argv, long user_envp, int flags) {
  Measure arguments, environment;
  if (const long r = measure(user_argv, arguments); r < 0) return r;
  if (const long r = measure(user_envp, environment); r < 0) return r;
  const std::size_t preload = environment.bytes;  // an old LD_PRELOAD is copied once more
  const std::size_t size = sizeof(Work) + (arguments.count + environment.count + 8) * sizeof(char*) +
                           (arguments.count + 1) * sizeof(ap_str) + arguments.bytes + environment.bytes + preload +
                           kEnvironmentRoom + 64;
  Scratch scratch(size);
  if (!scratch.base()) return -ENOMEM;
  Work& work = *new (scratch.base()) Work;

  if (const long length = copy_path(work.path, reinterpret_cast<const char*>(user_path)); length < 0) return length;
  Descriptor object;
  if (work.path.size == 0) {
    if (!(flags & AT_EMPTY_PATH)) return -ENOENT;
    // A number of our own: another thread cannot exchange what it means by dup2 on the program's.
    const long status = sys::call(SYS_fcntl, dirfd, F_GETFD);
    object.open([&] { return sys::call(SYS_fcntl, dirfd, status & FD_CLOEXEC ? F_DUPFD_CLOEXEC : F_DUPFD, 3); });
    if (!object) return -EBADF;
    if (const long r = canonical::path_of(object.get(), work.real); r < 0) return r == -ENOTDIR ? -EACCES : r;
  } else {
    const long found =
        canonical::find(dirfd, work.path, flags & AT_SYMLINK_NOFOLLOW ? O_NOFOLLOW : 0, object, work.real);
    if (found < 0) return object ? -EACCES : found;
    struct stat st;
    if (sys::call(SYS_fstat, object.get(), &st) == 0 && S_ISLNK(st.st_mode)) return -ELOOP;
    // Not to be run at all: the search in PATH goes on, nothing is decided.
    if (!S_ISREG(st.st_mode) || sys::call(SYS_faccessat, AT_FDCWD, DescriptorPath(object.get()).text, X_OK) == -EACCES)
      return -EACCES;
  }
  const Program program = inspect(object.get());
  return exec_with(work, dirfd, flags, object, program, user_argv, user_envp, arguments, environment,
                   scratch.base() + ((sizeof(Work) + 15) & ~std::size_t{15}), scratch.base() + size);
}

long do_execve(long path, long argv, long envp, long, long, long) {
  if (SpawnStack::waiting()) return SpawnStack::run(do_execve, path, argv, envp, 0, 0, 0);
  return run_program(AT_FDCWD, path, argv, envp, 0);
}
long do_execveat(long dirfd, long path, long argv, long envp, long flags, long) {
  return run_program(static_cast<int>(dirfd), path, argv, envp, static_cast<int>(flags));
}
long do_fexecve(long fd, long argv, long envp, long, long, long) {
  if (fd < 0 || !argv || !envp) return -EINVAL;
  return run_program(static_cast<int>(fd), reinterpret_cast<long>(""), argv, envp, AT_EMPTY_PATH);
}

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
long allowed(long refused) {
  if (!refused) keep_image();
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
thread_local bool forking __attribute__((tls_model("initial-exec")));

pid_t forked(pid_t (*original)()) {
  if (forking) return original();
  if (const long refused = allowed(decide_fork())) return static_cast<pid_t>(finish(refused));
  forking = true;
  const pid_t pid = original();
  forking = false;
  if (pid == 0) event::after_fork();
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
  keep_image();
  SpawnStack stack;
  return originals.posix_spawn(pid, path, actions, attributes, argv, envp);
}
int hook_posix_spawnp(pid_t* pid, const char* file, const posix_spawn_file_actions_t* actions,
                      const posix_spawnattr_t* attributes, char* const argv[], char* const envp[]) {
  keep_image();
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

template <typename F>
const void* code(F* f) {
  return reinterpret_cast<const void*>(f);
}
template <typename F>
void** slot(F& f) {
  return reinterpret_cast<void**>(&f);
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
      {"execve", entry_of<do_execve>(), kAlways},
      {"execveat", entry_of<do_execveat>(), kAlways},
      {"fexecve", entry_of<do_fexecve>(), kAlways},
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
      {SYS_execve, do_execve, kAlways},         {SYS_execveat, do_execveat, kAlways}, {SYS_fork, do_fork, kProcesses},
      {SYS_vfork, do_vfork, kProcesses},        {SYS_clone, do_clone, kAlways},       {SYS_clone3, do_clone3, kAlways},
      {SYS_exit_group, do_exit_group, kAlways},
  };
  return table(rows);
}

}  // namespace ap::interpose
