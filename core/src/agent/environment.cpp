// SPDX-License-Identifier: Apache-2.0
#include "agent/environment.hpp"

#include <string.h>
#include <unistd.h>

namespace ap::agent {

Environment Environment::of_this_process() {
  std::vector<Variable> variables;
  for (char** v = environ; v != nullptr && *v != nullptr; ++v) {
    const std::string_view entry = *v;
    const std::size_t sign = entry.find('=');
    if (sign == std::string_view::npos) continue;
    variables.emplace_back(entry.substr(0, sign), entry.substr(sign + 1));
  }
  return Environment(std::move(variables));
}

std::optional<std::string_view> Environment::get(std::string_view name) const {
  for (const auto& [key, value] : variables_)
    if (key == name) return value.empty() ? std::nullopt : std::optional<std::string_view>(value);
  return std::nullopt;
}

bool Environment::is_set(std::string_view name) const {
  for (const auto& variable : variables_)
    if (variable.first == name) return true;
  return false;
}

namespace {

// glibc has explicit_bzero since 2.25 only.
void overwrite(char* text, std::size_t size) {
  memset(text, 0, size);
  __asm__ volatile("" : : "r"(text) : "memory");  // read again, as far as the compiler knows
}

}  // namespace

void Environment::wipe(std::string_view name) {
  if (environ == nullptr) return;
  char** kept = environ;
  for (char** v = environ; *v != nullptr; ++v) {
    if (strncmp(*v, name.data(), name.size()) == 0 && (*v)[name.size()] == '=') {
      overwrite(*v + name.size() + 1, strlen(*v + name.size() + 1));
      continue;
    }
    *kept++ = *v;
  }
  *kept = nullptr;
}

}  // namespace ap::agent
