// SPDX-License-Identifier: Apache-2.0
//
// The way to the core: libapp_protect.so, loaded once by absolute path, and its C table.
//
//   if (core::load(path, message, sizeof message)) core::api().check(&operation, &verdict);
#pragma once
#include <app_protect/api.h>

#include <stddef.h>

#include <string_view>

namespace ap::python {

namespace core {

extern const ap_api* table;  // nullptr until load() succeeded

// Loads the library for the life of the process. False: `message` says what was tried. Idempotent; needs the GIL.
bool load(const char* path, char* message, size_t size);

inline const ap_api& api() {
  return *table;
}

}  // namespace core

// Parts of a text, never beyond its ends (substr() throws, and would pull a third of a megabyte of libstdc++ in).
inline std::string_view head(std::string_view text, size_t size) {
  return {text.data(), size < text.size() ? size : text.size()};
}
inline std::string_view from(std::string_view text, size_t at) {
  return at < text.size() ? std::string_view(text.data() + at, text.size() - at) : std::string_view();
}

inline ap_str str(std::string_view s) {
  return {s.data(), static_cast<uint32_t>(s.size())};
}
inline std::string_view view(const ap_str& s) {
  return s.data ? std::string_view(s.data, s.size) : std::string_view();
}

// Trouble of ours, never of the function: one line in the log and an agent_health event. The only way a failure of the
// binding is reported; a pending Python exception that is not user code's is cleared.
void trouble(std::string_view code, std::string_view text);

}  // namespace ap::python
