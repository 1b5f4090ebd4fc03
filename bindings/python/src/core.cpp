// SPDX-License-Identifier: Apache-2.0
#include "core.hpp"

#include <dlfcn.h>
#include <stdio.h>

#include "python.hpp"

namespace ap::python {

namespace core {

const ap_api* table = nullptr;

bool load(const char* path, char* message, size_t size) {
  if (table != nullptr) return true;
  // RTLD_NODELETE: line 2 has patched libc with jumps into this library.
  void* library = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (library == nullptr) {
    const char* reason = dlerror();
    snprintf(message, size, "cannot load %s: %s", path, reason ? reason : "unknown reason");
    return false;
  }
  auto entry = reinterpret_cast<decltype(&app_protect_api)>(dlsym(library, "app_protect_api"));
  const ap_api* found = entry ? entry(AP_API_VERSION) : nullptr;
  if (found == nullptr || found->size < sizeof(ap_api)) {
    snprintf(message, size, "%s is not of this version of the package: install both from one release", path);
    return false;
  }
  table = found;
  return true;
}

}  // namespace core

void trouble(std::string_view code, std::string_view text) {
  if (PyErr_Occurred()) PyErr_Clear();
  if (core::table == nullptr) return;
  core::api().log(str("warn"), str(text));
  core::api().health(str(code), str(text));
}

}  // namespace ap::python
