// SPDX-License-Identifier: Apache-2.0
//
// The four halves of the guard's decision, one file each. Private to guard. Each fills action, cls, policy and rule of
// a verdict for an operation of its resource; on_deny is added by check_against().
#pragma once
#include "guard/name_table.hpp"
#include "guard/operation.hpp"
#include "policy/blob.hpp"

namespace ap::guard {

void judge_outbound(const BlobView& policy, const NameTable* names, const Operation& operation,
                    Verdict& verdict) noexcept;
void judge_files(const BlobView& policy, const Operation& operation, Verdict& verdict) noexcept;
void judge_processes(const BlobView& policy, const Operation& operation, Verdict& verdict) noexcept;
void judge_native(const BlobView& policy, const Operation& operation, Verdict& verdict) noexcept;

inline void set(Verdict& verdict, std::uint8_t action, std::uint32_t rule, std::uint8_t cls = AP_CLASS_NONE) noexcept {
  verdict.action = action;
  verdict.rule = rule;
  verdict.cls = cls;
}

// Where a path lies: the longest of the policy's directories that holds it.
Place place_of(const BlobView& policy, std::string_view path) noexcept;
// Whether the runtime itself reads this path (runtime_needs.json, Surroundings::runtime_read).
bool is_runtime_need(const BlobView& policy, std::string_view path) noexcept;

inline bool is_at_or_below(std::string_view path, std::string_view directory) noexcept {
  return path.starts_with(directory) &&
         (path.size() == directory.size() || path[directory.size()] == '/' || directory == "/");
}

}  // namespace ap::guard
