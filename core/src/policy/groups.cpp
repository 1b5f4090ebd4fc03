// SPDX-License-Identifier: Apache-2.0
#include "policy/groups.hpp"

#include "policy/embedded.hpp"

namespace ap {

std::string group_print(std::string_view name) {
  std::string out(name);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return out;
}

std::string group_key(std::string_view name) {
  std::string key = group_print(name);
  if (key.ends_with(".ability")) key.resize(key.size() - 8);
  return key;
}

std::string_view built_in_group(std::string_view name) {
  std::string key = group_key(name);
  for (const embedded::File& file : embedded::groups)
    if (group_key(file.name) == key) return file.text;
  return {};
}

std::vector<std::string_view> built_in_group_names() {
  std::vector<std::string_view> names;
  for (const embedded::File& file : embedded::groups) names.push_back(file.name);
  return names;
}

}  // namespace ap
