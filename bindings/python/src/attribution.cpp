// SPDX-License-Identifier: Apache-2.0
#include "attribution.hpp"

#include <stdio.h>
#include <string.h>

#include "package.hpp"
#include "python.hpp"

namespace ap::python {
namespace {

char g_application[4096];

std::string_view application() {
  return g_application;
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

bool is_ours(std::string_view file) {
  return contains(file, "/trend_app_protect/") || contains(file, "/trend_app_protect_handler.py") ||
         contains(file, "/app_protect/python/");
}

// As a reader knows it: relative to the application, to site-packages, to the standard library; else as it is.
std::string_view shorten(std::string_view file) {
  std::string_view rest;
  if (!package::root_of(file, application(), rest).empty()) return rest;
  const size_t library = file.find("/lib/python3.");
  if (library != std::string_view::npos) {
    const size_t slash = file.find('/', library + 13);
    if (slash != std::string_view::npos) return from(file, slash + 1);
  }
  return file;
}

// UTF-8 of a str, without making or keeping anything but ASCII texts' own bytes.
std::string_view utf8(PyObject* text, char* buffer, size_t size) {
  if (text == nullptr || !PyUnicode_Check(text)) return "?";
  Py_ssize_t length = 0;
  if (const char* data = PyUnicode_AsUTF8AndSize(text, &length)) return {data, static_cast<size_t>(length)};
  PyErr_Clear();  // lone surrogates
  Ref bytes(PyUnicode_AsEncodedString(text, "utf-8", "backslashreplace"));
  if (!bytes) {
    PyErr_Clear();
    return "?";
  }
  snprintf(buffer, size, "%s", PyBytes_AS_STRING(bytes.get()));
  return buffer;
}

}  // namespace

void Attribution::set_application(std::string_view directory) {
  while (directory.size() > 1 && directory.back() == '/') directory.remove_suffix(1);
  if (directory.size() < sizeof g_application) {
    memcpy(g_application, directory.data(), directory.size());
    g_application[directory.size()] = 0;
  }
}

Attribution::Attribution(const char* api) {
  who_.api = str(api);
  who_.stack = stack_;
  int count = 0;
  package_[0] = 0;
  for_each_frame([&](PyCodeObject* code, PyFrameObject* frame) {
    char file_text[512], name_text[128];
    const std::string_view file = utf8(code->co_filename, file_text, sizeof file_text);
    if (is_ours(file) || file.starts_with("<frozen importlib")) return true;
    if (count < kFrames) {
      const std::string_view name = utf8(code_name(code), name_text, sizeof name_text);
      std::string_view shown = shorten(file);
      if (shown.size() > 70) shown.remove_prefix(shown.size() - 70);
      const int line = PyFrame_GetLineNumber(frame);
      int n = snprintf(text_[count], kFrameText, "%.*s:%d %.*s", static_cast<int>(shown.size()), shown.data(), line,
                       static_cast<int>(name.size() > 40 ? 40 : name.size()), name.data());
      if (n >= kFrameText) n = kFrameText - 1;
      stack_[count] = {text_[count], static_cast<uint32_t>(n)};
      ++count;
    }
    if (package_[0] == 0) package::of(file, application(), package_, sizeof package_);
    return count < kFrames || package_[0] == 0;
  });
  who_.stack_size = static_cast<uint32_t>(count);
  if (package_[0] != 0) who_.package = str(package_);
}

}  // namespace ap::python
