// SPDX-License-Identifier: Apache-2.0
#include "hooks/modules.hpp"

#include <string.h>

#include "hooks/files.hpp"
#include "hooks/method.hpp"
#include "hooks/native.hpp"
#include "hooks/network.hpp"
#include "hooks/processes.hpp"

namespace ap::python::modules {
namespace {

struct Module {
  const char* name;  // last part of PyModuleDef.m_name
  unsigned need;
  void (*install)(PyObject* module);
};
constexpr Module kModules[] = {
    {"_socket", AP_NEED_NETWORK | AP_NEED_FILES, network::install},  // files: the bind of a unix socket
    {"_posixsubprocess", AP_NEED_PROCESSES, processes::install_subprocess},
    {"_ctypes", AP_NEED_NATIVE, native::install},
    {"_sqlite3", AP_NEED_FILES, files::install_sqlite},
};
unsigned g_needs;

// Hooks the module if it is one of ours. The name comes from the C definition, not from an attribute.
void hook(PyObject* module) {
  if (module == nullptr || !PyModule_Check(module)) return;
  PyModuleDef* definition = PyModule_GetDef(module);
  if (definition == nullptr || definition->m_name == nullptr) {
    PyErr_Clear();
    return;
  }
  const char* dot = strrchr(definition->m_name, '.');
  const char* name = dot ? dot + 1 : definition->m_name;
  for (const Module& known : kModules)
    if ((g_needs & known.need) != 0 && strcmp(name, known.name) == 0) known.install(module);
}

PyCFunction g_create_dynamic, g_create_builtin, g_exec_dynamic, g_exec_builtin;

PyObject* create_dynamic(PyObject* self, PyObject* const* args, Py_ssize_t nargs) {
#if PY_VERSION_HEX < 0x03080000  // no event `import`
  if ((g_needs & AP_NEED_NATIVE) != 0 && nargs > 0) {
    Ref file(PyObject_GetAttrString(args[0], "origin"));
    if (file && !native::permitted_import(file.get())) return nullptr;
    PyErr_Clear();
  }
#endif
  PyObject* module = cast_back<Fast>(g_create_dynamic)(self, args, nargs);
  hook(module);
  return module;
}

PyObject* create_builtin(PyObject* self, PyObject* spec) {
  PyObject* module = g_create_builtin(self, spec);
  hook(module);
  return module;
}

PyObject* exec_dynamic(PyObject* self, PyObject* module) {
  PyObject* result = g_exec_dynamic(self, module);
  if (result != nullptr) hook(module);
  return result;
}

PyObject* exec_builtin(PyObject* self, PyObject* module) {
  PyObject* result = g_exec_builtin(self, module);
  if (result != nullptr) hook(module);
  return result;
}

}  // namespace

void install(unsigned needs) {
  static const Method loaders[] = {
      {"create_dynamic", METH_FASTCALL, cast(create_dynamic), &g_create_dynamic},
      {"create_builtin", METH_O, create_builtin, &g_create_builtin},
      {"exec_dynamic", METH_O, exec_dynamic, &g_exec_dynamic},
      {"exec_builtin", METH_O, exec_builtin, &g_exec_builtin},
  };
  g_needs = needs;
  for (const Module& known : kModules) hook(loaded_module(known.name));
  replace_all(table_of(loaded_module("_imp")), loaders, "_imp");
}

}  // namespace ap::python::modules
