// SPDX-License-Identifier: Apache-2.0
//
// Arguments of a guarded call: taken once, judged, and the very same object passed on.
//
//   Text path;
//   Ref fixed;                                     // keeps what `__fspath__` returned
//   switch (read_path(argument, fixed, path)) { ... }
//
// Only exact str, bytes and int contents are read, from the C fields: a subclass cannot show us one text and the kernel
// another.
#pragma once
#include <string_view>

#include "core.hpp"
#include "python.hpp"

namespace ap::python {

// Bytes of a str or bytes object. A str that is not ASCII needs a new object, which this owns.
class Text {
 public:
  // File system encoding, as the call itself will use. False, no exception set: cannot be encoded, the call will say so
  // itself.
  bool from_path(PyObject* object);
  // Host name: bytes as they are, str as ASCII or by the `idna` codec, as the socket module does.
  bool from_host(PyObject* object);

  std::string_view view() const { return view_; }
  ap_str str() const { return {view_.data(), static_cast<uint32_t>(view_.size())}; }

 private:
  std::string_view view_;
  Ref encoded_;
};

enum class PathKind {
  text,        // `text` is valid
  descriptor,  // an int: names no path, line 2 judges it
  none,        // None: the current directory where the call allows it
  foreign,     // anything else: the call itself refuses it, or line 2 sees the bytes
  raised       // __fspath__ raised; the exception is set
};

// Reads a path argument. An os.PathLike is asked once; `fixed` then holds its answer, which must be passed on instead.
PathKind read_path(PyObject* argument, Ref& fixed, Text& text);

// Where a keyword stands in the vector of a METH_FASTCALL | METH_KEYWORDS call, or -1.
inline Py_ssize_t keyword_index(PyObject* kwnames, Py_ssize_t nargs, const char* name) {
  if (kwnames == nullptr) return -1;
  for (Py_ssize_t i = 0, n = PyTuple_GET_SIZE(kwnames); i < n; ++i)
    if (PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(kwnames, i), name) == 0) return nargs + i;
  return -1;
}

// A copy of the arguments in which some are replaced by what was judged.
class Arguments {
 public:
  static constexpr Py_ssize_t kMost = 24;
  Arguments(PyObject* const* args, Py_ssize_t count) : given_(args), count_(count) {}

  // False: too many arguments for any call we know (the call will refuse them).
  bool replace(Py_ssize_t index, PyObject* object) {
    if (count_ > kMost) return false;
    if (!copied_) {
      for (Py_ssize_t i = 0; i < count_; ++i) copy_[i] = given_[i];
      copied_ = true;
    }
    copy_[index] = object;
    return true;
  }
  PyObject* const* data() const { return copied_ ? copy_ : given_; }

 private:
  PyObject* const* given_;
  PyObject* copy_[kMost];
  Py_ssize_t count_;
  bool copied_ = false;
};

// The directory that an open descriptor stands for ("/proc/self/fd/N" read by a raw system call). False: none.
bool descriptor_path(long fd, char* buffer, size_t size, std::string_view& path);

}  // namespace ap::python
