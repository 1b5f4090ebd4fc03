// SPDX-License-Identifier: Apache-2.0
#include "policy.hpp"

#include <arpa/inet.h>

#include "library.hpp"
#include "values.hpp"

namespace ap::node {

namespace {

using library::api;

bool read_address(const std::string& text, uint8_t (&address)[16], uint8_t& family) {
  if (inet_pton(AF_INET, text.c_str(), address) == 1)
    family = 4;
  else if (inet_pton(AF_INET6, text.c_str(), address) == 1)
    family = 6;
  else
    return false;
  return true;
}

Napi::Value policy_open(const Napi::CallbackInfo& info) {
  std::string text, surroundings, diagnostics(256 * 1024, 0);
  read_bytes(info.Env(), info[0], text);
  const bool given = read_text(info.Env(), info[1], surroundings);
  ap_policy* policy =
      api->policy_open(str(text), given ? str(surroundings) : absent(), diagnostics.data(), diagnostics.size());
  Napi::Object result = Napi::Object::New(info.Env());
  result.Set("diagnostics", Napi::String::New(info.Env(), diagnostics.c_str()));
  const auto close = [](Napi::Env, ap_policy* old) { api->policy_close(old); };
  if (policy) result.Set("policy", Napi::External<ap_policy>::New(info.Env(), policy, close));
  return result;
}

Napi::Value policy_summary(const Napi::CallbackInfo& info) {
  char text[2048];
  api->policy_summary(info[0].As<Napi::External<ap_policy>>().Data(), text, sizeof text);
  return Napi::String::New(info.Env(), static_cast<const char*>(text));
}

void policy_note(const Napi::CallbackInfo& info) {
  std::string host, text;
  uint8_t address[16] = {}, family = 0;
  read_text(info.Env(), info[1], host);
  read_text(info.Env(), info[2], text);
  if (read_address(text, address, family))
    api->policy_note_answer(info[0].As<Napi::External<ap_policy>>().Data(), str(host), address, family);
}

Napi::Value policy_check(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const ap_policy* policy = info[0].As<Napi::External<ap_policy>>().Data();
  const Napi::Object wanted = info[1].As<Napi::Object>();
  const auto number = [&](const char* name) {
    const Napi::Value value = wanted.Get(name);
    return value.IsNumber() ? value.As<Napi::Number>().Uint32Value() : 0u;
  };
  std::string text, text2, cwd, address, query_type;
  const auto bytes = [&](const char* name, std::string& into) {
    return read_bytes(env, wanted.Get(name), into) ? str(into) : absent();
  };

  ap_operation op{};
  op.resource = static_cast<uint8_t>(number("resource"));
  op.kind = static_cast<uint8_t>(number("kind"));
  op.protocol = static_cast<uint8_t>(number("protocol"));
  op.line = static_cast<uint8_t>(number("line"));
  op.flags = number("flags");
  op.port = static_cast<uint16_t>(number("port"));
  op.text = bytes("text", text);
  op.text2 = bytes("text2", text2);
  op.cwd = bytes("cwd", cwd);
  op.query_type = bytes("queryType", query_type);
  const std::vector<std::string> arguments = read_texts(env, wanted.Get("argv"));
  std::vector<ap_str> argv;
  for (const std::string& argument : arguments) argv.push_back(str(argument));
  op.argv = argv.data();
  op.argc = static_cast<uint32_t>(argv.size());
  if (read_text(env, wanted.Get("address"), address)) read_address(address, op.address, op.family);

  ap_verdict verdict{};
  api->policy_check(policy, &op, &verdict);
  Napi::Object result = Napi::Object::New(env);
  result.Set("action", verdict.action);
  result.Set("onDeny", verdict.on_deny);
  result.Set("class", verdict.cls);
  result.Set("policy", verdict.policy);
  const ap_str rule = api->policy_rule_text(policy, &verdict);
  result.Set("rule", Napi::Value(env, make_text(env, rule)));
  return result;
}

}  // namespace

void add_policy(Napi::Env env, Napi::Object exports) {
  exports.Set("policyOpen", Napi::Function::New<policy_open>(env, "policyOpen"));
  exports.Set("policySummary", Napi::Function::New<policy_summary>(env, "policySummary"));
  exports.Set("policyNote", Napi::Function::New<policy_note>(env, "policyNote"));
  exports.Set("policyCheck", Napi::Function::New<policy_check>(env, "policyCheck"));
}

}  // namespace ap::node
