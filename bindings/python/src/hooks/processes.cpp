// SPDX-License-Identifier: Apache-2.0
#include "hooks/processes.hpp"

#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "arguments.hpp"
#include "hooks/method.hpp"
#include "judge.hpp"
#include "raw_syscall.hpp"

namespace ap::python::processes {
namespace {

constexpr int kFastWithKeywords = METH_FASTCALL | METH_KEYWORDS;
#if PY_VERSION_HEX >= 0x030C0000
constexpr int kForkExec = METH_FASTCALL;
#else
constexpr int kForkExec = METH_VARARGS;
#endif

PyCFunction g_fork_exec, g_system, g_posix_spawn, g_posix_spawnp, g_execv, g_execve, g_fork, g_forkpty, g_exit;

// Forks and execs at line 2 on this thread are parts of the call that is being made.
class WithinCall {
 public:
  WithinCall() { core::api().process_begin(); }
  ~WithinCall() { core::api().process_end(); }
  WithinCall(const WithinCall&) = delete;
  WithinCall& operator=(const WithinCall&) = delete;
};

// argv of a call: taken once into a tuple of bytes, which is judged and passed on.
class Argv {
 public:
  enum Kind { taken, foreign, raised };  // foreign: the call refuses it

  Kind take(PyObject* sequence) {
    if (!PyList_Check(sequence) && !PyTuple_Check(sequence)) {
      // subprocess hands on what it was given; a string here is the call's own error
      if (PyUnicode_Check(sequence) || PyBytes_Check(sequence) || !PySequence_Check(sequence)) return foreign;
    }
    Ref items(PySequence_Tuple(sequence));
    if (!items) return raised;
    const Py_ssize_t size = PyTuple_GET_SIZE(items.get());
    tuple_ = Ref(PyTuple_New(size));
    if (!tuple_) return raised;
    for (Py_ssize_t i = 0; i < size; ++i) {
      PyObject* bytes = nullptr;
      if (!PyUnicode_FSConverter(PyTuple_GET_ITEM(items.get(), i), &bytes)) {
        if (!PyErr_ExceptionMatches(PyExc_TypeError) && !PyErr_ExceptionMatches(PyExc_ValueError)) return raised;
        PyErr_Clear();
        return foreign;
      }
      PyTuple_SET_ITEM(tuple_.get(), i, bytes);
    }
    return taken;
  }

  PyObject* tuple() const { return tuple_.get(); }

  // Fills in the operation; the texts live as long as this does.
  void describe(ap_operation& op) {
    const Py_ssize_t size = PyTuple_GET_SIZE(tuple_.get());
    if (size > kInline) {
      more_ = static_cast<ap_str*>(PyMem_Malloc(static_cast<size_t>(size) * sizeof(ap_str)));
      if (more_ == nullptr) return;
    }
    ap_str* out = more_ ? more_ : inline_;
    for (Py_ssize_t i = 0; i < size; ++i) {
      PyObject* bytes = PyTuple_GET_ITEM(tuple_.get(), i);
      out[i] = {PyBytes_AS_STRING(bytes), static_cast<uint32_t>(PyBytes_GET_SIZE(bytes))};
    }
    op.argv = out;
    op.argc = static_cast<uint32_t>(size);
  }

  Argv() = default;
  Argv(const Argv&) = delete;
  Argv& operator=(const Argv&) = delete;
  ~Argv() { PyMem_Free(more_); }

