// SPDX-License-Identifier: Apache-2.0
#include "hooks/method.hpp"

#include <stdio.h>
#include <string.h>

namespace ap::python {

PyMethodDef* table_of(PyObject* module) {
  if (module == nullptr || !PyModule_Check(module)) return nullptr;
  PyModuleDef* definition = PyModule_GetDef(module);
  if (definition == nullptr) PyErr_Clear();
  return definition ? definition->m_methods : nullptr;
}

PyMethodDef* table_of_type(PyObject* type) {
  return type != nullptr && PyType_Check(type) ? reinterpret_cast<PyTypeObject*>(type)->tp_methods : nullptr;
}

void replace(PyMethodDef* table, const Method& method, const char* owner) {
  constexpr int kConvention = METH_VARARGS | METH_KEYWORDS | METH_NOARGS | METH_O | METH_FASTCALL;
  for (PyMethodDef* entry = table; entry != nullptr && entry->ml_name != nullptr; ++entry) {
    if (entry->ml_name[0] != method.name[0] || strcmp(entry->ml_name, method.name) != 0) continue;
    if (entry->ml_meth == method.wrapper) return;
    if ((entry->ml_flags & kConvention) != method.flags) {
      char text[160];
      snprintf(text, sizeof text, "%s.%s has another calling convention here: only line 2 watches it", owner,
               method.name);
      trouble("hook_missing", text);
      return;
    }
    *method.original = entry->ml_meth;
    entry->ml_meth = method.wrapper;
    return;
  }
}

void renew_capability_sets() {
  PyObject* os = loaded_module("os");
  PyObject* names = os != nullptr && PyModule_Check(os) ? PyModule_GetDict(os) : nullptr;
  if (names == nullptr) return;
  for (const char* name : {"supports_dir_fd", "supports_effective_ids", "supports_fd", "supports_follow_symlinks"}) {
    PyObject* set = PyDict_GetItemString(names, name);
    if (set == nullptr || !PySet_Check(set)) continue;
    // A list, not a set: that would copy the old hashes.
    Ref functions(PySequence_List(set));
    if (!functions || PySet_Clear(set) < 0) {
      PyErr_Clear();
      continue;
    }
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(functions.get()); ++i)
      if (PySet_Add(set, PyList_GET_ITEM(functions.get(), i)) < 0) PyErr_Clear();
  }
}

PyObject* loaded_module(const char* name) {
  return PyDict_GetItemString(PyImport_GetModuleDict(), name);
}

}  // namespace ap::python
