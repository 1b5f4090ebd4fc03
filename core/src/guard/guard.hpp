// SPDX-License-Identifier: Apache-2.0
//
// The guard: Operation in, Verdict out, from the sealed policy. Never emits: the caller does.
//
//   Verdict v;
//   if (guard::check(op, v) != AP_GRANT) event::report(op, v, who);
//
// check() takes no lock and allocates nothing when the verdict is grant; command patterns (RE2) are compiled on first
// use behind one mutex that fork handlers take. Async-signal-safe otherwise. Safe in a vfork child.
#pragma once
#include "guard/operation.hpp"

namespace ap {

class BlobView;
class NameTable;

namespace guard {

int check(const Operation& operation, Verdict& verdict) noexcept;  // against the sealed policy; grant before the seal
int check_against(const BlobView& policy, const NameTable* names, const Operation& operation,
                  Verdict& verdict) noexcept;
std::string_view rule_text(const BlobView& policy, const Verdict& verdict) noexcept;
// Whether what is refused so may be read as code all the same: it is refused for lying in the application.
bool spares_code(const Verdict& verdict) noexcept;
std::uint32_t needs(const BlobView& policy) noexcept;  // ap_need bits

// Direction of a file kind: the one table. `to` is the second path of rename, link.
enum class Direction : std::uint8_t { none, read, write, read_and_write };
struct FileDirections {
  Direction path, to;
};
FileDirections directions(std::uint8_t kind) noexcept;

}  // namespace guard
}  // namespace ap
