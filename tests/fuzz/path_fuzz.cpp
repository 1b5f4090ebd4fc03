// SPDX-License-Identifier: Apache-2.0
// Path text -> its normal form, which is absolute, has no dot segment, and is its own normal form.
#include <cstdlib>
#include <string>

#include "guard/path_text.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ap;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  PathText first, second;
  if (!first.normalise(text, "/some/where")) return 0;
  const std::string path(first.view());
  if (path.empty() || path[0] != '/' || path.size() >= PATH_MAX || path.find('\0') != path.npos) std::abort();
  const std::string bounded = path + "/";
  if (path != "/" && (bounded.find("//") != bounded.npos || bounded.find("/./") != bounded.npos ||
                      bounded.find("/../") != bounded.npos))
    std::abort();
  if (!second.normalise(path, "/some/where") || second.view() != path) std::abort();
  return 0;
}
