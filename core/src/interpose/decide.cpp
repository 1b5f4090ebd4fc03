// SPDX-License-Identifier: Apache-2.0
#include "interpose/decide.hpp"

#include <errno.h>

#include "event/marks.hpp"
#include "event/report.hpp"
#include "guard/guard.hpp"
#include "guard/image.hpp"

namespace ap::interpose {

bool enforcing = false;
bool language_hooks_here = false;

Operation file(std::uint8_t kind, std::string_view path) noexcept {
  Operation op{};
  op.resource = AP_FILES;
  op.kind = kind;
  op.flags = AP_OP_CANONICAL;
  op.text = str(path);
  return op;
}

Operation native(std::uint8_t kind, std::string_view what) noexcept {
  Operation op{};
  op.resource = AP_NATIVE;
  op.kind = kind;
  op.text = str(what);
  return op;
}

int judge(Operation& operation, Verdict& verdict) noexcept {
  operation.line = 2;
  verdict = Verdict{};
  const int action = guard::check(operation, verdict);
  const bool name_only = operation.kind == AP_FILE_STAT || operation.kind == AP_FILE_LIST;
  if (action != AP_GRANT && name_only && language_hooks_here && verdict.policy == AP_POLICY_READ_WRITE_APP)
    verdict.action = AP_GRANT;
  return verdict.action;
}

namespace {

// Node reads the manifests on the way to a module in C++, where line 1 cannot say so beforehand. Line 1 refuses the
// same read to user code; where there is no line 1 (children) it stays refused.
bool is_manifest(const Operation& operation, const Verdict& verdict) noexcept {
  constexpr std::string_view kName = "/package.json";
  const std::string_view path = view(operation.text);
  return language_hooks_here && verdict.policy == AP_POLICY_READ_WRITE_APP && path.size() > kName.size() &&
         path.substr(path.size() - kName.size()) == kName && std::string_view(settings().language) == "node";
}

}  // namespace

long settle(const Operation& operation, const Verdict& verdict, std::string_view called,
            std::string_view called2) noexcept {
  if (verdict.action == AP_GRANT) return 0;
  // The language's loader reads code: neither refused nor counted, unless the real file is refused for another reason
  // than that it lies in the application.
  if (operation.kind == AP_FILE_READ && guard::spares_code(verdict) &&
      (marks::take_code(called) || is_manifest(operation, verdict)))
    return 0;
  Operation as_called = operation;
  as_called.text = str(called);
  if (called2.data()) as_called.text2 = str(called2);
  as_called.flags &= ~static_cast<std::uint32_t>(AP_OP_CANONICAL);
  const bool counted = marks::take(as_called);
  if (verdict.action == AP_DENY) {
    event::report(operation, verdict, nullptr);
    return -EPERM;
  }
  if (!counted) event::report(operation, verdict, nullptr);
  return 0;
}

long decide(Operation& operation, std::string_view called, std::string_view called2) noexcept {
  Verdict verdict;
  return judge(operation, verdict) == AP_GRANT ? 0 : settle(operation, verdict, called, called2);
}

void judge_as_denied(Operation& operation, Verdict& verdict) noexcept {
  judge(operation, verdict);
  verdict.action = AP_DENY;
  verdict.policy = AP_POLICY_NATIVE_CODE;
}

long refuse_native(std::uint8_t kind, std::string_view what) noexcept {
  Operation operation = native(kind, what);
  Verdict verdict;
  judge_as_denied(operation, verdict);
  return settle(operation, verdict, what);
}

long decide_unnamed(std::uint8_t kind, std::string_view called) noexcept {
  Operation operation = file(kind, {});
  Verdict verdict;
  if (judge(operation, verdict) == AP_GRANT) return 0;
  operation.text = str(called);
  return settle(operation, verdict, called);
}

}  // namespace ap::interpose
