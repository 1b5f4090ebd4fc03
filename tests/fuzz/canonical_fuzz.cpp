// SPDX-License-Identifier: Apache-2.0
// Line 2's path text (guard/canonical) against line 1's (guard/path_text): one file must not have two normal forms.
#include <fcntl.h>

#include <cstdlib>
#include <string>

#include "guard/canonical.hpp"
#include "guard/path_text.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ap;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  text = text.substr(0, text.find('\0'));
  PathBuffer joined, normal;
  if (text.empty() || canonical::absolute(AT_FDCWD, text, joined, normal) != 0) return 0;
  const bool below_proc = normal.view().find("/proc/") != std::string_view::npos;
  if (normal.data[0] != '/' || normal.data[normal.size] != 0 || (!below_proc && !canonical::is_normal(normal.view())))
    std::abort();
  PathText other;
  // /proc/self/root and /proc/self/task are links or directories of the kernel's there, and text here.
  if (!below_proc && other.normalise(text, {}) && other.view() != normal.view()) std::abort();
  return 0;
}
