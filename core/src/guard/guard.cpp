// SPDX-License-Identifier: Apache-2.0
#include "guard/guard.hpp"

#include "guard/image.hpp"
#include "guard/judge.hpp"
#include "guard/name_table.hpp"
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

int check(const Operation& operation, Verdict& verdict) noexcept {
  const BlobView* sealed = policy();
  if (!sealed) {
    verdict = {};
    return AP_GRANT;
  }
  return check_against(*sealed, &name_table(), operation, verdict);
}

std::string_view rule_text(const BlobView& policy, const Verdict& verdict) noexcept {
  return policy.rule_text(verdict.rule);
}

std::uint32_t needs(const BlobView& policy) noexcept {
  return policy.header().needs;
}

}  // namespace ap::guard
