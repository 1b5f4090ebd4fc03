// SPDX-License-Identifier: Apache-2.0
#include "handler.hpp"

#include <stddef.h>
#include <stdint.h>
#include <structmember.h>

#include <atomic>

#include "arguments.hpp"
#include "core.hpp"
#include "denial.hpp"

namespace ap::python::handler {
namespace {

std::atomic<int> g_running{0};
thread_local int t_depth = 0;  // a protected handler that calls another one is one invocation

struct Handler {
  PyObject_HEAD PyObject* function;  // what is protected
  PyObject* dictionary;              // attributes set on the handler itself
  PyObject* weak_references;
};

// Texts and numbers of the runtime's context object. Whatever goes wrong in it is not the function's trouble.
struct Context {
  Ref request_id, arn;
  Text request_id_text, arn_text;
  uint64_t deadline_unix_ms = 0;

  explicit Context(PyObject* context) {
    if (context == nullptr || context == Py_None) return;
    request_id = text(context, "aws_request_id", request_id_text);
    arn = text(context, "invoked_function_arn", arn_text);
    Ref deadline(PyObject_GetAttrString(context, "_epoch_deadline_time_in_ms"));
    if (deadline && PyLong_Check(deadline.get())) {
      const long long value = PyLong_AsLongLong(deadline.get());
      if (value > 0) deadline_unix_ms = static_cast<uint64_t>(value);
    }
    PyErr_Clear();
  }

  static Ref text(PyObject* context, const char* name, Text& out) {
    Ref value(PyObject_GetAttrString(context, name));
    if (!value || !PyUnicode_Check(value.get()) || !out.from_path(value.get())) {
      PyErr_Clear();
      return {};
    }
    return value;
  }
};

// From the first call to the return of the outermost one. True from end(): the policy ended the invocation (`unwound`:
// user code was left by our exception).
class Invocation {
 public:
  explicit Invocation(PyObject* context_object) {
    if (core::table == nullptr || t_depth++ > 0) return;
    outermost_ = true;
    g_running.fetch_add(1, std::memory_order_relaxed);
    const Context context(context_object);
    core::api().invocation_begin(context.request_id_text.str(), context.arn_text.str(), context.deadline_unix_ms);
  }
  bool end(bool unwound) {
    if (core::table == nullptr) return false;
    --t_depth;
    if (!outermost_) return false;
    g_running.fetch_sub(1, std::memory_order_relaxed);
    return core::api().invocation_end() != 0 || unwound;
  }

