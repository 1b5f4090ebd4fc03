// SPDX-License-Identifier: Apache-2.0
#include "evaluate.hpp"

#include <arpa/inet.h>
#include <string.h>

#include "core.hpp"
#include "denial.hpp"

namespace ap::python::evaluate {
namespace {

constexpr size_t kDiagnostics = 1 << 16;

// Text of a str or bytes value; absent for None.
bool text_of(PyObject* object, ap_str& out) {
  if (object == nullptr || object == Py_None) return true;
  if (PyBytes_Check(object)) {
    out = {PyBytes_AS_STRING(object), static_cast<uint32_t>(PyBytes_GET_SIZE(object))};
    return true;
  }
  Py_ssize_t size = 0;
  const char* data = PyUnicode_AsUTF8AndSize(object, &size);
  out = {data, static_cast<uint32_t>(size)};
  return data != nullptr;
}

bool number_of(PyObject* operation, const char* key, long& out) {
  PyObject* value = PyDict_GetItemString(operation, key);
  if (value == nullptr || value == Py_None) return true;
  out = PyLong_AsLong(value);
  return !(out == -1 && PyErr_Occurred());
}

// An ap_policy that closes itself.
struct Policy {
  ap_policy* handle = nullptr;
  ~Policy() {
    if (handle != nullptr) core::api().policy_close(handle);
  }
};

bool loaded() {
  if (core::table != nullptr) return true;
  PyErr_SetString(denial::type(denial::Type::agent_error), "load the library first: _native.load(path)");
  return false;
}

bool open(Policy& policy, PyObject* text, PyObject* surroundings, char* diagnostics) {
  ap_str policy_text{}, surroundings_text{};
  if (!loaded() || !text_of(text, policy_text) || !text_of(surroundings, surroundings_text)) return false;
  policy.handle = core::api().policy_open(policy_text, surroundings_text, diagnostics, kDiagnostics);
  return true;
}

bool address_of(const char* text, uint8_t* address, uint8_t& family) {
  family = strchr(text, ':') != nullptr ? 6 : 4;
  if (inet_pton(family == 6 ? AF_INET6 : AF_INET, text, address) == 1) return true;
  PyErr_Format(PyExc_ValueError, "not an address: `%s`", text);
  return false;
}

// check_policy(policy, surroundings=None) -> (valid, diagnostics, summary)
PyObject* check_policy(PyObject*, PyObject* args) {
  PyObject *text, *surroundings = Py_None;
  if (!PyArg_ParseTuple(args, "O|O", &text, &surroundings)) return nullptr;
  Ref buffer(PyBytes_FromStringAndSize(nullptr, kDiagnostics));
  if (!buffer) return nullptr;
  char* diagnostics = PyBytes_AS_STRING(buffer.get());
  diagnostics[0] = 0;
  Policy policy;
  if (!open(policy, text, surroundings, diagnostics)) return nullptr;
  char summary[2048] = "";
  if (policy.handle != nullptr) core::api().policy_summary(policy.handle, summary, sizeof summary);
  return Py_BuildValue("(Oss)", policy.handle ? Py_True : Py_False, diagnostics, summary);
}

// evaluate(policy, surroundings, operation, answers=()) -> {"action", "rule", "policy", "class", "on_deny"}, all but
// rule as numbers
PyObject* evaluate(PyObject*, PyObject* args) {
  PyObject *text, *surroundings, *operation, *answers = nullptr;
  if (!PyArg_ParseTuple(args, "OOO!|O!", &text, &surroundings, &PyDict_Type, &operation, &PyTuple_Type, &answers))
    return nullptr;
  Ref buffer(PyBytes_FromStringAndSize(nullptr, kDiagnostics));
  if (!buffer) return nullptr;
  char* diagnostics = PyBytes_AS_STRING(buffer.get());
  diagnostics[0] = 0;
  Policy policy;
  if (!open(policy, text, surroundings, diagnostics)) return nullptr;
  if (policy.handle == nullptr) {
    PyErr_Format(PyExc_ValueError, "the policy is not valid: %s", diagnostics);
    return nullptr;
  }
  for (Py_ssize_t i = 0; answers != nullptr && i < PyTuple_GET_SIZE(answers); ++i) {
    const char *host, *shown;
    Py_ssize_t size;
    uint8_t address[16] = {}, family;
    if (!PyArg_ParseTuple(PyTuple_GET_ITEM(answers, i), "s#s", &host, &size, &shown) ||
        !address_of(shown, address, family))
      return nullptr;
    core::api().policy_note_answer(policy.handle, {host, static_cast<uint32_t>(size)}, address, family);
  }

  ap_operation op{};
  long resource = 0, kind = 0, protocol = 0, line = 1, flags = 0, port = 0;
  if (!number_of(operation, "resource", resource) || !number_of(operation, "kind", kind) ||
      !number_of(operation, "protocol", protocol) || !number_of(operation, "line", line) ||
      !number_of(operation, "flags", flags) || !number_of(operation, "port", port))
    return nullptr;
  op.resource = static_cast<uint8_t>(resource);
  op.kind = static_cast<uint8_t>(kind);
  op.protocol = static_cast<uint8_t>(protocol);
  op.line = static_cast<uint8_t>(line);
  op.flags = static_cast<uint32_t>(flags);
  op.port = static_cast<uint16_t>(port);
  if (!text_of(PyDict_GetItemString(operation, "text"), op.text) ||
      !text_of(PyDict_GetItemString(operation, "text2"), op.text2) ||
      !text_of(PyDict_GetItemString(operation, "cwd"), op.cwd) ||
      !text_of(PyDict_GetItemString(operation, "query_type"), op.query_type))
    return nullptr;
  PyObject* shown = PyDict_GetItemString(operation, "address");
  if (shown != nullptr && shown != Py_None) {
    const char* address = PyUnicode_AsUTF8(shown);
    if (address == nullptr || !address_of(address, op.address, op.family)) return nullptr;
  }
  ap_str argv[64];
  PyObject* words = PyDict_GetItemString(operation, "argv");
  Ref list(words != nullptr && words != Py_None ? PySequence_Tuple(words) : PyTuple_New(0));
  if (!list) return nullptr;
  const Py_ssize_t count = PyTuple_GET_SIZE(list.get());
  if (count > 64) return PyErr_Format(PyExc_ValueError, "argv: at most 64 words");
  for (Py_ssize_t i = 0; i < count; ++i) {
    argv[i] = {};
    if (!text_of(PyTuple_GET_ITEM(list.get(), i), argv[i])) return nullptr;
  }
  if (words != nullptr && words != Py_None) {
    op.argv = argv;
    op.argc = static_cast<uint32_t>(count);
  }

  ap_verdict verdict{};
  core::api().policy_check(policy.handle, &op, &verdict);
  const ap_str rule = core::api().policy_rule_text(policy.handle, &verdict);
  return Py_BuildValue("{s:i,s:s#,s:i,s:i,s:i}", "action", verdict.action, "rule", rule.data ? rule.data : "",
                       static_cast<Py_ssize_t>(rule.data ? rule.size : 0), "policy", verdict.policy, "class",
                       verdict.cls, "on_deny", verdict.on_deny);
}

PyMethodDef g_functions[] = {
    {"check_policy", check_policy, METH_VARARGS,
     "check_policy(policy, surroundings=None) -> (valid, diagnostics, summary)"},
    {"evaluate", evaluate, METH_VARARGS, "evaluate(policy, surroundings, operation, answers=()) -> dict"},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

int add_to(PyObject* module) {
  return PyModule_AddFunctions(module, g_functions);
}

}  // namespace ap::python::evaluate
