// SPDX-License-Identifier: Apache-2.0
#include "hooks/network.hpp"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <string.h>
#include <structmember.h>
#include <sys/socket.h>

#include "arguments.hpp"
#include "hooks/method.hpp"
#include "judge.hpp"

namespace ap::python::network {
namespace {

// --- what a socket object is
// ---------------------------------------------------------------------------------------------------- Its family and
// type are plain ints in the object; the type's member table says where.
struct Offsets {
  Py_ssize_t family = 0, type = 0;
} g_offsets;

int member(PyObject* socket, Py_ssize_t offset) {
  int value;
  memcpy(&value, reinterpret_cast<char*>(socket) + offset, sizeof value);
  return value;
}

uint8_t protocol_of(PyObject* socket) {
  switch (member(socket, g_offsets.type) & 0xf) {
    case SOCK_STREAM:
      return AP_PROTO_TCP;
    case SOCK_DGRAM:
      return AP_PROTO_UDP;
    default:
      return AP_PROTO_NONE;
  }
}

// --- addresses
// ------------------------------------------------------------------------------------------------------------------

// An address literal in any spelling that needs no look-up, as getaddrinfo takes it ("127.1", "0x7f000001", "::1%lo").
bool literal(std::string_view host, ap_operation& op) {
  char text[64];
  if (host.empty() || host.size() >= sizeof text) return false;
  memcpy(text, host.data(), host.size());
  text[host.size()] = 0;
  if (memchr(text, ':', host.size()) != nullptr) {
    if (char* scope = strchr(text, '%')) *scope = 0;
    if (inet_pton(AF_INET6, text, op.address) != 1) return false;
    op.family = 6;
    return true;
  }
  if (text[0] < '0' || text[0] > '9') return false;
  if (strspn(text, "0123456789abcdefABCDEFxX.") != host.size()) return false;
  in_addr address;
  if (inet_aton(text, &address) == 0) return false;
  memcpy(op.address, &address, 4);
  op.family = 4;
  return true;
}

// The tuple with one item replaced.
Ref with_item(PyObject* tuple, Py_ssize_t index, PyObject* object) {
  const Py_ssize_t size = PyTuple_GET_SIZE(tuple);
  Ref fresh(PyTuple_New(size));
  for (Py_ssize_t i = 0; fresh && i < size; ++i) {
    PyObject* item = i == index ? object : PyTuple_GET_ITEM(tuple, i);
    Py_INCREF(item);
    PyTuple_SET_ITEM(fresh.get(), i, item);
  }
  return fresh;
}

// A peer as Python code gives it: (host, port[, flow, scope]), or the path of a unix socket.
class Peer {
 public:
  enum Kind { judged, foreign, raised };  // foreign: a family or a form that the call refuses or line 2 judges

  Kind read(PyObject* socket, PyObject* address, ap_operation& op) {
    given_ = address;
    const int family = member(socket, g_offsets.family);
    op.protocol = protocol_of(socket);
    if (family == AF_UNIX) {
      op.protocol = AP_PROTO_UNIX;
      if (!text_.from_path(address)) return foreign;
      op.text = text_.str();
      return judged;
    }
    if ((family != AF_INET && family != AF_INET6) || !PyTuple_Check(address)) return foreign;
    if (PyTuple_GET_SIZE(address) < 2) return foreign;
    PyObject *host = PyTuple_GET_ITEM(address, 0), *port = PyTuple_GET_ITEM(address, 1);
    if (PyByteArray_Check(host)) {  // could change under us
      copy_ = Ref(PyBytes_FromObject(host));
      if (!copy_) return raised;
      if (!substitute(0, copy_.get())) return raised;
      host = copy_.get();
    }
    if (!text_.from_host(host)) return foreign;
    if (!PyLong_Check(port)) {
      Ref number(PyNumber_Index(port));
      if (!number) {
        PyErr_Clear();
        return foreign;
      }
      if (!substitute(1, number.get())) return raised;
      port = PyTuple_GET_ITEM(given_, 1);
    }
    const long value = PyLong_AsLong(port);
    if (value == -1 && PyErr_Occurred()) PyErr_Clear();
    if (value < 0 || value > 0xffff) return foreign;
    op.port = static_cast<uint16_t>(value);

    const auto name = text_.view();
    if (name.empty()) {  // any address: the loopback, for a connect
      op.family = family == AF_INET6 ? 6 : 4;
    } else if (name == "<broadcast>") {
      op.family = 4;
      memset(op.address, 0xff, 4);
    } else if (!literal(name, op)) {
      op.text = text_.str();
      is_name_ = true;
    }
    return judged;
  }

  PyObject* to_pass() const { return given_; }  // borrowed: what was judged
  bool is_name() const { return is_name_; }

 private:
  bool substitute(Py_ssize_t index, PyObject* object) {
    substituted_ = with_item(given_, index, object);
    given_ = substituted_.get();
    return given_ != nullptr;
  }

