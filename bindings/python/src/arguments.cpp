// SPDX-License-Identifier: Apache-2.0
#include "arguments.hpp"

#include <stdio.h>
#include <string.h>

#include "raw_syscall.hpp"

namespace ap::python {
namespace {

bool ascii(PyObject* object, std::string_view& out) {
  if (!PyUnicode_IS_READY(object) || !PyUnicode_IS_COMPACT_ASCII(object)) return false;
  out = {reinterpret_cast<const char*>(PyUnicode_1BYTE_DATA(object)),
         static_cast<size_t>(PyUnicode_GET_LENGTH(object))};
  return true;
}

bool bytes_of(PyObject* object, std::string_view& out) {
  if (!PyBytes_Check(object)) return false;
  out = {PyBytes_AS_STRING(object), static_cast<size_t>(PyBytes_GET_SIZE(object))};
  return true;
}

bool keep(Ref& encoded, PyObject* object, std::string_view& out) {
  encoded = Ref(object);
  if (!encoded) {
    PyErr_Clear();
    return false;
  }
  return bytes_of(object, out);
}

}  // namespace

bool Text::from_path(PyObject* object) {
  if (PyUnicode_Check(object)) return ascii(object, view_) || keep(encoded_, PyUnicode_EncodeFSDefault(object), view_);
  return bytes_of(object, view_);
}

bool Text::from_host(PyObject* object) {
  if (PyUnicode_Check(object))
    return ascii(object, view_) || keep(encoded_, PyUnicode_AsEncodedString(object, "idna", nullptr), view_);
  return bytes_of(object, view_);
}

PathKind read_path(PyObject* argument, Ref& fixed, Text& text) {
  if (PyUnicode_Check(argument) || PyBytes_Check(argument))
    return text.from_path(argument) ? PathKind::text : PathKind::foreign;
  if (PyLong_Check(argument)) return PathKind::descriptor;
  if (argument == Py_None) return PathKind::none;
  PyTypeObject* type = Py_TYPE(argument);
  Ref method(PyObject_GetAttrString(reinterpret_cast<PyObject*>(type), "__fspath__"));
  if (!method) {
    PyErr_Clear();
    return PathKind::foreign;
  }
  if (method.get() == Py_None) return PathKind::foreign;  // it says that it is no path; the call words that itself
  fixed = Ref(PyOS_FSPath(argument));
  if (!fixed) return PathKind::raised;
  return text.from_path(fixed.get()) ? PathKind::text : PathKind::foreign;
}

bool descriptor_path(long fd, char* buffer, size_t size, std::string_view& path) {
  char link[48];
  snprintf(link, sizeof link, "/proc/self/fd/%ld", fd);
  const long length = raw::readlink(link, buffer, size);
  if (length <= 0 || static_cast<size_t>(length) >= size || buffer[0] != '/') return false;
  path = {buffer, static_cast<size_t>(length)};
  return true;
}

}  // namespace ap::python