 private:
  static constexpr Py_ssize_t kInline = 32;
  Ref tuple_;
  ap_str inline_[kInline];
  ap_str* more_ = nullptr;
};

bool is_shell_call(const ap_operation& op) {
  if (op.argc < 3) return false;
  const auto program = view(op.text), option = view(op.argv[1]);
  const auto name = from(program, program.rfind('/') + 1);
  return (name == "sh" || name == "bash" || name == "dash") && option == "-c";
}

bool permitted_spawn(Question& question, Argv& argv, const char* api) {
  argv.describe(question);
  if (is_shell_call(question)) question.flags |= AP_OP_SHELL;
  return permitted(question, api);
}

// Of the candidates that subprocess made from PATH, the first that can run; the first of all when none can.
std::string_view program_of(PyObject* candidates, std::string_view cwd) {
  std::string_view first;
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(candidates); ++i) {
    PyObject* candidate = PyTuple_GET_ITEM(candidates, i);
    if (!PyBytes_Check(candidate)) continue;
    const std::string_view path(PyBytes_AS_STRING(candidate), static_cast<size_t>(PyBytes_GET_SIZE(candidate)));
    if (i == 0) first = path;
    char joined[2 * PATH_MAX];
    const char* probe = PyBytes_AS_STRING(candidate);
    if (!cwd.empty() && !path.empty() && path[0] != '/' && cwd.size() + path.size() + 2 < sizeof joined) {
      memcpy(joined, cwd.data(), cwd.size());
      joined[cwd.size()] = '/';
      memcpy(joined + cwd.size() + 1, path.data(), path.size() + 1);
      probe = joined;
    }
    if (raw::executable(probe) && !raw::is_directory(probe)) return path;
  }
  return first;
}

// fork_exec(args, executable_list, close_fds, fds_to_keep, cwd, env, ...): the first five are the same in every
// version. 1: judged, `passed` holds what to call with; 0: hand over untouched; -1: the exception is set.
int judge_fork_exec(PyObject* const* args, Py_ssize_t count, Argv& argv, Ref& candidates) {
  if (count < 6) return 0;
  switch (argv.take(args[0])) {
    case Argv::foreign:
      return 0;
    case Argv::raised:
      return -1;
    case Argv::taken:
      break;
  }
  candidates = Ref(PySequence_Tuple(args[1]));
  if (!candidates) {
    PyErr_Clear();
    return 0;
  }
  Question question(AP_PROCESSES, AP_SPAWN);
  Text cwd;
  if (args[4] != Py_None && cwd.from_path(args[4])) question.cwd = cwd.str();
  question.text = str(program_of(candidates.get(), cwd.view()));
  return permitted_spawn(question, argv, "subprocess.Popen") ? 1 : -1;
}

#if PY_VERSION_HEX >= 0x030C0000
PyObject* fork_exec(PyObject* self, PyObject* const* args, Py_ssize_t nargs) {
  Argv argv;
  Ref candidates;
  const int answer = judge_fork_exec(args, nargs, argv, candidates);
  if (answer < 0) return nullptr;
  Arguments passed(args, nargs);
  if (answer > 0 && !(passed.replace(0, argv.tuple()) && passed.replace(1, candidates.get()))) {
    trouble("call_shape", "_posixsubprocess.fork_exec has more arguments than expected");
    PyErr_SetString(PyExc_SystemError, "App Protect does not know this form of _posixsubprocess.fork_exec");
    return nullptr;
  }
  WithinCall within;
  return cast_back<Fast>(g_fork_exec)(self, passed.data(), nargs);
}
#else
PyObject* fork_exec(PyObject* self, PyObject* args) {
  Argv argv;
  Ref candidates, passed = Ref::borrow(args);
  PyObject* const* items = reinterpret_cast<PyTupleObject*>(args)->ob_item;
  const int answer = judge_fork_exec(items, PyTuple_GET_SIZE(args), argv, candidates);
  if (answer < 0) return nullptr;
  if (answer > 0) {
    passed = Ref(PyTuple_New(PyTuple_GET_SIZE(args)));
    if (!passed) return nullptr;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(args); ++i) {
      PyObject* item = i == 0 ? argv.tuple() : i == 1 ? candidates.get() : items[i];
      Py_INCREF(item);
      PyTuple_SET_ITEM(passed.get(), i, item);
    }
  }
  WithinCall within;
  return g_fork_exec(self, passed.get());
}
#endif

