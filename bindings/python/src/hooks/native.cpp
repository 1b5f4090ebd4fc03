// SPDX-License-Identifier: Apache-2.0
#include "hooks/native.hpp"

#include <dlfcn.h>
#include <stdint.h>
#include <string.h>

#include <atomic>

#include "arguments.hpp"
#include "hooks/method.hpp"
#include "judge.hpp"

namespace ap::python::native {
namespace {

// --- addresses that may be called
// ------------------------------------------------------------------------------------------------- Those that a
// look-up by name returned, those of ctypes' own helpers, and those of callbacks. An open-addressed set, only ever
// added to; when it is full, the exact start of an exported symbol passes too.
constexpr size_t kSlots = 4096;
std::atomic<uintptr_t> g_known[kSlots];

size_t slot_of(uintptr_t address) {
  return static_cast<size_t>((address >> 4) * 0x9e3779b97f4a7c15ull >> 52);
}

void know(uintptr_t address) {
  if (address == 0) return;
  for (size_t i = 0; i < 16; ++i) {
    auto& slot = g_known[(slot_of(address) + i) % kSlots];
    uintptr_t there = slot.load(std::memory_order_relaxed);
    if (there == address) return;
    if (there == 0 && slot.compare_exchange_strong(there, address, std::memory_order_relaxed)) return;
  }
}

bool is_known(uintptr_t address) {
  for (size_t i = 0; i < 16; ++i) {
    const uintptr_t there = g_known[(slot_of(address) + i) % kSlots].load(std::memory_order_relaxed);
    if (there == address) return true;
    if (there == 0) return false;
  }
  Dl_info info;
  return dladdr(reinterpret_cast<void*>(address), &info) != 0 && reinterpret_cast<uintptr_t>(info.dli_saddr) == address;
}

uintptr_t g_helpers[8];

bool is_helper(uintptr_t address) {
  if (address == 0) return true;  // calling NULL is a crash, not a way out
  for (uintptr_t helper : g_helpers)
    if (helper == address) return true;
  return false;
}

bool permitted_address(const char* api) {
  Question question(AP_NATIVE, AP_CALL_ADDRESS);
  return permitted(question, api);
}

bool permitted_library(PyObject* path_object, const char* api) {
  Text path;
  if (!path.from_path(path_object) || path.view().empty()) return true;  // None: the program itself
  Question question(AP_NATIVE, AP_LOAD);
  question.text = path.str();
  return permitted(question, api, {path_object, nullptr});
}

// --- ctypes function objects
// ------------------------------------------------------------------------------------------------------ The head of a
// ctypes object (CDataObject), the same in every version: where its memory is. For a function object that memory holds
// the address.
struct CData {
  PyObject_HEAD char* memory;
};

uintptr_t address_of(PyObject* function) {
  uintptr_t address = 0;
  const char* memory = reinterpret_cast<CData*>(function)->memory;
  if (memory != nullptr) memcpy(&address, memory, sizeof address);
  return address;
}

newfunc g_new;
ternaryfunc g_call;

#if PY_VERSION_HEX < 0x03080000
// Python 3.7 has no audit events: the functions are judged themselves.
PyCFunction g_dlopen, g_call_function, g_call_cdeclfunction;

PyObject* dlopen_judged(PyObject* self, PyObject* args) {
  return on_dlopen(args) < 0 ? nullptr : g_dlopen(self, args);
}
PyObject* call_function_judged(PyObject* self, PyObject* args) {
  return on_call_function(args) < 0 ? nullptr : g_call_function(self, args);
}
PyObject* call_cdeclfunction_judged(PyObject* self, PyObject* args) {
  return on_call_function(args) < 0 ? nullptr : g_call_cdeclfunction(self, args);
}

void install_functions(PyObject* module) {
  static const Method functions[] = {
      {"dlopen", METH_VARARGS, dlopen_judged, &g_dlopen},
      {"call_function", METH_VARARGS, call_function_judged, &g_call_function},
      {"call_cdeclfunction", METH_VARARGS, call_cdeclfunction_judged, &g_call_cdeclfunction},
  };
  replace_all(table_of(module), functions, "_ctypes");
}

// `import ctypes` makes a callback and drops it (for a compiler of Windows, its comment says). Its memory would be new
// and executable: where that is denied, the module goes without, and whoever needs a callback is refused. Nobody gains
// by looking like it: the answer is None.
bool is_needless_callback() {
  PyFrameObject* frame = PyEval_GetFrame();
  if (frame == nullptr) return false;
  constexpr std::string_view kFile = "/ctypes/__init__.py";
  Text file;
  if (PyUnicode_CompareWithASCIIString(frame->f_code->co_name, "_reset_cache") != 0 ||
      !file.from_path(frame->f_code->co_filename) || !file.view().ends_with(kFile))
    return false;
  Question question(AP_NATIVE, AP_EXEC_MEMORY);
  ap_verdict verdict;
  return core::api().check(&question, &verdict) == AP_DENY;
}
#else
void install_functions(PyObject*) {}
bool is_needless_callback() {
  return false;
}
#endif

// CFuncPtr(address) is judged here; CFuncPtr((name, library)) and CFuncPtr(callable) give addresses that may be called.
PyObject* function_new(PyTypeObject* type, PyObject* args, PyObject* kwargs) {
  const bool by_address = PyTuple_Check(args) && PyTuple_GET_SIZE(args) == 1 && PyLong_Check(PyTuple_GET_ITEM(args, 0));
  if (by_address) {
    const auto address = reinterpret_cast<uintptr_t>(PyLong_AsVoidPtr(PyTuple_GET_ITEM(args, 0)));
    if (PyErr_Occurred()) PyErr_Clear();
    if (!is_helper(address) && !permitted_address("ctypes.CFUNCTYPE")) return nullptr;
  } else if (is_needless_callback()) {
    Py_RETURN_NONE;
  }
  PyObject* function = g_new(type, args, kwargs);
  if (function == nullptr || !PyTuple_Check(args) || PyTuple_GET_SIZE(args) == 0) return function;
  know(address_of(function));
  return function;
}

// Python 3.14 tells of a function object's call as it does of a bare address: once more than we ask.
thread_local uintptr_t t_judged = 0;

PyObject* function_call(PyObject* self, PyObject* args, PyObject* kwargs) {
  const uintptr_t address = address_of(self);
  if (__builtin_expect(!is_known(address), 0) && !is_helper(address) && !permitted_address("ctypes")) return nullptr;
#if PY_VERSION_HEX >= 0x030E0000
  t_judged = address;
  PyObject* result = g_call(self, args, kwargs);
  t_judged = 0;
  return result;
#else
  return g_call(self, args, kwargs);
#endif
}

}  // namespace

void install(PyObject* module) {
  Ref type_object(PyObject_GetAttrString(module, "CFuncPtr"));
  if (!type_object || !PyType_Check(type_object.get())) {
    PyErr_Clear();
    return;  // not executed yet: install() comes again
  }
  auto* type = reinterpret_cast<PyTypeObject*>(type_object.get());
  if (type->tp_call == function_call) return;
  install_functions(module);
  size_t next = 0;
  for (const char* helper :
       {"_memmove_addr", "_memset_addr", "_cast_addr", "_string_at_addr", "_wstring_at_addr", "_memoryview_at_addr"}) {
    Ref address(PyObject_GetAttrString(module, helper));
    if (address && PyLong_Check(address.get()))
      g_helpers[next++] = reinterpret_cast<uintptr_t>(PyLong_AsVoidPtr(address.get()));
    PyErr_Clear();
  }
  if (type->tp_new == nullptr || type->tp_call == nullptr) {
    trouble("hook_missing", "_ctypes.CFuncPtr is not callable here: calls by address are not guarded");
    return;
  }
  g_new = type->tp_new;
  g_call = type->tp_call;
  type->tp_new = function_new;
  type->tp_call = function_call;
  // Types made by `class` statements take the function from the wrapper descriptor, not from the slot.
  PyObject* descriptor = PyDict_GetItemString(type->tp_dict, "__call__");
  if (descriptor != nullptr && Py_TYPE(descriptor) == &PyWrapperDescr_Type)
    reinterpret_cast<PyWrapperDescrObject*>(descriptor)->d_wrapped = reinterpret_cast<void*>(function_call);
  PyType_Modified(type);
  // Derived before us (an import of ctypes came first): they hold copies of the slots.
  Ref subclasses(PyObject_CallMethod(type_object.get(), "__subclasses__", nullptr));
  for (Py_ssize_t i = 0; subclasses && PyList_Check(subclasses.get()) && i < PyList_GET_SIZE(subclasses.get()); ++i) {
    auto* derived = reinterpret_cast<PyTypeObject*>(PyList_GET_ITEM(subclasses.get(), i));
    if (derived->tp_new == g_new) derived->tp_new = function_new;
    if (derived->tp_call == g_call) derived->tp_call = function_call;
    PyType_Modified(derived);
  }
  PyErr_Clear();
}

bool permitted_import(PyObject* file) {
  return permitted_library(file, "import");
}

int on_dlopen(PyObject* args) {
  return PyTuple_GET_SIZE(args) < 1 || permitted_library(PyTuple_GET_ITEM(args, 0), "ctypes.CDLL") ? 0 : -1;
}

// import(module, file, ...): file is None but for extension modules.
int on_import(PyObject* args) {
  if (PyTuple_GET_SIZE(args) < 2 || PyTuple_GET_ITEM(args, 1) == Py_None) return 0;
  return permitted_import(PyTuple_GET_ITEM(args, 1)) ? 0 : -1;
}

// _ctypes.call_function(address, arguments), call_cdeclfunction: by address alone.
int on_call_function(PyObject* args) {
  if (PyTuple_GET_SIZE(args) < 1 || !PyLong_Check(PyTuple_GET_ITEM(args, 0))) return 0;
  const auto address = reinterpret_cast<uintptr_t>(PyLong_AsVoidPtr(PyTuple_GET_ITEM(args, 0)));
  if (PyErr_Occurred()) PyErr_Clear();
  if (address != 0 && address == t_judged) {
    t_judged = 0;
    return 0;
  }
  return is_helper(address) || permitted_address("_ctypes.call_function") ? 0 : -1;
}

}  // namespace ap::python::native
