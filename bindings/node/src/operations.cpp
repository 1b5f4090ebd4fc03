// SPDX-License-Identifier: Apache-2.0
#include "operations.hpp"

#include <arpa/inet.h>
#include <fcntl.h>

#include "judgement.hpp"
#include "library.hpp"
#include "values.hpp"

namespace ap::node {

namespace {

ap_operation operation_of(uint8_t resource, uint8_t kind) {
  ap_operation op{};
  op.resource = resource;
  op.kind = kind;
  op.line = 1;
  return op;
}

}  // namespace

// --- files ---------------------------------------------------------------------------------------

napi_value checks::path(napi_env env, napi_value* values, uint8_t kind) {
  PathText path;
  if (!path.read(env, values[0])) return nullptr;
  ap_operation op = operation_of(AP_FILES, kind);
  op.text = path.str();
  return judge(env, op);
}

// One open is one operation, whatever its flags say. The same reading of them as line 2's
// (core/src/interpose/open.cpp): a mark left here must fit what is asked there.
napi_value checks::opened(napi_env env, napi_value* values, uint8_t) {
  PathText path;
  int32_t flags = 0;
  if (!path.read(env, values[0])) return nullptr;
  napi_get_value_int32(env, values[1], &flags);
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
  op.flags |= AP_OP_OPEN;
  // What is made empty shows nothing.
  if ((kind == AP_FILE_CREATE || kind == AP_FILE_WRITE) && access != O_WRONLY && !empty) op.flags |= AP_OP_READ_TOO;
  return judge(env, op);
}

napi_value checks::two_paths(napi_env env, napi_value* values, uint8_t kind) {
  PathText from, to;
  if (!from.read(env, values[0]) || !to.read(env, values[1])) return nullptr;
  ap_operation op = operation_of(AP_FILES, kind);
  op.text = from.str();
  op.text2 = to.str();
  return judge(env, op);
}

napi_value checks::link_to(napi_env env, napi_value* values, uint8_t) {
  PathText target, path;
  if (!target.read(env, values[0]) || !path.read(env, values[1])) return nullptr;
  ap_operation op = operation_of(AP_FILES, AP_FILE_SYMLINK);
  op.text = path.str();
  op.text2 = target.str();
  return judge(env, op);
}

// --- network -------------------------------------------------------------------------------------

namespace {

// The address in text as libuv reads it: strict dotted quad or IPv6, with an optional zone. False: libuv refuses it
// too.
bool read_address(const char* text, ap_operation& op) {
  if (inet_pton(AF_INET, text, op.address) == 1) {
    op.family = 4;
    return true;
  }
  char bare[INET6_ADDRSTRLEN + 1];
  const char* zone = std::strchr(text, '%');
  const size_t length = zone ? static_cast<size_t>(zone - text) : std::strlen(text);
  if (length >= sizeof bare) return false;
  std::memcpy(bare, text, length);
  bare[length] = 0;
  if (inet_pton(AF_INET6, bare, op.address) != 1) return false;
  op.family = 6;
  return true;
}

}  // namespace

napi_value checks::address(napi_env env, napi_value* values, uint8_t kind) {
  char text[128];
  size_t size = 0;
  int32_t port = 0;
  if (napi_get_value_string_utf8(env, values[0], text, sizeof text, &size) != napi_ok) return nullptr;
  napi_get_value_int32(env, values[1], &port);
  ap_operation op = operation_of(AP_OUTBOUND, AP_CONNECT);
  op.protocol = kind;
  if (!read_address(text, op)) return nullptr;
  op.port = static_cast<uint16_t>(port);
  return judge(env, op);
}

napi_value checks::unix_socket(napi_env env, napi_value* values, uint8_t) {
  std::string path;
  values[0] = copy_of_view(env, values[0]);
  if (!read_bytes(env, values[0], path)) return nullptr;
  ap_operation op = operation_of(AP_OUTBOUND, AP_CONNECT);
  op.protocol = AP_PROTO_UNIX;
  op.text = str(path);
  return judge(env, op);
}

napi_value checks::name(napi_env env, napi_value* values, uint8_t) {
  std::string name, type;
  if (!read_text(env, values[0], name)) return nullptr;
  ap_operation op = operation_of(AP_OUTBOUND, AP_RESOLVE);
  op.protocol = AP_PROTO_DNS;
  op.text = str(name);
  if (read_text(env, values[1], type)) op.query_type = str(type);
  return judge(env, op);
}

// --- processes -----------------------------------------------------------------------------------

namespace {

bool is_shell_call(const std::string& file, const std::vector<std::string>& arguments) {
  return arguments.size() >= 3 && arguments[1] == "-c" && file.size() >= 2 &&
         file.compare(file.size() - 2, 2, "sh") == 0;
}

napi_value check_spawn(napi_env env, napi_value* values, uint8_t) {
  std::string file, cwd;
  if (!read_bytes(env, values[0], file)) return nullptr;
  const std::vector<std::string> arguments = read_texts(env, values[1]);
  std::vector<ap_str> argv;
  argv.reserve(arguments.size());
  for (const std::string& argument : arguments) argv.push_back(str(argument));
  ap_operation op = operation_of(AP_PROCESSES, AP_SPAWN);
  op.text = str(file);
  if (read_bytes(env, values[2], cwd)) op.cwd = str(cwd);
  op.argv = argv.data();
  op.argc = static_cast<uint32_t>(argv.size());
  if (is_shell_call(file, arguments)) op.flags |= AP_OP_SHELL;
  return judge(env, op);
}

// --- native code ---------------------------------------------------------------------------------

napi_value check_native(napi_env env, napi_value* values, uint8_t kind) {
  PathText text;
  if (!text.read(env, values[0])) return nullptr;
  ap_operation op = operation_of(AP_NATIVE, kind);
  op.text = text.str();
  return judge(env, op);
}

// --- what JavaScript sees ------------------------------------------------------------------------

struct Named {
  const char* name;
  Check check;
};

constexpr Named kAtStart[] = {
    {"open", checks::open},
    {"stat", checks::stat},
    {"list", checks::list},
};
constexpr Named kNamed[] = {
    {"read", checks::read},      {"connectUdp", checks::connect_udp}, {"resolve", checks::resolve},
    {"spawn", {check_spawn, 0}}, {"load", {check_native, AP_LOAD}},   {"reach", {check_native, AP_CALL_ADDRESS}},
};

// A check called by itself: its arguments from the first on.
napi_value check_call(napi_env env, napi_callback_info info) {
  size_t count = 3;  // N-API fills what the caller left out with undefined
  napi_value values[3];
  void* data;
  napi_get_cb_info(env, info, &count, values, nullptr, &data);
  const auto* check = static_cast<const Check*>(data);
  return check->call(env, values, check->kind);
}

napi_value copy(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value values[1];
  napi_get_cb_info(env, info, &count, values, nullptr, nullptr);
  return copy_of_view(env, values[0]);
}

}  // namespace

namespace {

void add(napi_env env, napi_value exports, const char* name, napi_callback call, const Named* data = nullptr) {
  napi_value function = nullptr;
  napi_create_function(env, name, NAPI_AUTO_LENGTH, call, const_cast<Check*>(data ? &data->check : nullptr), &function);
  napi_set_named_property(env, exports, name, function);
}

}  // namespace

void add_start_operations(napi_env env, napi_value exports) {
  for (const Named& named : kAtStart) add(env, exports, named.name, check_call, &named);
  add(env, exports, "copy", copy);
  add(env, exports, "denies", denies);
}

void add_operations(napi_env env, napi_value exports) {
  for (const Named& named : kNamed) add(env, exports, named.name, check_call, &named);
  add(env, exports, "report", report);
  add(env, exports, "mark", mark);
  add(env, exports, "markParts", mark_parts);
  add(env, exports, "markAncestors", mark_ancestors);
}

}  // namespace ap::node