 private:
  bool outermost_ = false;
};

PyObject* call(PyObject* object, PyObject* args, PyObject* kwargs) {
  auto* self = reinterpret_cast<Handler*>(object);
  PyObject* context = PyTuple_GET_SIZE(args) > 1 ? PyTuple_GET_ITEM(args, 1)
                      : kwargs                   ? PyDict_GetItemString(kwargs, "context")
                                                 : nullptr;
  Invocation invocation(context);
  PyObject* result = PyObject_Call(self->function, args, kwargs);
  bool unwound = false;
  if (result == nullptr && core::table != nullptr) {
    PyObject* unwinds = nullptr;
    {
      ErrorAside pending;  // a type is not to be made while an exception is set: 3.7 loses it
      unwinds = denial::type(denial::Type::override_response);
    }
    unwound = unwinds != nullptr && PyErr_ExceptionMatches(unwinds);
  }
  bool blocked;
  {
    ErrorAside pending;
    blocked = invocation.end(unwound);
  }
  if (!blocked) return result;
  // User code may have swallowed what unwound it, or turned it into something else: the invocation ends as blocked all
  // the same.
  Py_XDECREF(result);
  PyErr_Clear();
  if (PyObject* type = denial::type(denial::Type::blocked))
    PyErr_SetString(type,
                    denial::last_blocked()[0] != 0 ? denial::last_blocked() : "invocation blocked by App Protect");
  return nullptr;
}

PyObject* get_attribute(PyObject* object, PyObject* name) {
  PyObject* own = PyObject_GenericGetAttr(object, name);
  if (own != nullptr || !PyErr_ExceptionMatches(PyExc_AttributeError)) return own;
  PyErr_Clear();
  return PyObject_GetAttr(reinterpret_cast<Handler*>(object)->function, name);
}

PyObject* bind(PyObject* object, PyObject* instance, PyObject*) {
  if (instance == nullptr || instance == Py_None) {
    Py_INCREF(object);
    return object;
  }
  return PyMethod_New(object, instance);
}

PyObject* show(PyObject* object) {
  return PyObject_Repr(reinterpret_cast<Handler*>(object)->function);
}

int traverse(PyObject* object, visitproc visit, void* arg) {
  auto* self = reinterpret_cast<Handler*>(object);
#if PY_VERSION_HEX >= 0x03090000
  Py_VISIT(Py_TYPE(object));
#endif
  Py_VISIT(self->function);
  Py_VISIT(self->dictionary);
  return 0;
}

int clear(PyObject* object) {
  auto* self = reinterpret_cast<Handler*>(object);
  Py_CLEAR(self->dictionary);
  return 0;
}

void deallocate(PyObject* object) {
  auto* self = reinterpret_cast<Handler*>(object);
  PyTypeObject* type = Py_TYPE(object);
  PyObject_GC_UnTrack(object);
  if (self->weak_references != nullptr) PyObject_ClearWeakRefs(object);
  Py_CLEAR(self->dictionary);
  Py_CLEAR(self->function);
  type->tp_free(object);
  Py_DECREF(type);
}

PyMemberDef g_members[] = {
    {"__wrapped__", T_OBJECT_EX, offsetof(Handler, function), READONLY, nullptr},
#if PY_VERSION_HEX >= 0x03090000
    {"__dictoffset__", T_PYSSIZET, offsetof(Handler, dictionary), READONLY, nullptr},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(Handler, weak_references), READONLY, nullptr},
#endif
    {nullptr, 0, 0, 0, nullptr},
};

// What describes the handler is what describes the function: `__name__`, `__doc__`, `__module__`, `__class__`.
PyObject* forward(PyObject* object, void* name) {
  return PyObject_GetAttrString(reinterpret_cast<Handler*>(object)->function, static_cast<const char*>(name));
}

char g_doc[] = "__doc__", g_module[] = "__module__", g_class[] = "__class__";
PyGetSetDef g_getters[] = {
    {g_doc, forward, nullptr, nullptr, g_doc},
    {g_module, forward, nullptr, nullptr, g_module},
    {g_class, forward, nullptr, nullptr, g_class},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

template <typename F>
void* slot(F function) {
  return reinterpret_cast<void*>(function);
}

PyType_Slot g_slots[] = {
    {Py_tp_call, slot(call)},
    {Py_tp_getattro, slot(get_attribute)},
    {Py_tp_setattro, slot(PyObject_GenericSetAttr)},
    {Py_tp_descr_get, slot(bind)},
    {Py_tp_repr, slot(show)},
    {Py_tp_traverse, slot(traverse)},
    {Py_tp_clear, slot(clear)},
    {Py_tp_dealloc, slot(deallocate)},
    {Py_tp_members, g_members},
    {Py_tp_getset, g_getters},
    {0, nullptr},
};
PyType_Spec g_spec = {"trend_app_protect.ProtectedHandler", sizeof(Handler), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
                      g_slots};

// The type of this interpreter, made when first needed and kept in the module.
Ref handler_type(PyObject* module) {
  Ref type(PyObject_GetAttrString(module, "ProtectedHandler"));
  if (type) return type;
  PyErr_Clear();
  type = Ref(PyType_FromSpec(&g_spec));
  if (!type) return type;
#if PY_VERSION_HEX < 0x03090000
  reinterpret_cast<PyTypeObject*>(type.get())->tp_dictoffset = offsetof(Handler, dictionary);
  reinterpret_cast<PyTypeObject*>(type.get())->tp_weaklistoffset = offsetof(Handler, weak_references);
#endif
#if PY_VERSION_HEX < 0x03090000
  // There the type's own __module__ took the place of ours.
  Ref getter(PyDescr_NewGetSet(reinterpret_cast<PyTypeObject*>(type.get()), &g_getters[1]));
  if (!getter || PyDict_SetItemString(reinterpret_cast<PyTypeObject*>(type.get())->tp_dict, g_module, getter.get()) < 0)
    return {};
  PyType_Modified(reinterpret_cast<PyTypeObject*>(type.get()));
#endif
  return PyObject_SetAttrString(module, "ProtectedHandler", type.get()) < 0 ? Ref() : std::move(type);
}

// protect(function) -> the protected function; what is protected already, or cannot be called, comes back as it is.
PyObject* protect(PyObject* module, PyObject* function) {
  Ref type = handler_type(module);
  if (!type) return nullptr;
  if (Py_TYPE(function) == reinterpret_cast<PyTypeObject*>(type.get()) || !PyCallable_Check(function)) {
    Py_INCREF(function);
    return function;
  }
  auto* made = PyObject_GC_New(Handler, reinterpret_cast<PyTypeObject*>(type.get()));
  if (made == nullptr) return nullptr;
#if PY_VERSION_HEX < 0x03080000
  Py_INCREF(type.get());
#endif
  Py_INCREF(function);
  made->function = function;
  made->dictionary = nullptr;
  made->weak_references = nullptr;
  PyObject_GC_Track(reinterpret_cast<PyObject*>(made));
  return reinterpret_cast<PyObject*>(made);
}

// What a runtime client's handler loader becomes: user code begins, the client's own loader runs, its result is
// protected. Native, so that an error it raises has the traceback it would have without us. `state` is (module, loader,
// failure or None).
PyObject* load_handler(PyObject* state, PyObject* args, PyObject* kwargs) {
  PyObject* failure = PyTuple_GET_ITEM(state, 2);
  if (failure != Py_None) {
    PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(failure)), failure);
    return nullptr;
  }
  if (core::table != nullptr) core::api().handler_loading();
  Ref function(PyObject_Call(PyTuple_GET_ITEM(state, 1), args, kwargs));
  return function ? protect(PyTuple_GET_ITEM(state, 0), function.get()) : nullptr;
}

PyMethodDef g_load_handler = {"_get_handler", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(load_handler)),
                              METH_VARARGS | METH_KEYWORDS, nullptr};

// protect_loader(loader, failure) -> the loader to use instead
PyObject* protect_loader(PyObject* module, PyObject* args) {
  PyObject *loader, *failure;
  if (!PyArg_ParseTuple(args, "OO", &loader, &failure)) return nullptr;
  Ref state(PyTuple_Pack(3, module, loader, failure));
  return state ? PyCFunction_New(&g_load_handler, state.get()) : nullptr;
}

PyMethodDef g_functions[] = {
    {"protect_loader", protect_loader, METH_VARARGS, "The runtime client's handler loader, with its result protected."},
    {"protect", protect, METH_O, "The function, with each call of it an invocation."},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

bool in_invocation() {
  return g_running.load(std::memory_order_relaxed) > 0;
}

int add_to(PyObject* module) {
  return PyModule_AddFunctions(module, g_functions);
}

}  // namespace ap::python::handler