PyObject* system(PyObject* self, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames) {
  const auto original = cast_back<FastWithKeywords>(g_system);
  const Py_ssize_t index = nargs > 0 ? 0 : keyword_index(kwnames, nargs, "command");
  PyObject* command = nullptr;
  if (index < 0) return original(self, args, nargs, kwnames);
  if (!PyUnicode_FSConverter(args[index], &command)) {
    if (!PyErr_ExceptionMatches(PyExc_TypeError) && !PyErr_ExceptionMatches(PyExc_ValueError)) return nullptr;
    PyErr_Clear();
    return original(self, args, nargs, kwnames);
  }
  Ref owned(command);
  const ap_str argv[] = {
      str("sh"), str("-c"), {PyBytes_AS_STRING(command), static_cast<uint32_t>(PyBytes_GET_SIZE(command))}};
  Question question(AP_PROCESSES, AP_SPAWN);
  question.text = str("/bin/sh");
  question.argv = argv;
  question.argc = 3;
  question.flags = AP_OP_SHELL;
  if (!permitted(question, "os.system")) return nullptr;
  Arguments passed(args, nargs + (kwnames ? PyTuple_GET_SIZE(kwnames) : 0));
  if (!passed.replace(index, command)) return original(self, args, nargs, kwnames);
  WithinCall within;
  return original(self, passed.data(), nargs, kwnames);
}

enum How { spawns, searches_path, replaces_process };

const char* terminated(std::string_view path, char (&buffer)[PATH_MAX]) {
  const size_t size = path.size() < sizeof buffer - 1 ? path.size() : 0;
  memcpy(buffer, path.data(), size);
  buffer[size] = 0;
  return buffer;
}

// The program of this name in PATH, as posix_spawnp will find it; the name itself when there is none.
std::string_view search_path(std::string_view name, char (&buffer)[PATH_MAX]) {
  std::string_view rest = "/bin:/usr/bin";  // confstr(_CS_PATH)
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry)
    if (strncmp(*entry, "PATH=", 5) == 0) rest = *entry + 5;
  while (!name.empty()) {
    const size_t colon = rest.find(':');
    const std::string_view folder = head(rest, colon);
    if (folder.size() + name.size() + 2 < sizeof buffer) {
      size_t size = folder.size();
      memcpy(buffer, folder.data(), size);
      if (size != 0) buffer[size++] = '/';
      memcpy(buffer + size, name.data(), name.size());
      buffer[size += name.size()] = 0;
      if (raw::executable(buffer) && !raw::is_directory(buffer)) return {buffer, size};
    }
    if (colon == std::string_view::npos) break;
    rest.remove_prefix(colon + 1);
  }
  return name;
}

// A program and its argv, in the first two arguments: posix_spawn, posix_spawnp, execv, execve.
struct Program {
  Text path;
  Ref fixed;
  Argv argv;
  char link[PATH_MAX];

  // 1: judged; 0: hand over untouched; -1: the exception is set.
  int judge(Arguments& passed, PyObject* path_object, Py_ssize_t path_at, PyObject* argv_object, Py_ssize_t argv_at,
            const char* api, How how) {
    Question question(AP_PROCESSES, AP_SPAWN);
    switch (read_path(path_object, fixed, path)) {
      case PathKind::text:
        question.text = path.str();
        if (how == searches_path && path.view().find('/') == std::string_view::npos)
          question.text = str(search_path(path.view(), link));
        // os.execvp tries every folder of PATH: one that does not hold the program is not an operation.
        if (how == replaces_process && !fixed && !raw::executable(terminated(path.view(), link))) return 0;
        break;
      case PathKind::raised:
        return -1;
      case PathKind::descriptor: {  // execve(fd, ...)
        std::string_view target;
        const long fd = PyLong_AsLong(path_object);
        if (fd == -1 && PyErr_Occurred()) PyErr_Clear();
        if (fd < 0 || !descriptor_path(fd, link, sizeof link, target)) return 0;
        question.text = str(target);
        break;
      }
      default:
        return 0;
    }
    switch (argv.take(argv_object)) {
      case Argv::foreign:
        return 0;
      case Argv::raised:
        return -1;
      case Argv::taken:
        break;
    }
    if (PyTuple_GET_SIZE(argv.tuple()) == 0) return 0;  // the call refuses it
    if (!permitted_spawn(question, argv, api)) return -1;
    if (fixed && !passed.replace(path_at, fixed.get())) return 0;
    return passed.replace(argv_at, argv.tuple()) ? 1 : 0;
  }
};

