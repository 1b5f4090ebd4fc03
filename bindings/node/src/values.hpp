// SPDX-License-Identifier: Apache-2.0
//
// JavaScript values as the table wants them, by raw N-API calls and without allocation: what hot functions use.
//
//   PathText path;
//   if (!path.read(env, argv[0])) return nullptr;   // not a path: the original call will say so
//   op.text = path.str();
#pragma once
#include <app_protect/api.h>
#include <node_api.h>

#include <cstring>
#include <string>
#include <vector>

namespace ap::node {

// A private Buffer of a view's bytes (they may lie on memory that another thread writes); any other value as it is.
inline napi_value copy_of_view(napi_env env, napi_value value) {
  bool is_view = false;
  void *data = nullptr, *copied = nullptr;
  size_t length = 0;
  napi_value result = nullptr;
  if (napi_is_buffer(env, value, &is_view) != napi_ok || !is_view) return value;
  if (napi_get_buffer_info(env, value, &data, &length) != napi_ok) return value;
  if (napi_create_buffer(env, length, &copied, &result) != napi_ok) return value;
  if (length) std::memcpy(copied, data, length);
  return result;
}

// A path or name on the stack: UTF-8 of a string, or the bytes of a Buffer or other view. Cut at the first NUL, as the
// kernel cuts it. A text that does not fit is longer than the kernel takes (PATH_MAX 4096): read() says false and the
// original call fails with ENAMETOOLONG by itself.
class PathText {
 public:
  // Replaces a view in `value` by the copy that is read.
  bool read(napi_env env, napi_value& value) {
    if (napi_get_value_string_utf8(env, value, buffer_, sizeof buffer_, &size_) == napi_ok) return settle(size_);
    bool is_view = false;
    void* data = nullptr;
    size_t length = 0;
    if (napi_is_buffer(env, value, &is_view) != napi_ok || !is_view) return false;
    value = copy_of_view(env, value);
    if (napi_get_buffer_info(env, value, &data, &length) != napi_ok) return false;
    if (length >= sizeof buffer_) length = sizeof buffer_ - 1;
    if (length) std::memcpy(buffer_, data, length);
    return settle(length);
  }

  ap_str str() const { return {buffer_, static_cast<uint32_t>(size_)}; }

 private:
  bool settle(size_t length) {
    const void* nul = std::memchr(buffer_, 0, length);
    if (nul)
      size_ = static_cast<size_t>(static_cast<const char*>(nul) - buffer_);
    else if (length == sizeof buffer_ - 1)
      return false;
    else
      size_ = length;
    return size_ != 0;  // an empty path is ENOENT, nothing to judge
  }

  char buffer_[4098];
  size_t size_ = 0;
};

// Any string, for calls that are not hot. Returns false (and an empty text) when the value is not a string.
inline bool read_text(napi_env env, napi_value value, std::string& text) {
  size_t size = 0;
  text.clear();
  if (napi_get_value_string_utf8(env, value, nullptr, 0, &size) != napi_ok) return false;
  text.resize(size + 1);
  napi_get_value_string_utf8(env, value, text.data(), text.size(), &size);
  text.resize(size);
  return true;
}

// A string or the bytes of a view, NUL included (abstract unix sockets).
inline bool read_bytes(napi_env env, napi_value value, std::string& bytes) {
  if (read_text(env, value, bytes)) return true;
  bool is_view = false;
  void* data = nullptr;
  size_t length = 0;
  if (napi_is_buffer(env, value, &is_view) != napi_ok || !is_view) return false;
  if (napi_get_buffer_info(env, value, &data, &length) != napi_ok) return false;
  bytes.assign(static_cast<const char*>(data), length);
  return true;
}

inline ap_str str(const std::string& text) {
  return {text.data(), static_cast<uint32_t>(text.size())};
}
inline ap_str absent() {
  return {nullptr, 0};
}

// Strings (or bytes) of an array made by our own JavaScript (own, dense); anything else in it is skipped.
inline std::vector<std::string> read_texts(napi_env env, napi_value array) {
  std::vector<std::string> texts;
  bool is_array = false;
  uint32_t length = 0;
  if (napi_is_array(env, array, &is_array) != napi_ok || !is_array) return texts;
  if (napi_get_array_length(env, array, &length) != napi_ok) return texts;
  texts.reserve(length);
  for (uint32_t i = 0; i < length; ++i) {
    napi_value element;
    std::string text;
    if (napi_get_element(env, array, i, &element) == napi_ok && read_bytes(env, element, text))
      texts.push_back(std::move(text));
  }
  return texts;
}

inline napi_value make_text(napi_env env, ap_str text) {
  napi_value result = nullptr;
  napi_create_string_utf8(env, text.data ? text.data : "", text.size, &result);
  return result;
}

inline napi_value undefined(napi_env env) {
  napi_value result = nullptr;
  napi_get_undefined(env, &result);
  return result;
}

}  // namespace ap::node
