// SPDX-License-Identifier: Apache-2.0
//
// Starting a program: every libc way to do it ends in execve, execveat or fexecve. Arguments and environment are copied
// once, the program is found and judged, the child's environment rebuilt for the hand-over.
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cstring>
#include <new>
#include <string_view>

#include "base/hash.hpp"
#include "base/syscall.hpp"
#include "base/thread_local.hpp"
#include "event/report.hpp"
#include "guard/image.hpp"
#include "interpose/calls.hpp"
#include "interpose/decide.hpp"
#include "interpose/handover.hpp"
#include "interpose/program.hpp"
#include "interpose/scratch.hpp"
#include "interpose/spawn_stack.hpp"
#include "interpose/user_memory.hpp"

namespace ap::interpose {
namespace {

using canonical::Descriptor;
using canonical::DescriptorPath;

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
AP_THREAD_LOCAL Refusal refusal;

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

// The loader of a child goes on without our library where the child may not read it (it runs as another user; asked for
// the real one, without capabilities that the exec takes away), and where its privileges are raised.
bool takes_our_library() {
  return sys::call(SYS_getuid) == sys::call(SYS_geteuid) && sys::call(SYS_getgid) == sys::call(SYS_getegid) &&
         sys::call(SYS_faccessat, AT_FDCWD, settings().library, R_OK) == 0;
}

// The loader shall list a program's libraries and run nothing: ours is none of them.
bool only_lists_libraries(char* const* environment) {
  constexpr std::string_view kTrace = "LD_TRACE_LOADED_OBJECTS=";
  for (; *environment; ++environment)
    if (std::string_view(*environment).substr(0, kTrace.size()) == kTrace) return true;
  return false;
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
  const bool enter = program.enterable && takes_our_library();
  if (!enter) op.flags |= AP_OP_UNGUARDED;
  const bool by_descriptor = (flags & AT_EMPTY_PATH) && work.path.size == 0;
  op.text = str(by_descriptor ? work.real.view() : work.path.view());
  op.text2 = str(work.real.view());
  op.argv = words;
  op.argc = static_cast<uint32_t>(argc);
  if (!program.enterable || !is_spawn_helper(object.get())) {
    if (judge(op, work.verdict) == AP_DENY && refused_just_now(op)) return -EPERM;
    if (const long refused = settle(op, work.verdict, view(op.text))) return refused;
  }
  if (work.real.view().substr(0, 7) == "/memfd:") {
    Operation memory{};
    memory.resource = AP_NATIVE;
    memory.kind = AP_MEMFD;
    memory.text = str(work.real.view());
    if (const long refused = decide(memory, view(memory.text))) return refused;
  }

  Luggage luggage;
  if (enter && sealed() && (enforcing || !only_lists_libraries(envp))) {
    const long packed = luggage.open();
    if (packed < 0 && enforcing) return packed;
    if (packed == 0) {
      const long count =
          rebuild_environment(envp, static_cast<std::size_t>(envc), at, static_cast<std::size_t>(end - at), luggage);
      if (count < 0) return count;
    }
  }
  if (!event::in_borrowed_memory()) event::flush();  // else the parent goes on with what it has counted
  if (by_descriptor) return sys::call(SYS_execveat, object.get(), "", argv, envp, flags);
  const char* path = path_to_run(work, dirfd, program);
  if (flags) return sys::call(SYS_execveat, dirfd, path, argv, envp, flags);
  return dirfd == AT_FDCWD || path[0] == '/' ? sys::call(SYS_execve, path, argv, envp)
                                             : sys::call(SYS_execveat, dirfd, path, argv, envp, 0);
}

bool may_execute(int object) {
  const long answer = sys::call(SYS_faccessat2, object, "", X_OK, AT_EMPTY_PATH);
  if (answer == 0 || answer == -EACCES) return answer == 0;
  return sys::call(SYS_faccessat, AT_FDCWD, DescriptorPath(object).text, X_OK) != -EACCES;  // before Linux 5.8
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
    if (!S_ISREG(st.st_mode) || !may_execute(object.get())) return -EACCES;
  }
  const Program program = inspect(object.get(), work.real.data);
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

}  // namespace

Table<Call> exec_calls() noexcept {
  static const Call rows[] = {
      {"execve", entry_of<do_execve>(), kAlways},
      {"execveat", entry_of<do_execveat>(), kAlways},
      {"fexecve", entry_of<do_fexecve>(), kAlways},
  };
  return table(rows);
}

Table<Number> exec_numbers() noexcept {
  static const Number rows[] = {
      {SYS_execve, do_execve, kAlways},
      {SYS_execveat, do_execveat, kAlways},
  };
  return table(rows);
}

}  // namespace ap::interpose
