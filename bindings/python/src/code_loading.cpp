// SPDX-License-Identifier: Apache-2.0
#include "code_loading.hpp"

#include "python.hpp"

namespace ap::python::code_loading {
namespace {

enum Id {
  path_stat,
  find_spec,
  fill_cache,
  path_stats,
  get_data,
  get_code,
  write_atomic,
  set_data,
  cache_bytecode,
  path_hook,
  helper,
  zip_read
};

struct Genuine {
  Id id;
  const char *module, *type, *function;  // type nullptr: a function of the module
  PyCodeObject* code;                    // kept alive for the life of the process
};

Genuine g_genuine[] = {
    {path_stat, "_frozen_importlib_external", nullptr, "_path_stat", nullptr},
    {helper, "_frozen_importlib_external", nullptr, "_path_is_mode_type", nullptr},
    {helper, "_frozen_importlib_external", nullptr, "_path_isfile", nullptr},
    {helper, "_frozen_importlib_external", nullptr, "_path_isdir", nullptr},
    {helper, "_frozen_importlib_external", nullptr, "_calc_mode", nullptr},
    {helper, "_frozen_importlib_external", "PathFinder", "_path_hooks", nullptr},
    {helper, "_frozen_importlib_external", "PathFinder", "_path_importer_cache", nullptr},
    {find_spec, "_frozen_importlib_external", "FileFinder", "find_spec", nullptr},
    {find_spec, "_frozen_importlib_external", "PathFinder", "_get_spec", nullptr},
    {fill_cache, "_frozen_importlib_external", "FileFinder", "_fill_cache", nullptr},
    {path_hook, nullptr, nullptr, "path_hook_for_FileFinder",
     nullptr},  // a closure: a constant of FileFinder.path_hook
    {path_stats, "_frozen_importlib_external", "SourceFileLoader", "path_stats", nullptr},
    {get_data, "_frozen_importlib_external", "FileLoader", "get_data", nullptr},
    {get_code, "_frozen_importlib_external", "SourceLoader", "get_code", nullptr},
    {get_code, "_frozen_importlib_external", "SourcelessFileLoader", "get_code", nullptr},
    {write_atomic, "_frozen_importlib_external", nullptr, "_write_atomic", nullptr},
    {set_data, "_frozen_importlib_external", "SourceFileLoader", "set_data", nullptr},
    {cache_bytecode, "_frozen_importlib_external", "SourceFileLoader", "_cache_bytecode", nullptr},
    {zip_read, "zipimport", nullptr, "_read_directory", nullptr},
    {zip_read, "zipimport", nullptr, "_get_data", nullptr},
    {helper, "zipimport", "zipimporter", "__init__", nullptr},
};

PyCodeObject* code_of(PyObject* object) {  // new reference or nullptr
  PyObject* function = object;
  Ref inner;
  if (PyObject_TypeCheck(object, &PyClassMethod_Type) || PyObject_TypeCheck(object, &PyStaticMethod_Type)) {
    inner = Ref(PyObject_GetAttrString(object, "__func__"));
    function = inner.get();
  }
  if (function == nullptr || !PyFunction_Check(function)) return nullptr;
  PyObject* code = PyFunction_GET_CODE(function);
  Py_INCREF(code);
  return reinterpret_cast<PyCodeObject*>(code);
}

bool named(PyCodeObject* code, const Genuine& genuine) {
  return PyUnicode_CompareWithASCIIString(code->co_name, genuine.function) == 0 &&
         (PyUnicode_CompareWithASCIIString(code->co_filename, "<frozen importlib._bootstrap_external>") == 0 ||
          PyUnicode_CompareWithASCIIString(code->co_filename, "<frozen zipimport>") == 0);
}

// Id of the code, or -1 for code that is not importlib's.
int id_of(PyCodeObject* code, bool by_pointer) {
  for (const Genuine& genuine : g_genuine)
    if (by_pointer ? code == genuine.code : named(code, genuine)) return genuine.id;
  return -1;
}

// The ids of the innermost frames, up to the first that is not importlib's.
struct Chain {
  static constexpr int kMost = 8;
  int ids[kMost];
  int size = 0;
  Chain() {
    const bool by_pointer = in_main_interpreter();
    for_each_frame([&](PyCodeObject* code, PyFrameObject*) {
      const int id = id_of(code, by_pointer);
      if (id < 0) return false;
      ids[size++] = id;
      return size < kMost;
    });
  }
  bool begins(int id) const { return size > 0 && ids[0] == id; }
  bool has(int id) const {
    for (int i = 0; i < size; ++i)
      if (ids[i] == id) return true;
    return false;
  }
};

}  // namespace

bool remember() {
  bool complete = true;  // but for the helpers
  PyObject* modules = PyImport_GetModuleDict();
  for (Genuine& genuine : g_genuine) {
    if (genuine.code != nullptr || genuine.module == nullptr) continue;
    PyObject* module = PyDict_GetItemString(modules, genuine.module);
    if (module == nullptr) continue;  // zipimport where it is not loaded: archives are then data
    Ref owner = Ref::borrow(module);
    if (genuine.type != nullptr) {
      Ref type(PyObject_GetAttrString(module, genuine.type));
      if (!type || !PyType_Check(type.get())) {
        PyErr_Clear();
        complete = false;
        continue;
      }
      // From the type's own dictionary: a class method stays what it is.
      Ref dict(PyObject_GetAttrString(type.get(), "__dict__"));
      PyObject* found = dict ? PyMapping_GetItemString(dict.get(), genuine.function) : nullptr;
      Ref function(found);
      if (function) genuine.code = code_of(function.get());
    } else {
      Ref function(PyObject_GetAttrString(module, genuine.function));
      if (function) genuine.code = code_of(function.get());
    }
    PyErr_Clear();
    // Helpers and zipimport differ between versions; without them a look is judged, never let through.
    if (genuine.code == nullptr && genuine.id != helper && genuine.id != zip_read) complete = false;
  }
  PyObject* external = PyDict_GetItemString(modules, "_frozen_importlib_external");
  Ref finder(external ? PyObject_GetAttrString(external, "FileFinder") : nullptr);
  Ref hook(finder ? PyObject_GetAttrString(finder.get(), "path_hook") : nullptr);
  Ref function(hook ? PyObject_GetAttrString(hook.get(), "__func__") : nullptr);
  if (function && PyFunction_Check(function.get())) {
    auto* code = reinterpret_cast<PyCodeObject*>(PyFunction_GET_CODE(function.get()));
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(code->co_consts); ++i) {
      PyObject* constant = PyTuple_GET_ITEM(code->co_consts, i);
      if (!PyCode_Check(constant)) continue;
      for (Genuine& genuine : g_genuine) {
        if (genuine.id != path_hook) continue;
        Py_INCREF(constant);
        genuine.code = reinterpret_cast<PyCodeObject*>(constant);
      }
    }
  }
  PyErr_Clear();
  return complete;
}

bool has_code_suffix(std::string_view path) {
  for (std::string_view suffix : {".py", ".pyc", ".so", ".zip", ".whl", ".egg", ".pyz"})
    if (path.size() > suffix.size() && path.ends_with(suffix)) return true;
  return false;
}

bool is_reading(std::string_view path) {
  if (!has_code_suffix(path)) return false;
  // No Python frame at all: the interpreter itself shows the source lines of an uncaught exception.
  if (PyEval_GetFrame() == nullptr) return true;
  const Chain chain;
  return (chain.size >= 2 && chain.ids[0] == get_data && chain.ids[1] == get_code) || chain.begins(zip_read);
}

bool is_searching(int kind) {
  const Chain chain;
  if (kind == AP_FILE_LIST) return chain.begins(fill_cache) && chain.has(find_spec);
  return chain.begins(path_stat) && (chain.has(find_spec) || chain.has(get_code) || chain.has(path_hook));
}

bool is_writing_bytecode() {
  const Chain chain;
  return (chain.begins(write_atomic) || chain.begins(set_data) || chain.begins(path_stat) || chain.begins(helper)) &&
         chain.has(set_data) && chain.has(get_code);
}

}  // namespace ap::python::code_loading
