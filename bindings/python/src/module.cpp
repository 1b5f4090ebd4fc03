// SPDX-License-Identifier: Apache-2.0
//
// The extension module `_native`: starts the core, installs the hooks its policy needs, and nothing else.
//
// Written against the raw C API in multi-phase form, not with pybind11: measured, that is 0.12 ms and 215 KB less for
// each Python version, loads in isolated sub-interpreters, and leaves nothing of ours in `builtins` for other pybind11
// modules to meet.
#include <stdio.h>
#include <string.h>

#include "attribution.hpp"
#include "core.hpp"
#include "denial.hpp"
#include "evaluate.hpp"
#include "handler.hpp"
#include "hooks/archives.hpp"
#include "hooks/audit.hpp"
#include "hooks/files.hpp"
#include "hooks/method.hpp"
#include "hooks/modules.hpp"
#include "hooks/processes.hpp"
#include "python.hpp"

namespace ap::python {
namespace {

void flush_at_exit() {
  core::api().flush();
}

// Hooks are installed once per process; needs the GIL of the main interpreter.
void install_hooks() {
  static bool installed = false;
  if (installed) return;
  installed = true;
  const unsigned needs = core::api().needs();
  if (needs & AP_NEED_FILES) {
    files::install();
    archives::install();
  }
  if (needs & AP_NEED_PROCESSES) processes::install();
  if (needs != 0) {
    processes::install_exit();
    modules::install(needs);
    audit::install(needs);
    renew_capability_sets();
    Py_AtExit(flush_at_exit);
  }
}

bool load(PyObject* path) {
  Ref bytes;
  PyObject* converted = nullptr;
  if (!PyUnicode_FSConverter(path, &converted)) return false;
  bytes = Ref(converted);
  char message[600];
  if (core::load(PyBytes_AS_STRING(converted), message, sizeof message)) return true;
  PyErr_SetString(denial::type(denial::Type::agent_error), message);
  return false;
}

PyObject* load_library(PyObject*, PyObject* path) {
  if (!load(path)) return nullptr;
  Py_RETURN_NONE;
}

// The core has wiped these from the environment block; os.environ is a copy that Python made before.
void forget_secrets() {
  PyObject* module = PyDict_GetItemString(PyImport_GetModuleDict(), "posix");
  Ref environment(module != nullptr ? PyObject_GetAttrString(module, "environ") : nullptr);
  for (const char* name : {"TREND_AP_SECRET", "IMMUNIO_SECRET"}) {
    Ref key(PyBytes_FromString(name));
    if (environment && key && PyDict_Check(environment.get()) &&
        PyDict_GetItem(environment.get(), key.get()) != nullptr)
      PyDict_DelItem(environment.get(), key.get());
  }
  PyErr_Clear();
}

// start(library, attach, main_dir, started_ns) -> (result, message); AgentError when the library cannot be loaded.
PyObject* start(PyObject*, PyObject* args) {
  PyObject *library, *directory = nullptr;
  int attach;
  unsigned long long started_ns;
  if (!PyArg_ParseTuple(args, "OiO&K", &library, &attach, PyUnicode_FSConverter, &directory, &started_ns))
    return nullptr;
  Ref main_dir(directory);
  if (!load(library)) return nullptr;

  char runtime[32], message[4096] = "";
  snprintf(runtime, sizeof runtime, "python%d.%d", PY_MAJOR_VERSION, PY_MINOR_VERSION);
  const std::string_view application(PyBytes_AS_STRING(directory), static_cast<size_t>(PyBytes_GET_SIZE(directory)));
  ap_start_options options{};
  options.size = sizeof options;
  options.attach = static_cast<uint32_t>(attach);
  options.language = str("python");
  options.runtime = str(runtime);
  options.main_dir = str(application);
  options.started_ns = started_ns;
  const int result = core::api().start(&options, message, sizeof message);
  forget_secrets();
  if (result == AP_STARTED || result == AP_ALREADY) {
    Attribution::set_application(application);
    install_hooks();
  }
  return Py_BuildValue("(iN)", result,
                       PyUnicode_DecodeUTF8(message, static_cast<Py_ssize_t>(strlen(message)), "replace"));
}

PyObject* handler_loading(PyObject*, PyObject*) {
  if (core::table != nullptr) core::api().handler_loading();
  Py_RETURN_NONE;
}

PyObject* status(PyObject*, PyObject*) {
  if (core::table == nullptr) return PyUnicode_FromString("{\"started\":false}");
  char buffer[8192];
  size_t size = core::api().status(buffer, sizeof buffer);
  if (size >= sizeof buffer) size = sizeof buffer - 1;
  return PyUnicode_DecodeUTF8(buffer, static_cast<Py_ssize_t>(size), "replace");
}

// exception_types() -> (denied, override response, blocked, agent error); made when first asked for: they are half the
// start's cost
PyObject* exception_types(PyObject*, PyObject*) {
  Ref types(PyTuple_New(4));
  for (int i = 0; types && i < 4; ++i) {
    PyObject* type = denial::type(static_cast<denial::Type>(i));
    if (type == nullptr) return nullptr;
    Py_INCREF(type);
    PyTuple_SET_ITEM(types.get(), i, type);
  }
  return types.release();
}

PyMethodDef g_functions[] = {
    {"load", load_library, METH_O, "load(path): loads the core and starts nothing"},
    {"start", start, METH_VARARGS, "start(library, attach, main_dir, started_ns) -> (result, message)"},
    {"handler_loading", handler_loading, METH_NOARGS, "User code begins now."},
    {"status", status, METH_NOARGS, "The agent's status as JSON text."},
    {"exception_types", exception_types, METH_NOARGS, "(denied, override response, blocked, agent error)"},
    {nullptr, nullptr, 0, nullptr},
};

int execute(PyObject* module) {
  return handler::add_to(module) < 0 || evaluate::add_to(module) < 0 ? -1 : 0;
}

PyModuleDef_Slot g_slots[] = {
    {Py_mod_exec, reinterpret_cast<void*>(execute)},
#if PY_VERSION_HEX >= 0x030C0000
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},
#endif
    {0, nullptr},
};

PyModuleDef g_module = {PyModuleDef_HEAD_INIT, "_native", nullptr, 0, g_functions, g_slots, nullptr, nullptr, nullptr};

}  // namespace
}  // namespace ap::python

#pragma GCC visibility push(default)
PyMODINIT_FUNC PyInit__native() {
  return PyModuleDef_Init(&ap::python::g_module);
}
#pragma GCC visibility pop
