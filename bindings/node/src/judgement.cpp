// SPDX-License-Identifier: Apache-2.0
#include "judgement.hpp"

#include <unistd.h>

#include "library.hpp"
#include "values.hpp"

namespace ap::node {

namespace {

void copy(ap_str& from, std::string& into) {
  if (!from.data) return;
  into.assign(from.data, from.size);
  from = str(into);
}

napi_value keep(napi_env env, const ap_operation& operation, const ap_verdict& verdict) {
  auto* judgement = new Judgement{operation, verdict, {}, {}, {}, {}, {}, {}};
  ap_operation& op = judgement->operation;
  copy(op.text, judgement->text);
  copy(op.text2, judgement->text2);
  copy(op.cwd, judgement->cwd);
  copy(op.query_type, judgement->query_type);
  judgement->arguments.reserve(op.argc);
  for (uint32_t i = 0; i < op.argc; ++i) judgement->arguments.emplace_back(op.argv[i].data, op.argv[i].size);
  for (const std::string& argument : judgement->arguments) judgement->argv.push_back(str(argument));
  op.argv = judgement->argv.data();
  napi_value result = nullptr;
  const auto drop = [](napi_env, void* data, void*) { delete static_cast<Judgement*>(data); };
  if (napi_create_external(env, judgement, drop, nullptr, &result) != napi_ok) {
    delete judgement;
    napi_throw_error(env, "EPERM", "app_protect: out of memory while refusing an operation");
  }
  return result;
}

Judgement* judgement_of(napi_env env, napi_value value) {
  napi_valuetype type = napi_undefined;
  void* data = nullptr;
  if (napi_typeof(env, value, &type) != napi_ok || type != napi_external) return nullptr;
  napi_get_value_external(env, value, &data);
  return static_cast<Judgement*>(data);
}

void set_async(napi_env env, napi_value value, Judgement& judgement) {
  bool is_async = false;
  napi_get_value_bool(env, value, &is_async);
  if (is_async) judgement.operation.flags |= AP_OP_ASYNC;
}

// Absolute, without `.`, `..` and doubled slashes. Links stay: this is for marks, which decide nothing.
std::string absolute_path(const std::string& path) {
  std::string whole;
  if (path.empty() || path[0] != '/') {
    char cwd[4096];
    whole = getcwd(cwd, sizeof cwd) ? cwd : "";
    whole += '/';
  }
  whole += path;
  std::string result;
  for (size_t at = 0; at < whole.size();) {
    size_t end = whole.find('/', at);
    if (end == std::string::npos) end = whole.size();
    const std::string part = whole.substr(at, end - at);
    at = end + 1;
    if (part.empty() || part == ".") continue;
    if (part == "..")
      result.resize(result.empty() ? 0 : result.rfind('/'));
    else
      result += '/' + part;
  }
  return result.empty() ? "/" : result;
}

ap_str optional(const std::string& text, bool present) {
  return present ? str(text) : absent();
}

}  // namespace

napi_value judge(napi_env env, const ap_operation& operation) {
  ap_verdict verdict;
  if (library::api->check(&operation, &verdict) == AP_GRANT) return nullptr;
  return keep(env, operation, verdict);
}

napi_value report(napi_env env, napi_callback_info info) {
  size_t argc = 6;
  napi_value argv[6];
  napi_get_cb_info(env, info, &argc, argv, nullptr, nullptr);
  Judgement* judgement = judgement_of(env, argv[0]);
  if (!judgement) return nullptr;
  set_async(env, argv[1], *judgement);

  std::string api, package, request_id;
  const bool has_api = read_text(env, argv[2], api);
  const bool has_package = read_text(env, argv[3], package);
  const std::vector<std::string> stack = read_texts(env, argv[4]);
  const bool has_request = read_text(env, argv[5], request_id);
  std::vector<ap_str> frames;
  frames.reserve(stack.size());
  for (const std::string& frame : stack) frames.push_back(str(frame));

  ap_attribution who{};
  who.api = optional(api, has_api);
  who.package = optional(package, has_package);
  who.request_id = optional(request_id, has_request);
  who.stack = frames.data();
  who.stack_size = static_cast<uint32_t>(frames.size());
  library::api->report(&judgement->operation, &judgement->verdict, &who);
  if (judgement->verdict.action != AP_DENY) return nullptr;
  return make_text(env, library::api->rule_text(&judgement->verdict));
}

napi_value mark(napi_env env, napi_callback_info info) {
  size_t argc = 2;
  napi_value argv[2];
  napi_get_cb_info(env, info, &argc, argv, nullptr, nullptr);
  Judgement* judgement = judgement_of(env, argv[0]);
  if (!judgement) return nullptr;
  set_async(env, argv[1], *judgement);
  library::api->mark(&judgement->operation);
  return nullptr;
}

napi_value mark_parts(napi_env env, napi_callback_info info) {
  size_t argc = 3;
  napi_value argv[3];
  napi_get_cb_info(env, info, &argc, argv, nullptr, nullptr);
  Judgement* judgement = judgement_of(env, argv[0]);
  int32_t times = 0;
  napi_get_value_int32(env, argv[2], &times);
  if (!judgement) return nullptr;
  set_async(env, argv[1], *judgement);
  const std::string absolute = absolute_path(judgement->text);
  ap_operation op = judgement->operation;
  op.text = str(absolute);
  while (times-- > 0) library::api->mark(&op);
  return nullptr;
}

napi_value mark_ancestors(napi_env env, napi_callback_info info) {
  size_t argc = 2;
  napi_value argv[2];
  napi_get_cb_info(env, info, &argc, argv, nullptr, nullptr);
  std::string path;
  bool is_async = false;
  if (!read_bytes(env, argv[0], path)) return nullptr;
  napi_get_value_bool(env, argv[1], &is_async);
  path = absolute_path(path);
  ap_operation op{};
  op.resource = AP_FILES;
  op.kind = AP_FILE_STAT;
  op.line = 1;
  op.flags = is_async ? AP_OP_ASYNC : 0;
  for (size_t slash = path.find('/', 1); slash != std::string::npos; slash = path.find('/', slash + 1)) {
    op.text = {path.data(), static_cast<uint32_t>(slash)};
    ap_verdict verdict;
    if (library::api->check(&op, &verdict) == AP_OBSERVE) library::api->mark(&op);
  }
  return nullptr;
}

napi_value denies(napi_env env, napi_callback_info info) {
  size_t argc = 1;
  napi_value argv[1], result = nullptr;
  napi_get_cb_info(env, info, &argc, argv, nullptr, nullptr);
  const Judgement* judgement = judgement_of(env, argv[0]);
  napi_get_boolean(env, judgement && judgement->verdict.action == AP_DENY, &result);
  return result;
}

}  // namespace ap::node