PyObject* run(PyObject* self, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames, const char* api,
              FastWithKeywords original, How how) {
  const Py_ssize_t path_at = nargs > 0 ? 0 : keyword_index(kwnames, nargs, "path");
  const Py_ssize_t argv_at = nargs > 1 ? 1 : keyword_index(kwnames, nargs, "argv");
  if (path_at < 0 || argv_at < 0) return original(self, args, nargs, kwnames);
  Arguments passed(args, nargs + (kwnames ? PyTuple_GET_SIZE(kwnames) : 0));
  Program program;
  if (program.judge(passed, args[path_at], path_at, args[argv_at], argv_at, api, how) < 0) return nullptr;
  if (how == replaces_process) core::api().flush();
  WithinCall within;
  return original(self, passed.data(), nargs, kwnames);
}

PyObject* posix_spawn(PyObject* self, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames) {
  return run(self, args, nargs, kwnames, "os.posix_spawn", cast_back<FastWithKeywords>(g_posix_spawn), spawns);
}

PyObject* posix_spawnp(PyObject* self, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames) {
  return run(self, args, nargs, kwnames, "os.posix_spawnp", cast_back<FastWithKeywords>(g_posix_spawnp), searches_path);
}

PyObject* execve(PyObject* self, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames) {
  return run(self, args, nargs, kwnames, "os.execve", cast_back<FastWithKeywords>(g_execve), replaces_process);
}

PyObject* execv(PyObject* self, PyObject* const* args, Py_ssize_t nargs) {
  const auto original = cast_back<Fast>(g_execv);
  if (nargs != 2) return original(self, args, nargs);
  Arguments passed(args, nargs);
  Program program;
  if (program.judge(passed, args[0], 0, args[1], 1, "os.execv", replaces_process) < 0) return nullptr;
  core::api().flush();
  WithinCall within;
  return original(self, passed.data(), nargs);
}

PyObject* forked(PyObject* self, PyObject* nothing, const char* api, PyCFunction original) {
  Question question(AP_PROCESSES, AP_FORK);
  if (!permitted(question, api)) return nullptr;
  WithinCall within;  // ends in the parent and in the child
  return original(self, nothing);
}

PyObject* fork(PyObject* self, PyObject* nothing) {
  return forked(self, nothing, "os.fork", g_fork);
}
PyObject* forkpty(PyObject* self, PyObject* nothing) {
  return forked(self, nothing, "os.forkpty", g_forkpty);
}

PyObject* exit_now(PyObject* self, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames) {
  core::api().flush();
  return cast_back<FastWithKeywords>(g_exit)(self, args, nargs, kwnames);
}

}  // namespace

void install() {
  static const Method methods[] = {
      {"system", kFastWithKeywords, cast(system), &g_system},
      {"posix_spawn", kFastWithKeywords, cast(posix_spawn), &g_posix_spawn},
      {"posix_spawnp", kFastWithKeywords, cast(posix_spawnp), &g_posix_spawnp},
      {"execv", METH_FASTCALL, cast(execv), &g_execv},
      {"execve", kFastWithKeywords, cast(execve), &g_execve},
      {"fork", METH_NOARGS, fork, &g_fork},
      {"forkpty", METH_NOARGS, forkpty, &g_forkpty},
  };
  replace_all(table_of(loaded_module("posix")), methods, "posix");
}

void install_subprocess(PyObject* module) {
  static const Method methods[] = {{"fork_exec", kForkExec, cast(fork_exec), &g_fork_exec}};
  replace_all(table_of(module), methods, "_posixsubprocess");
}

void install_exit() {
  static const Method methods[] = {{"_exit", kFastWithKeywords, cast(exit_now), &g_exit}};
  replace_all(table_of(loaded_module("posix")), methods, "posix");
}

}  // namespace ap::python::processes
