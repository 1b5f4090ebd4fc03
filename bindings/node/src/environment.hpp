// SPDX-License-Identifier: Apache-2.0
//
// What the addon keeps for one environment (main thread or worker) and frees with it.
#pragma once
#include <node_api.h>

#include <memory>
#include <vector>

namespace ap::node {

// Base of what is kept.
struct Kept {
  virtual ~Kept() = default;
};

class Environment {
 public:
  static void attach(napi_env env) {
    const auto drop = [](napi_env, void* data, void*) { delete static_cast<Environment*>(data); };
    napi_set_instance_data(env, new Environment, drop, nullptr);
  }

  static Environment& of(napi_env env) {
    void* data = nullptr;
    napi_get_instance_data(env, &data);
    return *static_cast<Environment*>(data);
  }

  template <class T>
  T* keep(std::unique_ptr<T> thing) {
    T* kept = thing.get();
    kept_.push_back(std::move(thing));
    return kept;
  }

  bool is_complete = false;  // see complete() in addon.cpp

 private:
  std::vector<std::unique_ptr<Kept>> kept_;
};

// A value that lives as long as its environment.
inline napi_ref refer(napi_env env, napi_value value) {
  napi_ref reference = nullptr;
  napi_create_reference(env, value, 1, &reference);
  return reference;
}

inline napi_value referred(napi_env env, napi_ref reference) {
  napi_value value = nullptr;
  napi_get_reference_value(env, reference, &value);
  return value;
}

// What a JavaScript function that may replace a call returned: {result} or {first}.
inline bool read_own(napi_env env, napi_value object, const char* name, napi_value& value) {
  napi_value key;
  bool has = false;
  napi_create_string_utf8(env, name, NAPI_AUTO_LENGTH, &key);
  return napi_has_own_property(env, object, key, &has) == napi_ok && has &&
         napi_get_property(env, object, key, &value) == napi_ok;
}

}  // namespace ap::node
