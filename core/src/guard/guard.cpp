// SPDX-License-Identifier: Apache-2.0
#include "guard/guard.hpp"

#include "guard/granted_paths.hpp"
#include "guard/image.hpp"
#include "guard/judge.hpp"
#include "guard/name_table.hpp"
#include "guard/path_text.hpp"
#include "policy/blob.hpp"

namespace ap::guard {
namespace {

// ap_need bit and event policy of a resource.
struct Resource {
  std::uint8_t need, policy;
};
constexpr Resource kResources[] = {
    {0, 0},
    {AP_NEED_NETWORK, AP_POLICY_OUTBOUND_DATA},
    {AP_NEED_FILES, AP_POLICY_READ_WRITE_OTHER},
    {AP_NEED_PROCESSES, AP_POLICY_CREATE_CHILD_PROCESS},
    {AP_NEED_NATIVE, AP_POLICY_NATIVE_CODE},
};

}  // namespace

FileDirections directions(std::uint8_t kind) noexcept {
  using enum Direction;
  switch (kind) {
    case AP_FILE_READ:
    case AP_FILE_STAT:
    case AP_FILE_LIST:
      return {read, none};
    case AP_FILE_WRITE:
    case AP_FILE_CREATE:
    case AP_FILE_DELETE:
    case AP_FILE_SYMLINK:
    case AP_FILE_METADATA:
      return {write, none};
    // A new name could be read, or written, where the old one could not: both are asked of the old one.
    case AP_FILE_RENAME:
    case AP_FILE_LINK:
      return {read_and_write, write};
    default:
      return {read_and_write, none};
  }
}

int check_against(const BlobView& policy, const NameTable* names, const Operation& operation,
                  Verdict& verdict) noexcept {
  verdict = {};
  const PolicyHeader& header = policy.header();
  if (operation.resource == 0 || operation.resource > AP_NATIVE) {
    // Not an operation of ours: a hook that asks nonsense must not open a door.
    verdict.action = header.denies ? AP_DENY : AP_GRANT;
    verdict.on_deny = header.on_deny;
    return verdict.action;
  }
  const Resource& resource = kResources[operation.resource];
  verdict.policy = resource.policy;
  verdict.on_deny = header.on_deny;
  if (!(header.needs & resource.need)) return AP_GRANT;  // every action of this resource is grant
  switch (operation.resource) {
    case AP_OUTBOUND:
      judge_outbound(policy, names, operation, verdict);
      break;
    case AP_FILES:
      judge_files(policy, operation, verdict);
      break;
    case AP_PROCESSES:
      judge_processes(policy, operation, verdict);
      break;
    case AP_NATIVE:
      judge_native(policy, operation, verdict);
      break;
  }
  return verdict.action;
}

namespace {

// Whether the operation is one question about one path, whose text is all there is to it. `form` for granted_paths.
bool is_plain_file(const Operation& operation, std::uint8_t& form) noexcept {
  constexpr std::uint8_t most = granted_paths::kAtLine2 - 1;
  form = static_cast<std::uint8_t>(operation.kind | (operation.flags & AP_OP_READ_TOO ? granted_paths::kReadsToo : 0));
  return operation.resource == AP_FILES && operation.kind <= most && operation.text2.data == nullptr;
}

bool means_itself(std::string_view path) noexcept {
  PathText text;
  return !path.starts_with("/proc") && path.starts_with('/') && text.normalise(path, {}) &&
         text.view().data() == path.data() && text.view().size() == path.size();
}

}  // namespace

int check(const Operation& operation, Verdict& verdict) noexcept {
  const BlobView* sealed = policy();
  std::uint8_t form;
  const bool plain = is_plain_file(operation, form);
  if (!sealed || (plain && granted_paths::has(view(operation.text), form))) {
    verdict = {};
    return AP_GRANT;
  }
  check_against(*sealed, &name_table(), operation, verdict);
  if (plain && verdict.action == AP_GRANT && means_itself(view(operation.text)))
    granted_paths::add(view(operation.text), form);
  return verdict.action;
}

std::string_view rule_text(const BlobView& policy, const Verdict& verdict) noexcept {
  return policy.rule_text(verdict.rule);
}

std::uint32_t needs(const BlobView& policy) noexcept {
  return policy.header().needs;
}

}  // namespace ap::guard
