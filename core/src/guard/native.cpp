// SPDX-License-Identifier: Apache-2.0
// native_code: libraries from writable places, new executable memory, memfd, calls by address.
#include "guard/judge.hpp"
#include "guard/path_text.hpp"

namespace ap::guard {
namespace {

// Places where user code can put a library: the policy's tmp directories, what any process may write, mounted file
// systems, memory that has a name.
bool is_writable_place(const BlobView& policy, std::string_view path) noexcept {
  if (is_runtime_need(policy, path)) return false;
  switch (place_of(policy, path)) {
    case Place::application:
      return false;
    case Place::tmp:
      return true;
    case Place::elsewhere:
      break;
  }
  for (std::string_view directory : {"/tmp", "/var/tmp", "/dev", "/proc", "/run", "/var/run", "/mnt", "/media"})
    if (is_at_or_below(path, directory)) return true;
  return path.starts_with("/memfd:");
}

}  // namespace

void judge_native(const BlobView& policy, const Operation& operation, Verdict& verdict) noexcept {
  const std::uint8_t action = policy.header().native;
  if (operation.kind == AP_LOAD) {
    std::string_view text = view(operation.text);
    if (text.starts_with("memfd:")) return set(verdict, action, rule_native);
    // A bare name is searched in the loader's own directories, which were fixed when the process started.
    if (text.find('/') == text.npos) return set(verdict, AP_GRANT, rule_native);
    PathText path;
    bool known = operation.flags & AP_OP_CANONICAL ? path.from_kernel(text) : path.normalise(text, view(operation.cwd));
    if (known && !is_writable_place(policy, path.view())) return set(verdict, AP_GRANT, rule_native);
  }
  set(verdict, action, rule_native);
}

}  // namespace ap::guard
