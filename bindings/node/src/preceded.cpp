// SPDX-License-Identifier: Apache-2.0
#include "preceded.hpp"

#include <memory>
#include <vector>

namespace ap::node {

namespace {

constexpr size_t kMostArguments = 8;  // no function that we stand in for takes more

struct Preceded {
  napi_ref original, before;
};

// One environment's; freed with it.
using Environment = std::vector<std::unique_ptr<Preceded>>;

napi_value value_of(napi_env env, napi_ref reference) {
  napi_value value = nullptr;
  napi_get_reference_value(env, reference, &value);
  return value;
}

// An own property of what before() returned; false when it has none of that name.
bool read_own(napi_env env, napi_value object, const char* name, napi_value& value) {
  napi_value key;
  bool has = false;
  napi_create_string_utf8(env, name, NAPI_AUTO_LENGTH, &key);
  return napi_has_own_property(env, object, key, &has) == napi_ok && has &&
         napi_get_property(env, object, key, &value) == napi_ok;
}

napi_value preceded_call(napi_env env, napi_callback_info info) {
  size_t count = kMostArguments;
  napi_value values[1 + kMostArguments], result = nullptr, global, outcome = nullptr;  // self and the arguments
  void* data;
  napi_get_cb_info(env, info, &count, values + 1, values, &data);
  if (count > kMostArguments) count = kMostArguments;
  const auto* preceded = static_cast<const Preceded*>(data);
  napi_get_global(env, &global);
  if (napi_call_function(env, global, value_of(env, preceded->before), 1 + count, values, &outcome) != napi_ok)
    return nullptr;
  napi_valuetype type = napi_undefined;
  napi_typeof(env, outcome, &type);
  if (type == napi_object) {
    if (read_own(env, outcome, "result", result)) return result;
    if (count > 0) read_own(env, outcome, "first", values[1]);
    if (count == 0 && read_own(env, outcome, "first", values[1])) count = 1;
  }
  napi_call_function(env, values[0], value_of(env, preceded->original), count, values + 1, &result);
  return result;
}

napi_value precede(napi_env env, napi_callback_info info) {
  size_t count = 2;
  napi_value values[2], function = nullptr;
  void* instance = nullptr;
  napi_get_cb_info(env, info, &count, values, nullptr, nullptr);
  napi_get_instance_data(env, &instance);
  auto preceded = std::make_unique<Preceded>();
  napi_create_reference(env, values[0], 1, &preceded->original);
  napi_create_reference(env, values[1], 1, &preceded->before);
  napi_create_function(env, "", 0, preceded_call, preceded.get(), &function);
  static_cast<Environment*>(instance)->push_back(std::move(preceded));
  return function;
}

}  // namespace

void add_preceded(napi_env env, napi_value exports) {
  napi_set_instance_data(
      env, new Environment, [](napi_env, void* data, void*) { delete static_cast<Environment*>(data); }, nullptr);
  napi_value function;
  napi_create_function(env, "precede", NAPI_AUTO_LENGTH, precede, nullptr, &function);
  napi_set_named_property(env, exports, "precede", function);
}

}  // namespace ap::node
