// SPDX-License-Identifier: Apache-2.0
#include "answers.hpp"

#include <arpa/inet.h>

#include "environment.hpp"
#include "library.hpp"
#include "values.hpp"

namespace ap::node {

namespace {

struct Answer {
  std::string host;
  napi_ref original;
};

void note(napi_env env, const std::string& host, napi_value addresses) {
  constexpr uint32_t kMost = 64;
  uint8_t bytes[kMost][16], families[kMost];
  uint32_t count = 0;
  for (const std::string& text : read_texts(env, addresses)) {
    if (count == kMost) break;
    if (inet_pton(AF_INET, text.c_str(), bytes[count]) == 1)
      families[count++] = 4;
    else if (inet_pton(AF_INET6, text.c_str(), bytes[count]) == 1)
      families[count++] = 6;
  }
  if (count) library::api->note_answer(str(host), bytes, families, count);
}

// oncomplete(error, addresses, ...)
napi_value answered(napi_env env, napi_callback_info info) {
  size_t count = 4;
  napi_value values[4], self, result = nullptr;
  void* data;
  napi_get_cb_info(env, info, &count, values, &self, &data);
  const auto& answer = *static_cast<const Answer*>(data);
  note(env, answer.host, values[1]);  // no list where there is an error
  napi_call_function(env, self, referred(env, answer.original), count < 4 ? count : 4, values, &result);
  return result;
}

}  // namespace

void watch_answer(napi_env env, napi_value request, napi_value hostname) {
  napi_value original = nullptr, function = nullptr;
  napi_valuetype type = napi_undefined;
  if (napi_get_named_property(env, request, "oncomplete", &original) != napi_ok ||
      napi_typeof(env, original, &type) != napi_ok || type != napi_function)
    return;
  auto* answer = new Answer{{}, refer(env, original)};
  read_text(env, hostname, answer->host);
  const auto drop = [](napi_env of, void* data, void*) {
    auto* old = static_cast<Answer*>(data);
    napi_delete_reference(of, old->original);
    delete old;
  };
  napi_create_function(env, "oncomplete", NAPI_AUTO_LENGTH, answered, answer, &function);
  napi_add_finalizer(env, function, answer, drop, nullptr, nullptr);
  const auto attributes = static_cast<napi_property_attributes>(napi_writable | napi_enumerable | napi_configurable);
  const napi_property_descriptor own = {"oncomplete", nullptr,  nullptr,    nullptr,
                                        nullptr,      function, attributes, nullptr};
  napi_define_properties(env, request, 1, &own);
}

}  // namespace ap::node
