// SPDX-License-Identifier: Apache-2.0
#include "library.hpp"

#include <dlfcn.h>
#include <link.h>

#include <mutex>

namespace ap::node::library {

const ap_api* api = nullptr;

namespace {

std::mutex opening;  // workers may load the addon at the same time
std::string path_in_use;

constexpr char kFileName[] = "/libapp_protect.so";

int find_loaded(dl_phdr_info* object, size_t, void* found) {
  const std::string name = object->dlpi_name ? object->dlpi_name : "";
  constexpr size_t length = sizeof kFileName - 1;
  if (name.size() < length || name.compare(name.size() - length, length, kFileName) != 0) return 0;
  *static_cast<std::string*>(found) = name;
  return 1;
}

std::string last_error() {
  const char* text = dlerror();
  return text ? text : "unknown error";
}

}  // namespace

std::string open(const std::string& path) {
  const std::lock_guard<std::mutex> lock(opening);
  if (api) return {};
  std::string loaded;
  dl_iterate_phdr(find_loaded, &loaded);
  const std::string& target = loaded.empty() ? path : loaded;
  // Never unloaded: line 2 leaves jumps into it in libc's text.
  void* handle = dlopen(target.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (!handle) return last_error();
  using Entry = const ap_api* (*)(uint32_t);
  const auto entry = reinterpret_cast<Entry>(dlsym(handle, "app_protect_api"));
  if (!entry) return last_error();
  const ap_api* table = entry(AP_API_VERSION);
  if (!table) return target + ": speaks another table version than " + std::to_string(AP_API_VERSION);
  if (table->size < sizeof(ap_api)) return target + ": is older than this addon";
  path_in_use = target;
  api = table;
  return {};
}

const std::string& path() {
  return path_in_use;
}

std::string own_directory() {
  Dl_info info;
  if (!dladdr(reinterpret_cast<void*>(&own_directory), &info) || !info.dli_fname) return {};
  const std::string file = info.dli_fname;
  const size_t slash = file.rfind('/');
  return slash == std::string::npos ? std::string(".") : file.substr(0, slash);
}

}  // namespace ap::node::library