  Text text_;
  Ref copy_, substituted_;
  PyObject* given_ = nullptr;
  bool is_name_ = false;
};

PyCFunction g_connect, g_connect_ex, g_bind, g_sendto, g_sendmsg;
PyCFunction g_getaddrinfo, g_gethostbyname, g_gethostbyname_ex, g_gethostbyaddr, g_getnameinfo;

// 1: go on with `passed`; 0: hand the arguments over untouched; -1: the exception is set.
int judge_connect(PyObject* self, PyObject* address, const char* api, Peer& peer) {
  Question question(AP_OUTBOUND, AP_CONNECT);
  switch (peer.read(self, address, question)) {
    case Peer::foreign:
      return 0;
    case Peer::raised:
      return -1;
    case Peer::judged:
      break;
  }
  return permitted(question, api) ? 1 : -1;
}

PyObject* connect(PyObject* self, PyObject* address) {
  Peer peer;
  const int answer = judge_connect(self, address, "socket.connect", peer);
  if (answer < 0) return nullptr;
  return g_connect(self, answer ? peer.to_pass() : address);
}

// connect_ex answers with an error number where connect raises.
PyObject* connect_ex(PyObject* self, PyObject* address) {
  Peer peer;
  const int answer = judge_connect(self, address, "socket.connect_ex", peer);
  if (answer < 0) {
    if (!PyErr_ExceptionMatches(PyExc_OSError)) return nullptr;
    PyErr_Clear();
    return PyLong_FromLong(EPERM);
  }
  return g_connect_ex(self, answer ? peer.to_pass() : address);
}

// A unix socket's bind makes a file; a name in an inet bind is looked up.
PyObject* bind(PyObject* self, PyObject* address) {
  Peer peer;
  Question where(AP_OUTBOUND, AP_CONNECT);
  switch (peer.read(self, address, where)) {
    case Peer::foreign:
      return g_bind(self, address);
    case Peer::raised:
      return nullptr;
    case Peer::judged:
      break;
  }
  if (where.protocol == AP_PROTO_UNIX) {
    if (where.text.size != 0 && where.text.data[0] != 0) {
      Question question(AP_FILES, AP_FILE_CREATE);
      question.text = where.text;
      if (!permitted(question, "socket.bind")) return nullptr;
    }
  } else if (peer.is_name()) {
    Question question(AP_OUTBOUND, AP_RESOLVE);
    question.protocol = AP_PROTO_DNS;
    question.text = where.text;
    if (!permitted(question, "socket.bind")) return nullptr;
  }
  return g_bind(self, peer.to_pass());
}

// The address is the last of `args`; a new tuple when what was judged is not what was given.
PyObject* send(PyObject* self, PyObject* args, Py_ssize_t at, const char* api, PyCFunction original) {
  PyObject* address = PyTuple_GET_ITEM(args, at);
  if (address == Py_None) return original(self, args);
  Peer peer;
  const int answer = judge_connect(self, address, api, peer);
  if (answer < 0) return nullptr;
  if (answer == 0 || peer.to_pass() == address) return original(self, args);
  Ref passed = with_item(args, at, peer.to_pass());
  if (!passed) return nullptr;
  return original(self, passed.get());
}

PyObject* sendto(PyObject* self, PyObject* args) {
  const Py_ssize_t size = PyTuple_GET_SIZE(args);
  if (size != 2 && size != 3) return g_sendto(self, args);
  return send(self, args, size - 1, "socket.sendto", g_sendto);
}

PyObject* sendmsg(PyObject* self, PyObject* args) {
  if (PyTuple_GET_SIZE(args) != 4) return g_sendmsg(self, args);
  return send(self, args, 3, "socket.sendmsg", g_sendmsg);
}

// --- look-ups
// -------------------------------------------------------------------------------------------------------------------

// Judges the look-up of a host. True: go on. `reverse`: an address is looked up too.
bool permitted_look_up(PyObject* host, const char* api, bool reverse) {
  Text text;
  if (host == nullptr || host == Py_None) return true;
  Ref copy;
  if (PyByteArray_Check(host)) {
    copy = Ref(PyBytes_FromObject(host));
    host = copy.get();
    if (host == nullptr) return false;
  }
  if (!text.from_host(host)) return true;  // the call refuses it
  if (text.view().empty()) return true;
  Question question(AP_OUTBOUND, AP_RESOLVE);
  question.protocol = AP_PROTO_DNS;
  question.text = text.str();
  ap_operation numeric{};
  if (literal(text.view(), numeric) && !reverse) return true;  // nothing is asked
  return permitted(question, api);
}

PyObject* argument(PyObject* args, PyObject* kwargs, Py_ssize_t position, const char* keyword) {
  if (PyTuple_GET_SIZE(args) > position) return PyTuple_GET_ITEM(args, position);
  return kwargs != nullptr ? PyDict_GetItemString(kwargs, keyword) : nullptr;
}

// Tells the core which addresses answered for the name, as line 2 does where it watches getaddrinfo itself.
void note(PyObject* host, PyObject* answers) {
  Text text;
  ap_operation numeric{};
  if (host == nullptr || host == Py_None || !text.from_host(host) || !PyList_Check(answers)) return;
  if (literal(text.view(), numeric)) return;  // nothing was asked
  constexpr Py_ssize_t kMost = 32;
  uint8_t addresses[kMost][16] = {};
  uint8_t families[kMost];
  uint32_t count = 0;
  for (Py_ssize_t i = 0; i < PyList_GET_SIZE(answers) && count < kMost; ++i) {
    PyObject* entry = PyList_GET_ITEM(answers, i);
    if (!PyTuple_Check(entry) || PyTuple_GET_SIZE(entry) != 5) continue;
    PyObject* address = PyTuple_GET_ITEM(entry, 4);
    if (!PyTuple_Check(address) || PyTuple_GET_SIZE(address) < 2) continue;
    Text shown;
    ap_operation op{};
    if (!PyUnicode_Check(PyTuple_GET_ITEM(address, 0)) || !shown.from_host(PyTuple_GET_ITEM(address, 0))) continue;
    if (!literal(shown.view(), op)) continue;
    if (count > 0 && families[count - 1] == op.family && memcmp(addresses[count - 1], op.address, 16) == 0) continue;
    memcpy(addresses[count], op.address, 16);
    families[count++] = op.family;
  }
  if (count > 0) core::api().note_answer(text.str(), addresses, families, count);
}

PyObject* getaddrinfo(PyObject* self, PyObject* args, PyObject* kwargs) {
  PyObject* host = argument(args, kwargs, 0, "host");
  if (!permitted_look_up(host, "socket.getaddrinfo", false)) return nullptr;
  PyObject* answers = cast_back<WithKeywords>(g_getaddrinfo)(self, args, kwargs);
  if (answers != nullptr) note(host, answers);
  return answers;
}

PyObject* gethostbyname(PyObject* self, PyObject* args) {
  if (!permitted_look_up(argument(args, nullptr, 0, nullptr), "socket.gethostbyname", false)) return nullptr;
  return g_gethostbyname(self, args);
}

PyObject* gethostbyname_ex(PyObject* self, PyObject* args) {
  if (!permitted_look_up(argument(args, nullptr, 0, nullptr), "socket.gethostbyname_ex", false)) return nullptr;
  return g_gethostbyname_ex(self, args);
}

PyObject* gethostbyaddr(PyObject* self, PyObject* args) {
  if (!permitted_look_up(argument(args, nullptr, 0, nullptr), "socket.gethostbyaddr", true)) return nullptr;
  return g_gethostbyaddr(self, args);
}

PyObject* getnameinfo(PyObject* self, PyObject* args) {
  PyObject *address = argument(args, nullptr, 0, nullptr), *flags = argument(args, nullptr, 1, nullptr);
  long value = flags != nullptr && PyLong_Check(flags) ? PyLong_AsLong(flags) : 0;
  if (value == -1 && PyErr_Occurred()) PyErr_Clear();
  if (address != nullptr && PyTuple_Check(address) && PyTuple_GET_SIZE(address) > 0 && (value & NI_NUMERICHOST) == 0 &&
      !permitted_look_up(PyTuple_GET_ITEM(address, 0), "socket.getnameinfo", true))
    return nullptr;
  return g_getnameinfo(self, args);
}

bool find_offsets(PyTypeObject* type) {
  for (PyMemberDef* m = type->tp_members; m != nullptr && m->name != nullptr; ++m) {
    if (m->type != T_INT) continue;
    if (strcmp(m->name, "family") == 0) g_offsets.family = m->offset;
    if (strcmp(m->name, "type") == 0) g_offsets.type = m->offset;
  }
  return g_offsets.family > 0 && g_offsets.type > 0;
}

}  // namespace

void install(PyObject* module) {
  static const Method functions[] = {
      {"getaddrinfo", METH_VARARGS | METH_KEYWORDS, cast(getaddrinfo), &g_getaddrinfo},
      {"gethostbyname", METH_VARARGS, gethostbyname, &g_gethostbyname},
      {"gethostbyname_ex", METH_VARARGS, gethostbyname_ex, &g_gethostbyname_ex},
      {"gethostbyaddr", METH_VARARGS, gethostbyaddr, &g_gethostbyaddr},
      {"getnameinfo", METH_VARARGS, getnameinfo, &g_getnameinfo},
  };
  static const Method methods[] = {
      {"connect", METH_O, connect, &g_connect},
      {"connect_ex", METH_O, connect_ex, &g_connect_ex},
      {"bind", METH_O, bind, &g_bind},
      {"sendto", METH_VARARGS, sendto, &g_sendto},
      {"sendmsg", METH_VARARGS, sendmsg, &g_sendmsg},
  };
  replace_all(table_of(module), functions, "_socket");
  Ref type(PyObject_GetAttrString(module, "socket"));
  if (!type) PyErr_Clear();
  PyMethodDef* table = table_of_type(type.get());
  if (table == nullptr) return;  // not executed yet: install() comes again
  if (!find_offsets(reinterpret_cast<PyTypeObject*>(type.get()))) {
    trouble("hook_missing", "_socket.socket has no family here: connections are watched by line 2 alone");
    return;
  }
  replace_all(table, methods, "_socket.socket");
}

}  // namespace ap::python::network
