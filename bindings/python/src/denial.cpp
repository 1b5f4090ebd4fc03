// SPDX-License-Identifier: Apache-2.0
#include "denial.hpp"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "handler.hpp"

namespace ap::python::denial {
namespace {

struct Spec {
  const char* name;
  const char* doc;
};
constexpr Spec kSpecs[] = {
    {"trend_app_protect.exceptions.TrendAppProtectDenied",
     "An operation that the policy denies. `rule` names the rule."},
    {"trend_app_protect.exceptions.TrendAppProtectOverrideResponse",
     "Unwinds user code when the policy ends an invocation."},
    {"trend_app_protect.exceptions.TrendAppProtectBlocked", "The invocation was ended by the policy."},
    {"trend_app_protect.exceptions.AgentError", "App Protect could not do what it was asked to do."},
};

PyObject* make(Type which) {
  PyObject* bases[] = {PyExc_PermissionError, PyExc_BaseException, PyExc_Exception, PyExc_RuntimeError};
  const auto index = static_cast<size_t>(which);
  Ref dict(PyDict_New());
  if (!dict) return nullptr;
  if (which == Type::denied)
    for (const char* name : {"rule", "host", "port", "command"})
      if (PyDict_SetItemString(dict.get(), name, Py_None) < 0) return nullptr;
  return PyErr_NewExceptionWithDoc(kSpecs[index].name, kSpecs[index].doc, bases[index], dict.get());
}

char g_last_blocked[512];

// "10.0.0.1", "api.example", "[::1]", "/run/x.sock"
void append_peer(const ap_operation& op, char* out, size_t size) {
  char address[INET6_ADDRSTRLEN] = "";
  if (op.family != 0) inet_ntop(op.family == 6 ? AF_INET6 : AF_INET, op.address, address, sizeof address);
  const auto name = view(op.text);
  if (!name.empty())
    snprintf(out, size, "%.*s", static_cast<int>(name.size() > 200 ? 200 : name.size()), name.data());
  else
    snprintf(out, size, "%s", address);
}

// What was denied, in plain words.
void describe(const ap_operation& op, char* out, size_t size) {
  char peer[220];
  switch (op.kind) {
    case AP_RESOLVE:
      append_peer(op, peer, sizeof peer);
      snprintf(out, size, "the look-up of %s", peer);
      return;
    case AP_CONNECT:
      append_peer(op, peer, sizeof peer);
      if (op.protocol == AP_PROTO_UNIX || op.port == 0)
        snprintf(out, size, "the connection to %s", peer);
      else
        snprintf(out, size, "the connection to %s port %u", peer, op.port);
      return;
    case AP_SPAWN: {
      const auto program = view(op.text);
      snprintf(out, size, "starting the program %.*s", static_cast<int>(program.size() > 200 ? 200 : program.size()),
               program.data());
      return;
    }
    case AP_FORK:
      snprintf(out, size, "starting a child process");
      return;
    case AP_LOAD:
      snprintf(out, size, "loading this native library");
      return;
    case AP_CALL_ADDRESS:
      snprintf(out, size, "calling native code by its address");
      return;
    case AP_EXEC_MEMORY:
      snprintf(out, size, "making memory executable");
      return;
    case AP_MEMFD:
      snprintf(out, size, "making a memory file");
      return;
    case AP_FILE_READ:
      snprintf(out, size, "reading this file");
      return;
    case AP_FILE_WRITE:
      snprintf(out, size, "writing this file");
      return;
    case AP_FILE_CREATE:
      snprintf(out, size, "creating this file");
      return;
    case AP_FILE_DELETE:
      snprintf(out, size, "deleting this file");
      return;
    case AP_FILE_RENAME:
      snprintf(out, size, "renaming this file");
      return;
    case AP_FILE_LINK:
    case AP_FILE_SYMLINK:
      snprintf(out, size, "linking this file");
      return;
    case AP_FILE_STAT:
      snprintf(out, size, "looking at this file");
      return;
    case AP_FILE_METADATA:
      snprintf(out, size, "changing this file's metadata");
      return;
    case AP_FILE_LIST:
      snprintf(out, size, "listing this directory");
      return;
    default:
      snprintf(out, size, "this operation");
      return;
  }
}

void set(PyObject* object, const char* name, PyObject* owned) {
  Ref value(owned);
  if (!value || PyObject_SetAttrString(object, name, value.get()) < 0) PyErr_Clear();
}

PyObject* decode(const ap_str& text) {
  return PyUnicode_DecodeUTF8(text.data, static_cast<Py_ssize_t>(text.size), "backslashreplace");
}

}  // namespace

PyObject* type(Type which) {
  static PyObject* main_types[4];
  const auto index = static_cast<size_t>(which);
  if (in_main_interpreter()) {
    if (main_types[index] == nullptr) main_types[index] = make(which);
    return main_types[index];
  }
#if PY_VERSION_HEX >= 0x03090000
  PyObject* state = PyInterpreterState_GetDict(PyInterpreterState_Get());  // C's own: no Python code can reach it
  if (state == nullptr) return PyExc_PermissionError;
  PyObject* made = PyDict_GetItemString(state, kSpecs[index].name);
  if (made != nullptr) return made;
  Ref fresh(make(which));
  if (!fresh || PyDict_SetItemString(state, kSpecs[index].name, fresh.get()) < 0) return nullptr;
  return fresh.get();
#else
  if (main_types[index] == nullptr) main_types[index] = make(which);  // one GIL: interpreters may share the type
  return main_types[index];
#endif
}

const char* last_blocked() {
  return g_last_blocked;
}

void raise(const ap_operation& op, const ap_verdict& verdict, const Target& target) {
  char what[260];
  describe(op, what, sizeof what);
  const auto rule = view(core::api().rule_text(&verdict));
  char message[480];
  snprintf(message, sizeof message,
           "App Protect denied %s (rule %.*s of the policy); allow it there if the function needs it", what,
           static_cast<int>(rule.size()), rule.data());

  if (verdict.on_deny == AP_ON_DENY_BLOCK && handler::in_invocation()) {
    snprintf(g_last_blocked, sizeof g_last_blocked,
             "invocation blocked: App Protect denied %s (rule %.*s of the policy)", what, static_cast<int>(rule.size()),
             rule.data());
    if (PyObject* override_response = type(Type::override_response)) {
      Ref text(PyUnicode_DecodeUTF8(message, static_cast<Py_ssize_t>(strlen(message)), "replace"));
      if (text) PyErr_SetObject(override_response, text.get());
    }
    return;
  }

  PyObject* denied = type(Type::denied);
  if (denied == nullptr) {
    PyErr_Clear();
    denied = PyExc_PermissionError;
  }
  Ref text(PyUnicode_DecodeUTF8(message, static_cast<Py_ssize_t>(strlen(message)), "replace"));
  if (!text) return;
  const bool has_path = op.resource == AP_FILES || op.kind == AP_LOAD;
  Ref filename;
  if (target.filename != nullptr)
    filename = Ref::borrow(target.filename);
  else if (has_path && op.text.data != nullptr)
    filename = Ref(PyUnicode_DecodeFSDefaultAndSize(op.text.data, static_cast<Py_ssize_t>(op.text.size)));
  PyErr_Clear();
  Ref error(filename ? target.filename2 != nullptr
                           ? PyObject_CallFunction(denied, "iOOOO", EPERM, text.get(), filename.get(), Py_None,
                                                   target.filename2)
                           : PyObject_CallFunction(denied, "iOO", EPERM, text.get(), filename.get())
                     : PyObject_CallFunction(denied, "iO", EPERM, text.get()));
  if (!error) return;
  if (denied != PyExc_PermissionError) {
    set(error.get(), "rule", decode({rule.data(), static_cast<uint32_t>(rule.size())}));
    if (op.resource == AP_OUTBOUND) {
      char peer[220];
      append_peer(op, peer, sizeof peer);
      set(error.get(), "host", decode({peer, static_cast<uint32_t>(strlen(peer))}));
      if (op.port != 0) set(error.get(), "port", PyLong_FromLong(op.port));
    } else if (op.resource == AP_PROCESSES && op.text.data != nullptr) {
      set(error.get(), "command", decode(op.text));
    }
  }
  PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(error.get())), error.get());
}

}  // namespace ap::python::denial
