// SPDX-License-Identifier: Apache-2.0
#include "operations.hpp"

#include <arpa/inet.h>
#include <fcntl.h>

#include "judgement.hpp"
#include "library.hpp"
#include "values.hpp"

namespace ap::node {

namespace {

template <size_t n>
struct Arguments {
  napi_value values[n];
  void *data = nullptr;
  Arguments(napi_env env, napi_callback_info info) {
    size_t count = n;  // N-API fills what the caller left out with undefined
    napi_get_cb_info(env, info, &count, values, nullptr, &data);
  }
  uint8_t kind() const { return static_cast<uint8_t>(reinterpret_cast<uintptr_t>(data)); }
};

ap_operation operation_of(uint8_t resource, uint8_t kind) {
  ap_operation op{};
  op.resource = resource;
  op.kind = kind;
  op.line = 1;
  return op;
}

// --- files --------------------------------------------------------------------------------------------------------------

napi_value check_path(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  PathText path;
  if (!path.read(env, arguments.values[0])) return nullptr;
  ap_operation op = operation_of(AP_FILES, arguments.kind());
  op.text = path.str();
  return judge(env, op);
}

// One open is one operation, whatever its flags say. The same reading of them as line 2's (core/src/interpose/open.cpp): a
// mark left here must fit what is asked there.
napi_value check_open(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  PathText path;
  int32_t flags = 0;
  if (!path.read(env, arguments.values[0])) return nullptr;
  napi_get_value_int32(env, arguments.values[1], &flags);
  const int access = flags & O_ACCMODE;
  const bool temporary = (flags & O_TMPFILE) == O_TMPFILE;
  const bool empty = (flags & O_TRUNC) || temporary || (flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL);
  uint8_t kind = flags & O_DIRECTORY ? AP_FILE_LIST : AP_FILE_READ;
  if (flags & O_PATH)
    kind = AP_FILE_STAT;
  else if ((flags & O_CREAT) || temporary)
    kind = AP_FILE_CREATE;
  else if (access != O_RDONLY || (flags & O_TRUNC))
    kind = AP_FILE_WRITE;
  ap_operation op = operation_of(AP_FILES, kind);
  op.text = path.str();
  // What is made empty shows nothing.
  if ((kind == AP_FILE_CREATE || kind == AP_FILE_WRITE) && access != O_WRONLY && !empty) op.flags |= AP_OP_READ_TOO;
  return judge(env, op);
}

napi_value check_two_paths(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  PathText from, to;
  if (!from.read(env, arguments.values[0]) || !to.read(env, arguments.values[1])) return nullptr;
  ap_operation op = operation_of(AP_FILES, arguments.kind());
  op.text = from.str();
  op.text2 = to.str();
  return judge(env, op);
}

napi_value check_symlink(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  PathText target, path;
  if (!target.read(env, arguments.values[0]) || !path.read(env, arguments.values[1])) return nullptr;
  ap_operation op = operation_of(AP_FILES, AP_FILE_SYMLINK);
  op.text = path.str();
  op.text2 = target.str();
  return judge(env, op);
}

// --- network ------------------------------------------------------------------------------------------------------------

// The address in text as libuv reads it: strict dotted quad or IPv6, with an optional zone. False: libuv refuses it too.
bool read_address(const char *text, ap_operation &op) {
  if (inet_pton(AF_INET, text, op.address) == 1) {
    op.family = 4;
    return true;
  }
  char bare[INET6_ADDRSTRLEN + 1];
  const char *zone = std::strchr(text, '%');
  const size_t length = zone ? static_cast<size_t>(zone - text) : std::strlen(text);
  if (length >= sizeof bare) return false;
  std::memcpy(bare, text, length);
  bare[length] = 0;
  if (inet_pton(AF_INET6, bare, op.address) != 1) return false;
  op.family = 6;
  return true;
}

napi_value check_address(napi_env env, napi_callback_info info) {
  const Arguments<3> arguments(env, info);
  char text[128];
  size_t size = 0;
  int32_t port = 0;
  if (napi_get_value_string_utf8(env, arguments.values[0], text, sizeof text, &size) != napi_ok) return nullptr;
  napi_get_value_int32(env, arguments.values[1], &port);
  ap_operation op = operation_of(AP_OUTBOUND, AP_CONNECT);
  op.protocol = arguments.kind();
  if (!read_address(text, op)) return nullptr;
  op.port = static_cast<uint16_t>(port);
  return judge(env, op);
}

napi_value check_unix(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  std::string path;
  if (!read_bytes(env, arguments.values[0], path)) return nullptr;
  ap_operation op = operation_of(AP_OUTBOUND, AP_CONNECT);
  op.protocol = AP_PROTO_UNIX;
  op.text = str(path);
  return judge(env, op);
}

napi_value check_resolve(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  std::string name, type;
  if (!read_text(env, arguments.values[0], name)) return nullptr;
  ap_operation op = operation_of(AP_OUTBOUND, AP_RESOLVE);
  op.protocol = AP_PROTO_DNS;
  op.text = str(name);
  if (read_text(env, arguments.values[1], type)) op.query_type = str(type);
  return judge(env, op);
}

// --- processes ----------------------------------------------------------------------------------------------------------

bool is_shell_call(const std::string &file, const std::vector<std::string> &arguments) {
  return arguments.size() >= 3 && arguments[1] == "-c" && file.size() >= 2 && file.compare(file.size() - 2, 2, "sh") == 0;
}

napi_value check_spawn(napi_env env, napi_callback_info info) {
  const Arguments<3> values(env, info);
  std::string file, cwd;
  if (!read_bytes(env, values.values[0], file)) return nullptr;
  const std::vector<std::string> arguments = read_texts(env, values.values[1]);
  std::vector<ap_str> argv;
  argv.reserve(arguments.size());
  for (const std::string &argument : arguments) argv.push_back(str(argument));
  ap_operation op = operation_of(AP_PROCESSES, AP_SPAWN);
  op.text = str(file);
  if (read_bytes(env, values.values[2], cwd)) op.cwd = str(cwd);
  op.argv = argv.data();
  op.argc = static_cast<uint32_t>(argv.size());
  if (is_shell_call(file, arguments)) op.flags |= AP_OP_SHELL;
  return judge(env, op);
}

// --- native code --------------------------------------------------------------------------------------------------------

napi_value check_native(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  PathText text;
  if (!text.read(env, arguments.values[0])) return nullptr;
  ap_operation op = operation_of(AP_NATIVE, arguments.kind());
  op.text = text.str();
  return judge(env, op);
}

// --- bytes --------------------------------------------------------------------------------------------------------------

// A view may lie on memory that another thread writes, or be changed by a getter: what was judged must be what is passed on.
napi_value copy_bytes(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  bool is_view = false;
  void *data = nullptr, *copied = nullptr;
  size_t length = 0;
  napi_value result = nullptr;
  napi_is_buffer(env, arguments.values[0], &is_view);
  if (!is_view || napi_get_buffer_info(env, arguments.values[0], &data, &length) != napi_ok) return arguments.values[0];
  if (napi_create_buffer(env, length, &copied, &result) != napi_ok) return nullptr;
  if (length) std::memcpy(copied, data, length);
  return result;
}

struct Entry {
  const char *name;
  napi_callback call;
  uintptr_t kind;
};

constexpr Entry kEntries[] = {
    {"read", check_path, AP_FILE_READ},
    {"stat", check_path, AP_FILE_STAT},
    {"list", check_path, AP_FILE_LIST},
    {"create", check_path, AP_FILE_CREATE},
    {"remove", check_path, AP_FILE_DELETE},
    {"metadata", check_path, AP_FILE_METADATA},
    {"open", check_open, 0},
    {"rename", check_two_paths, AP_FILE_RENAME},
    {"link", check_two_paths, AP_FILE_LINK},
    {"symlink", check_symlink, 0},
    {"connectTcp", check_address, AP_PROTO_TCP},
    {"connectUdp", check_address, AP_PROTO_UDP},
    {"connectUnix", check_unix, 0},
    {"resolve", check_resolve, 0},
    {"spawn", check_spawn, 0},
    {"load", check_native, AP_LOAD},
    {"reach", check_native, AP_CALL_ADDRESS},
    {"copy", copy_bytes, 0},
    {"report", report, 0},
    {"mark", mark, 0},
    {"markParts", mark_parts, 0},
    {"markAncestors", mark_ancestors, 0},
    {"denies", denies, 0},
};

}  // namespace

void add_operations(napi_env env, napi_value exports) {
  for (const Entry &entry : kEntries) {
    napi_value function;
    napi_create_function(env, entry.name, NAPI_AUTO_LENGTH, entry.call, reinterpret_cast<void *>(entry.kind), &function);
    napi_set_named_property(env, exports, entry.name, function);
  }
}

}  // namespace ap::node
