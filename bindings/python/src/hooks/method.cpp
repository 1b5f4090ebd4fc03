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

void restore_sets() {
  PyObject* os = loaded_module("os");
  for (const char* name : {"supports_dir_fd", "supports_effective_ids", "supports_fd", "supports_follow_symlinks"}) {
    Ref set(os != nullptr ? PyObject_GetAttrString(os, name) : nullptr);
    if (!set || Py_TYPE(set.get()) != &PySet_Type) continue;
    Ref members(PySequence_List(set.get()));
    if (!members || PySet_Clear(set.get()) < 0) continue;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(members.get()); ++i)
      PySet_Add(set.get(), PyList_GET_ITEM(members.get(), i));
  }
  PyErr_Clear();
}

PyObject* loaded_module(const char* name) {
  return PyDict_GetItemString(PyImport_GetModuleDict(), name);
}

}  // namespace ap::python
