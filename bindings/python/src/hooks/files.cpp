// SPDX-License-Identifier: Apache-2.0
#include "hooks/files.hpp"

#include <fcntl.h>
#include <limits.h>
#include <string.h>

#include <iterator>
#include <utility>

#include "arguments.hpp"
#include "code_loading.hpp"
#include "hooks/method.hpp"
#include "judge.hpp"

namespace ap::python::files {
namespace {

constexpr int kFastWithKeywords = METH_FASTCALL | METH_KEYWORDS;

enum Refusal { raises, returns_false };  // os.access answers, it does not raise

// A function of `posix`: where its paths are and what it does to them. Paths come first; descriptors of directories are
// keywords.
struct Call {
  const char* name;
  const char* api;
  uint8_t kind;
  const char* path;       // keyword of the first argument
  const char* second;     // keyword of the second path, or nullptr
  const char* directory;  // keyword of the first path's directory, or nullptr
  const char* directory2;
  Refusal refusal;
};

constexpr uint8_t kOpen = 255;  // read, write or create: the flags say

constexpr Call kCalls[] = {
    {"stat", "os.stat", AP_FILE_STAT, "path", nullptr, "dir_fd", nullptr, raises},
    {"lstat", "os.lstat", AP_FILE_STAT, "path", nullptr, "dir_fd", nullptr, raises},
    {"access", "os.access", AP_FILE_STAT, "path", nullptr, "dir_fd", nullptr, returns_false},
#if PY_VERSION_HEX >= 0x03080000  // 3.7: another calling convention, see readlink() below
    {"readlink", "os.readlink", AP_FILE_STAT, "path", nullptr, "dir_fd", nullptr, raises},
#endif
    {"statvfs", "os.statvfs", AP_FILE_STAT, "path", nullptr, nullptr, nullptr, raises},
    {"pathconf", "os.pathconf", AP_FILE_STAT, "path", nullptr, nullptr, nullptr, raises},
    {"getxattr", "os.getxattr", AP_FILE_STAT, "path", nullptr, nullptr, nullptr, raises},
    {"listxattr", "os.listxattr", AP_FILE_STAT, "path", nullptr, nullptr, nullptr, raises},
    {"listdir", "os.listdir", AP_FILE_LIST, "path", nullptr, nullptr, nullptr, raises},
    {"scandir", "os.scandir", AP_FILE_LIST, "path", nullptr, nullptr, nullptr, raises},
    {"mkdir", "os.mkdir", AP_FILE_CREATE, "path", nullptr, "dir_fd", nullptr, raises},
    {"mkfifo", "os.mkfifo", AP_FILE_CREATE, "path", nullptr, "dir_fd", nullptr, raises},
    {"mknod", "os.mknod", AP_FILE_CREATE, "path", nullptr, "dir_fd", nullptr, raises},
    {"rmdir", "os.rmdir", AP_FILE_DELETE, "path", nullptr, "dir_fd", nullptr, raises},
    {"remove", "os.remove", AP_FILE_DELETE, "path", nullptr, "dir_fd", nullptr, raises},
    {"unlink", "os.unlink", AP_FILE_DELETE, "path", nullptr, "dir_fd", nullptr, raises},
    {"rename", "os.rename", AP_FILE_RENAME, "src", "dst", "src_dir_fd", "dst_dir_fd", raises},
    {"replace", "os.replace", AP_FILE_RENAME, "src", "dst", "src_dir_fd", "dst_dir_fd", raises},
    {"link", "os.link", AP_FILE_LINK, "src", "dst", "src_dir_fd", "dst_dir_fd", raises},
    {"symlink", "os.symlink", AP_FILE_SYMLINK, "src", "dst", nullptr, "dir_fd", raises},
    {"truncate", "os.truncate", AP_FILE_WRITE, "path", nullptr, nullptr, nullptr, raises},
    {"chmod", "os.chmod", AP_FILE_METADATA, "path", nullptr, "dir_fd", nullptr, raises},
    {"lchmod", "os.lchmod", AP_FILE_METADATA, "path", nullptr, nullptr, nullptr, raises},
    {"chown", "os.chown", AP_FILE_METADATA, "path", nullptr, "dir_fd", nullptr, raises},
    {"lchown", "os.lchown", AP_FILE_METADATA, "path", nullptr, nullptr, nullptr, raises},
    {"utime", "os.utime", AP_FILE_METADATA, "path", nullptr, "dir_fd", nullptr, raises},
    {"setxattr", "os.setxattr", AP_FILE_METADATA, "path", nullptr, nullptr, nullptr, raises},
    {"removexattr", "os.removexattr", AP_FILE_METADATA, "path", nullptr, nullptr, nullptr, raises},
    {"open", "os.open", kOpen, "path", nullptr, "dir_fd", nullptr, raises},
};
constexpr size_t kCount = std::size(kCalls);

PyCFunction g_originals[kCount];

// What open(2) does with these flags, as line 2 sees it.
void set_kind_of_open(Question& question, long flags) {
  const long access = flags & O_ACCMODE;
  const bool temporary = (flags & O_TMPFILE) == O_TMPFILE;
  const bool empty = (flags & O_TRUNC) != 0 || temporary || (flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL);
  question.flags |= AP_OP_OPEN;
  if (flags & O_PATH)
    question.kind = AP_FILE_STAT;
  else if ((flags & O_CREAT) != 0 || temporary)
    question.kind = AP_FILE_CREATE;
  else if (access != O_RDONLY || (flags & O_TRUNC) != 0)
    question.kind = AP_FILE_WRITE;
  else
    question.kind = flags & O_DIRECTORY ? AP_FILE_LIST : AP_FILE_READ;
  // What is made empty shows nothing.
  if (!(flags & O_PATH) && access == O_RDWR && !empty) question.flags |= AP_OP_READ_TOO;
}

// What the import system does on its own account is neither counted nor refused with noise; see code_loading.hpp.
enum class Exempt { no, proceed, refuse };

Exempt exempt(const Question& question, const ap_verdict& verdict) {
  switch (question.kind) {
    case AP_FILE_READ:
      if (!code_loading::is_reading(view(question.text))) return Exempt::no;
      // line 2's open of these bytes passes too
      return core::api().allow_code(question.text) != 0 ? Exempt::proceed : Exempt::no;
    case AP_FILE_STAT:
    case AP_FILE_LIST:
      if (!code_loading::is_searching(question.kind)) break;
      return Exempt::proceed;
    default:
      break;
  }
  if (question.kind != AP_FILE_LIST && code_loading::is_writing_bytecode()) {
    if (question.kind == AP_FILE_STAT) return Exempt::proceed;
    if (verdict.action == AP_DENY) return Exempt::refuse;  // importlib does without
    if (core::api().mark != nullptr) core::api().mark(&question);
    return Exempt::proceed;
  }
  return Exempt::no;
}

// The slow path of every file hook. True: go on.
bool settle_file(const Question& question, const ap_verdict& verdict, const char* api, const denial::Target& target) {
  if (memchr(question.text.data, 0, question.text.size) != nullptr)
    return true;  // the call raises ValueError: nothing happens
  switch (exempt(question, verdict)) {
    case Exempt::proceed:
      return true;
    case Exempt::refuse:
      denial::raise(question, verdict, target);
      return false;
    case Exempt::no:
      break;
  }
  return settle(question, verdict, api, target);
}

inline bool permitted_file(const Question& question, const char* api, const denial::Target& target) {
  if (question.text.size == 0) return true;  // the kernel refuses an empty path
  ap_verdict verdict;
  if (__builtin_expect(core::api().check(&question, &verdict) == AP_GRANT, 1)) return true;
  return settle_file(question, verdict, api, target);
}

// Directory of a relative path, from a `dir_fd` argument.
struct Directory {
  char text[PATH_MAX];
  bool read(PyObject* descriptor, std::string_view& path) {
    if (descriptor == nullptr || !PyLong_Check(descriptor)) return false;
    const long fd = PyLong_AsLong(descriptor);
    if (fd == -1 && PyErr_Occurred()) PyErr_Clear();
    return fd >= 0 && descriptor_path(fd, text, sizeof text, path);
  }
};

bool is_relative(const Text& text) {
  return text.view().empty() || text.view()[0] != '/';
}

PyObject* argument(PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames, Py_ssize_t position, const char* keyword,
                   Py_ssize_t& index) {
  index = position < nargs ? position : keyword ? keyword_index(kwnames, nargs, keyword) : -1;
  return index >= 0 ? args[index] : nullptr;
}

// The part that needs a second path, a directory descriptor or the flags of open; kept out of the short way.
bool permitted_long(const Call& call, Question& question, const Text& path, PyObject* path_object, Text& second,
                    PyObject* second_object, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames) {
  Directory directory, directory2;
  std::string_view cwd, cwd2;
  char joined[2 * PATH_MAX];
  denial::Target target{path_object, nullptr};
  question.text = path.str();
  if (call.directory != nullptr && kwnames != nullptr && is_relative(path)) {
    const Py_ssize_t at = keyword_index(kwnames, nargs, call.directory);
    if (at >= 0 && directory.read(args[at], cwd)) question.cwd = str(cwd);
  }
  if (call.second != nullptr) {
    question.text2 = second.str();
    target.filename2 = second_object;
    if (call.directory2 != nullptr && kwnames != nullptr && is_relative(second)) {
      const Py_ssize_t at = keyword_index(kwnames, nargs, call.directory2);
      if (at >= 0 && directory2.read(args[at], cwd2) && cwd2 != cwd &&
          cwd2.size() + second.view().size() + 2 < sizeof joined) {
        if (call.kind == AP_FILE_SYMLINK) {
          question.cwd = str(cwd2);
        } else {
          memcpy(joined, cwd2.data(), cwd2.size());
          joined[cwd2.size()] = '/';
          memcpy(joined + cwd2.size() + 1, second.view().data(), second.view().size());
          question.text2 = {joined, static_cast<uint32_t>(cwd2.size() + 1 + second.view().size())};
        }
      }
    }
    if (call.kind == AP_FILE_SYMLINK) std::swap(question.text, question.text2);  // text is the name that is made
  }
  if (call.kind == kOpen) {
    Py_ssize_t index;
    PyObject* flags_object = argument(args, nargs, kwnames, 1, "flags", index);
    const long flags = flags_object != nullptr && PyLong_Check(flags_object) ? PyLong_AsLong(flags_object) : O_RDWR;
    if (flags == -1 && PyErr_Occurred()) PyErr_Clear();
    set_kind_of_open(question, flags);
  }
  return permitted_file(question, call.api, target);
}

// One hook for all: what differs is in the table.
PyObject* run(const Call& call, PyCFunction wrapped, PyObject* self, PyObject* const* args, Py_ssize_t nargs,
              PyObject* kwnames) {
  const auto original = cast_back<FastWithKeywords>(wrapped);
  Py_ssize_t index;
  PyObject* path_object = argument(args, nargs, kwnames, 0, call.path, index);
  Question question(AP_FILES, static_cast<ap_kind>(call.kind));
  if (path_object == nullptr) {
    if (call.kind != AP_FILE_LIST) return original(self, args, nargs, kwnames);
    path_object = Py_None;
  }
  // Without its flags, open says so before it looks at the path.
  if (call.kind == kOpen && nargs < 2 && (kwnames == nullptr || keyword_index(kwnames, nargs, "flags") < 0))
    return original(self, args, nargs, kwnames);
  Text path;
  Ref fixed;
  Arguments passed(args, nargs + (kwnames != nullptr ? PyTuple_GET_SIZE(kwnames) : 0));
  switch (read_path(path_object, fixed, path)) {
    case PathKind::text:
      break;
    case PathKind::none:
      if (call.kind != AP_FILE_LIST) return original(self, args, nargs, kwnames);
      question.text = str(".");
      if (!permitted_file(question, call.api, {})) return nullptr;
      return original(self, args, nargs, kwnames);
    case PathKind::raised:
      return nullptr;
    case PathKind::descriptor:
    case PathKind::foreign:
      return original(self, args, nargs, kwnames);
  }
  if (fixed) {
    if (!passed.replace(index, fixed.get())) return original(self, args, nargs, kwnames);
    path_object = fixed.get();
  }
  // Raises ValueError before anything else is looked at.
  if (memchr(path.view().data(), 0, path.view().size()) != nullptr)
    return original(self, passed.data(), nargs, kwnames);

  bool go_on;
  if (call.second == nullptr && call.kind != kOpen &&
      (kwnames == nullptr || call.directory == nullptr)) {  // the short way
    question.text = path.str();
    go_on = permitted_file(question, call.api, {path_object, nullptr});
  } else {
    Text second;
    Ref second_fixed;
    PyObject* second_object = nullptr;
    if (call.second != nullptr) {
      second_object = argument(args, nargs, kwnames, 1, call.second, index);
      if (second_object == nullptr) return original(self, args, nargs, kwnames);
      const PathKind kind = read_path(second_object, second_fixed, second);
      if (kind == PathKind::raised) return nullptr;
      if (kind != PathKind::text) return original(self, args, nargs, kwnames);
      if (second_fixed) {
        if (!passed.replace(index, second_fixed.get())) return original(self, args, nargs, kwnames);
        second_object = second_fixed.get();
      }
    }
    if (permitted_long(call, question, path, path_object, second, second_object, args, nargs, kwnames))
      return original(self, passed.data(), nargs, kwnames);
    go_on = false;
  }
  if (go_on) return original(self, passed.data(), nargs, kwnames);
  if (call.refusal == returns_false && PyErr_ExceptionMatches(PyExc_OSError)) {
    PyErr_Clear();
    Py_RETURN_FALSE;
  }
  return nullptr;
}

template <size_t I>
PyObject* hook(PyObject* self, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames) {
  return run(kCalls[I], g_originals[I], self, args, nargs, kwnames);
}

template <size_t... I>
void replace_calls(PyMethodDef* table, std::index_sequence<I...>) {
  const Method methods[] = {{kCalls[I].name, kFastWithKeywords, cast(&hook<I>), &g_originals[I]}...};
  replace_all(table, methods, "posix");
}

// --- FileIO with an opener
// ------------------------------------------------------------------------------------------------------ FileIO(name,
// opener=f) raises the event `open` for a name that only `f` can interpret, and `f` then opens what it likes through a
// call that is judged itself. So the event of that name, on this thread, is not an operation.

thread_local PyObject* t_name_for_opener = nullptr;

initproc g_file_io_init = nullptr;

#if PY_VERSION_HEX < 0x03080000
PyCFunction g_readlink, g_sqlite3_connect;

// readlink(path, *, dir_fd=None), whose convention is that of older functions.
PyObject* readlink(PyObject* self, PyObject* args, PyObject* kwargs) {
  const auto original = cast_back<WithKeywords>(g_readlink);
  const bool is_positional = PyTuple_GET_SIZE(args) > 0;
  PyObject* given = is_positional ? PyTuple_GET_ITEM(args, 0) : kwargs ? PyDict_GetItemString(kwargs, "path") : nullptr;
  if (given == nullptr) return original(self, args, kwargs);
  Text path;
  Ref fixed;
  const PathKind kind = read_path(given, fixed, path);
  if (kind == PathKind::raised) return nullptr;
  if (kind != PathKind::text) return original(self, args, kwargs);
  Question question(AP_FILES, AP_FILE_STAT);
  question.text = path.str();
  Directory directory;
  std::string_view cwd;
  PyObject* descriptor = kwargs ? PyDict_GetItemString(kwargs, "dir_fd") : nullptr;
  if (is_relative(path) && directory.read(descriptor, cwd)) question.cwd = str(cwd);
  if (!permitted_file(question, "os.readlink", {given, nullptr})) return nullptr;
  if (!fixed || !is_positional) return original(self, args, kwargs);
  Ref passed(PyTuple_Pack(1, fixed.get()));
  return passed ? original(self, passed.get(), kwargs) : nullptr;
}

PyObject* sqlite3_connect(PyObject* self, PyObject* args, PyObject* kwargs) {
  PyObject* name = PyTuple_GET_SIZE(args) > 0 ? PyTuple_GET_ITEM(args, 0)
                   : kwargs                   ? PyDict_GetItemString(kwargs, "database")
                                              : nullptr;
  Ref event(name != nullptr ? PyTuple_Pack(1, name) : nullptr);
  if (event && on_sqlite3_connect(event.get()) < 0) return nullptr;
  PyErr_Clear();
  return cast_back<WithKeywords>(g_sqlite3_connect)(self, args, kwargs);
}

// Python 3.7 has no audit events: FileIO(name, mode) is judged here.
bool permitted_without_event(PyObject* args, PyObject* kwargs, PyObject* name) {
  PyObject* mode = PyTuple_Check(args) && PyTuple_GET_SIZE(args) > 1 ? PyTuple_GET_ITEM(args, 1) : nullptr;
  if (mode == nullptr && kwargs != nullptr) mode = PyDict_GetItemString(kwargs, "mode");
  if (name == nullptr) return true;
  Ref read(PyUnicode_FromString("r")), none(PyLong_FromLong(0));
  Ref event(PyTuple_Pack(3, name, mode != nullptr ? mode : read.get(), none.get()));
  return event && on_open(event.get()) == 0;
}
#endif

int file_io_init(PyObject* self, PyObject* args, PyObject* kwargs) {
  PyObject *opener = nullptr, *name = nullptr;
  if (PyTuple_Check(args)) {
    if (PyTuple_GET_SIZE(args) > 3) opener = PyTuple_GET_ITEM(args, 3);
    if (PyTuple_GET_SIZE(args) > 0) name = PyTuple_GET_ITEM(args, 0);
  }
  if (kwargs != nullptr && opener == nullptr) opener = PyDict_GetItemString(kwargs, "opener");
  if (kwargs != nullptr && name == nullptr) name = PyDict_GetItemString(kwargs, "file");
  if (opener == nullptr || opener == Py_None) {
#if PY_VERSION_HEX < 0x03080000
    if (!permitted_without_event(args, kwargs, name)) return -1;
#endif
    return g_file_io_init(self, args, kwargs);
  }
  PyObject* outer = std::exchange(t_name_for_opener, name);
  const int result = g_file_io_init(self, args, kwargs);
  t_name_for_opener = outer;
  return result;
}

void hook_file_io() {
  PyObject* module = loaded_module("_io");
  Ref type(module ? PyObject_GetAttrString(module, "FileIO") : nullptr);
  if (!type || !PyType_Check(type.get())) {
    trouble("hook_missing", "_io.FileIO is not a type here: files with an opener may be judged twice");
    return;
  }
  auto* file_io = reinterpret_cast<PyTypeObject*>(type.get());
  if (file_io->tp_init == file_io_init) return;
  g_file_io_init = file_io->tp_init;
  // Subclasses made later take the function from the wrapper descriptor, not from the slot.
  PyObject* descriptor = PyDict_GetItemString(file_io->tp_dict, "__init__");
  if (descriptor != nullptr && Py_TYPE(descriptor) == &PyWrapperDescr_Type)
    reinterpret_cast<PyWrapperDescrObject*>(descriptor)->d_wrapped = reinterpret_cast<void*>(file_io_init);
  file_io->tp_init = file_io_init;
  PyType_Modified(file_io);
}

}  // namespace

void install() {
  PyMethodDef* table = table_of(loaded_module("posix"));
  if (table == nullptr) {
    trouble("hook_missing", "posix has no method table here: files are watched by line 2 alone");
  } else {
    replace_calls(table, std::make_index_sequence<kCount>());
#if PY_VERSION_HEX < 0x03080000
    replace(table, {"readlink", METH_VARARGS | METH_KEYWORDS, cast(readlink), &g_readlink}, "posix");
#endif
  }
  hook_file_io();
  if (!code_loading::remember())
    trouble("hook_missing",
            "importlib is not as expected here: imports from a directory whose reads are denied may fail");
}

void install_sqlite(PyObject* module) {
#if PY_VERSION_HEX < 0x03080000
  replace(table_of(module), {"connect", METH_VARARGS | METH_KEYWORDS, cast(sqlite3_connect), &g_sqlite3_connect},
          "_sqlite3");
#else
  static_cast<void>(module);  // there is an event
#endif
}

// open(path, mode, flags): mode is None from os.open (hooked above), a string from FileIO (flags as given to open(2))
// and from C code that uses fopen (flags 0: the mode tells).
int on_open(PyObject* args) {
  if (PyTuple_GET_SIZE(args) < 3) return 0;
  PyObject *name = PyTuple_GET_ITEM(args, 0), *mode = PyTuple_GET_ITEM(args, 1),
           *flags_object = PyTuple_GET_ITEM(args, 2);
  if (mode == Py_None) return 0;
  if (t_name_for_opener != nullptr && t_name_for_opener == name) {
    t_name_for_opener = nullptr;
    return 0;
  }
  Text path;
  if (!path.from_path(name)) return 0;  // an int, or an os.PathLike given to FileIO itself: line 2 sees the path
  long flags = PyLong_Check(flags_object) ? PyLong_AsLong(flags_object) : 0;
  if (flags == -1 && PyErr_Occurred()) PyErr_Clear();
  if (flags == 0 && PyUnicode_Check(mode)) {
    for (Py_ssize_t i = 0, n = PyUnicode_GET_LENGTH(mode); i < n; ++i) {
      const Py_UCS4 c = PyUnicode_READ_CHAR(mode, i);
      if (c == 'w' || c == 'a' || c == 'x') flags |= O_WRONLY | O_CREAT;
      if (c == '+') flags = (flags & ~O_ACCMODE) | O_RDWR;
    }
  }
  Question question(AP_FILES, AP_FILE_READ);
  set_kind_of_open(question, flags);
  question.text = path.str();
  return permitted_file(question, "open", {name, nullptr}) ? 0 : -1;
}

// sqlite3.connect(database): refused here for the better message. What is granted or observed is SQLite's own doing: it
// opens the file by its absolute path, and line 2 counts that.
int on_sqlite3_connect(PyObject* args) {
  if (PyTuple_GET_SIZE(args) < 1) return 0;
  PyObject* name = PyTuple_GET_ITEM(args, 0);
  Text path;
  if (!path.from_path(name)) return 0;
  const auto text = path.view();
  if (text.empty() || text[0] == ':' || text.starts_with("file:"))
    return 0;  // in memory, or a URI with options of its own
  Question question(AP_FILES, AP_FILE_CREATE);
  question.text = path.str();
  ap_verdict verdict;
  if (core::api().check(&question, &verdict) != AP_DENY) return 0;
  return settle_file(question, verdict, "sqlite3.connect", {name, nullptr}) ? 0 : -1;
}

}  // namespace ap::python::files
