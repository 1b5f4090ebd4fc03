// SPDX-License-Identifier: Apache-2.0
//
// Library: libapp_protect.so, loaded by its absolute path. Used by whatever lies beside it: the command line tool, and
// bindings that want more than the plain table.
//
//   app_protect::Library library = app_protect::Library::open("/opt/app_protect/lib/libapp_protect.so");
//   if (!library) return fail(library.error());
//   library->log(app_protect::str("info"), app_protect::str("hello"));
//
// Header-only, no exceptions. The library stays loaded for the life of the process: hooks may live in it.
#pragma once
#include <app_protect/api.h>
#include <dlfcn.h>

#include <string>
#include <string_view>

namespace app_protect {

inline ap_str str(std::string_view s) noexcept {
  return {s.data(), static_cast<uint32_t>(s.size())};
}
inline std::string_view view(const ap_str& s) noexcept {
  return s.data ? std::string_view(s.data, s.size) : std::string_view();
}

class Library {
 public:
  static Library open(const std::string& path) {
    Library library;
    void* handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (handle == nullptr) {
      const char* why = dlerror();
      library.error_ = why != nullptr ? why : "cannot load " + path;
      return library;
    }
    using Entry = const ap_api* (*)(uint32_t);
    const auto entry = reinterpret_cast<Entry>(dlsym(handle, "app_protect_api"));
    library.api_ = entry != nullptr ? entry(AP_API_VERSION) : nullptr;
    if (library.api_ == nullptr)
      library.error_ = path + " does not speak version " + std::to_string(AP_API_VERSION) + " of the interface";
    return library;
  }

  explicit operator bool() const noexcept { return api_ != nullptr; }
  const ap_api* operator->() const noexcept { return api_; }
  const ap_api* api() const noexcept { return api_; }
  const std::string& error() const noexcept { return error_; }

 private:
  const ap_api* api_ = nullptr;
  std::string error_;
};

}  // namespace app_protect
