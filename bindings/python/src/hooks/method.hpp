// SPDX-License-Identifier: Apache-2.0
//
// The mechanics of hooking a C function or method of CPython: its PyMethodDef is static data, and every way to call it
// (saved references, bound methods, the adaptive interpreter, threads, forks, sub-interpreters) reads `ml_meth` there.
//
//   static PyCFunction original;
//   const Method methods[] = {{"fork", METH_NOARGS, cast(fork), &original}};
//   replace_all(table_of(module), methods, "posix");
#pragma once
#include <stddef.h>

#include "core.hpp"
#include "python.hpp"

namespace ap::python {

struct Method {
  const char* name;
  int flags;  // the calling convention that `wrapper` is written for
  PyCFunction wrapper;
  PyCFunction* original;  // receives what was there
};

using FastWithKeywords = PyObject* (*)(PyObject* self, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames);
using Fast = PyObject* (*)(PyObject* self, PyObject* const* args, Py_ssize_t nargs);
using WithKeywords = PyObject* (*)(PyObject* self, PyObject* args, PyObject* kwargs);

template <typename F>
PyCFunction cast(F function) {
  return reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(function));
}
template <typename F>
F cast_back(PyCFunction function) {
  return reinterpret_cast<F>(reinterpret_cast<void (*)()>(function));
}

// Static method table of a built-in module, or of a type; nullptr: it has none.
PyMethodDef* table_of(PyObject* module);
PyMethodDef* table_of_type(PyObject* type);

// Replaces one entry. A missing name is normal (platform, version) and ignored; another calling convention is trouble.
// Idempotent.
void replace(PyMethodDef* table, const Method& method, const char* owner);

template <size_t N>
void replace_all(PyMethodDef* table, const Method (&methods)[N], const char* owner) {
  for (const Method& method : methods) replace(table, method, owner);
}

// A built-in function's hash is made of its address in the table, so after a replacement no set finds it any more. Puts
// the sets in order in which `os` says what its functions can do; shutil and pathlib choose their ways by them.
void restore_sets();

// The module when it is loaded already; borrowed or nullptr, no exception. Imports nothing.
PyObject* loaded_module(const char* name);

}  // namespace ap::python
