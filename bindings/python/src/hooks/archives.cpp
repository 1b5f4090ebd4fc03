// SPDX-License-Identifier: Apache-2.0
#include "hooks/archives.hpp"

#include "arguments.hpp"
#include "code_loading.hpp"
#include "hooks/method.hpp"
#include "judge.hpp"

namespace ap::python::archives {

#if PY_VERSION_HEX < 0x03080000
namespace {

initproc g_init;
PyCFunction g_load_module, g_get_code, g_get_filename;

// Line 2's next open of these bytes, soon and once, reads code.
void excuse(PyObject* archive) {
  Text path;
  if (archive == nullptr || !path.from_path(archive) || !code_loading::has_code_suffix(path.view())) return;
  Question question(AP_FILES, AP_FILE_READ);
  question.text = path.str();
  ap_verdict verdict;
  if (core::api().check(&question, &verdict) != AP_GRANT) core::api().allow_code(path.str());
}

int init(PyObject* self, PyObject* args, PyObject* kwargs) {
  if (PyTuple_GET_SIZE(args) == 1) excuse(PyTuple_GET_ITEM(args, 0));
  return g_init(self, args, kwargs);
}

PyObject* with_archive(PyCFunction original, PyObject* self, PyObject* name) {
  Ref archive(PyObject_GetAttrString(self, "archive"));
  if (!archive) PyErr_Clear();
  excuse(archive.get());
  return original(self, name);
}
PyObject* load_module(PyObject* self, PyObject* name) {
  return with_archive(g_load_module, self, name);
}
PyObject* get_code(PyObject* self, PyObject* name) {
  return with_archive(g_get_code, self, name);
}
PyObject* get_filename(PyObject* self, PyObject* name) {
  return with_archive(g_get_filename, self, name);
}

}  // namespace

void install() {
  PyObject* module = loaded_module("zipimport");  // the interpreter itself loads it at start
  Ref type_object(module != nullptr ? PyObject_GetAttrString(module, "zipimporter") : nullptr);
  PyErr_Clear();
  PyMethodDef* table = table_of_type(type_object.get());
  if (table == nullptr) return;
  auto* type = reinterpret_cast<PyTypeObject*>(type_object.get());
  if (type->tp_init == init) return;
  static const Method methods[] = {
      {"load_module", METH_O, load_module, &g_load_module},
      {"get_code", METH_O, get_code, &g_get_code},
      {"get_filename", METH_O, get_filename, &g_get_filename},
  };
  replace_all(table, methods, "zipimport.zipimporter");
  g_init = type->tp_init;
  type->tp_init = init;
  PyType_Modified(type);
}
#else
void install() {}
#endif

}  // namespace ap::python::archives
