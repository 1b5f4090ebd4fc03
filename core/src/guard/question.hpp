// SPDX-License-Identifier: Apache-2.0
//
// PolicyQuestion: a policy opened for questions only: check, explain, conformance. Nothing is sealed or enforced; answers depend on
// nothing but the texts given (no file of this machine is looked at, but programs where a rule asks for them).
//
// Behind the policy_* entries of the C table (agent/api.cpp) and the command line tool.
//
//   OpenedPolicy opened = PolicyQuestion::open("denyAll", "");
//   if (!opened.question) return print(to_text(opened.diagnostics));
//   Verdict v;
//   opened.question->check(op, v);
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "guard/guard.hpp"
#include "guard/name_table.hpp"
#include "policy/blob.hpp"
#include "policy/parse.hpp"
#include "policy/surroundings.hpp"

namespace ap {

class PolicyQuestion;

struct OpenedPolicy {
  std::unique_ptr<PolicyQuestion> question;  // empty when there are errors
  std::vector<Diagnostic> diagnostics;       // errors, and lint's warnings
};

class PolicyQuestion {
 public:
  // `text`: JSON, or the name of a built-in group. `surroundings`: JSON as surroundings_from_json() reads it; empty = its defaults.
  static OpenedPolicy open(std::string_view text, std::string_view surroundings);

  int check(const Operation &operation, Verdict &verdict) const noexcept {
    return guard::check_against(view_, names_.get(), operation, verdict);
  }
  std::string_view rule_text(const Verdict &verdict) const noexcept { return guard::rule_text(view_, verdict); }
  std::string_view summary() const noexcept { return view_.summary(); }
  std::uint32_t needs() const noexcept { return guard::needs(view_); }
  const BlobView &view() const noexcept { return view_; }
  void note_answer(std::string_view host, const IpAddress &address) noexcept { names_->note(host, address); }

 private:
  PolicyQuestion(std::unique_ptr<std::uint64_t[]> bytes, BlobView view) : bytes_(std::move(bytes)), view_(view), names_(new NameTable) {}

  std::unique_ptr<std::uint64_t[]> bytes_;
  BlobView view_;
  std::unique_ptr<NameTable> names_;
};

}  // namespace ap
