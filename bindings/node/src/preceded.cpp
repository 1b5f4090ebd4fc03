// SPDX-License-Identifier: Apache-2.0
#include "preceded.hpp"

#include "environment.hpp"

namespace ap::node {

namespace {

constexpr size_t kMostArguments = 8;  // no function that we stand in for takes more

struct Preceded : Kept {
  napi_ref original, before;
};

napi_value preceded_call(napi_env env, napi_callback_info info) {
  size_t count = kMostArguments;
  napi_value values[1 + kMostArguments], result = nullptr, global, outcome = nullptr;  // self and the arguments
  void* data;
  napi_get_cb_info(env, info, &count, values + 1, values, &data);
  if (count > kMostArguments) count = kMostArguments;
  const auto* preceded = static_cast<const Preceded*>(data);
  napi_get_global(env, &global);
  if (napi_call_function(env, global, referred(env, preceded->before), 1 + count, values, &outcome) != napi_ok)
    return nullptr;
  napi_valuetype type = napi_undefined;
  napi_typeof(env, outcome, &type);
  if (type == napi_object) {
    if (read_own(env, outcome, "result", result)) return result;
    if (count > 0) read_own(env, outcome, "first", values[1]);
    if (count == 0 && read_own(env, outcome, "first", values[1])) count = 1;
  }
  napi_call_function(env, values[0], referred(env, preceded->original), count, values + 1, &result);
  return result;
}

napi_value precede(napi_env env, napi_callback_info info) {
  size_t count = 2;
  napi_value values[2], function = nullptr;
  napi_get_cb_info(env, info, &count, values, nullptr, nullptr);
  auto made = std::make_unique<Preceded>();
  made->original = refer(env, values[0]);
  made->before = refer(env, values[1]);
  napi_create_function(env, "", 0, preceded_call, Environment::of(env).keep(std::move(made)), &function);
  return function;
}

}  // namespace

void add_preceded(napi_env env, napi_value exports) {
  napi_value function;
  napi_create_function(env, "precede", NAPI_AUTO_LENGTH, precede, nullptr, &function);
  napi_set_named_property(env, exports, "precede", function);
}

}  // namespace ap::node
