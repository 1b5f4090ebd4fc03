// SPDX-License-Identifier: Apache-2.0
//
// Policy: one policy opened for questions (check, explain, conformance); nothing is enforced.
//
//   app_protect::Policy policy = app_protect::Policy::open(library, json);
//   if (!policy) print(policy.diagnostics());
//   app_protect::Answer a = policy.check(app_protect::Operation::file(AP_FILE_READ, "/tmp/x"));
//
// Header-only, no exceptions. Move-only: closes the policy at its end. The library must outlive it.
#pragma once
#include <app_protect/api.h>
#include <app_protect/library.hpp>
#include <app_protect/operation.hpp>

#include <string>
#include <string_view>
#include <utility>

namespace app_protect {

struct Answer {
  ap_verdict verdict{};
  std::string rule;  // "outbound.action"
};

class Policy {
 public:
  // `text`: JSON, or the name of a built-in group. `surroundings`: see ap_api::policy_open; empty = this machine's.
  static Policy open(const Library& library, std::string_view text, std::string_view surroundings = {}) {
    Policy policy;
    policy.api_ = library.api();
    policy.diagnostics_.resize(256 * 1024);
    policy.policy_ = policy.api_->policy_open(str(text), surroundings.empty() ? ap_str{nullptr, 0} : str(surroundings),
                                              policy.diagnostics_.data(), policy.diagnostics_.size());
    policy.diagnostics_.resize(std::char_traits<char>::length(policy.diagnostics_.c_str()));
    return policy;
  }

  Policy(Policy&& other) noexcept
      : api_(other.api_), policy_(std::exchange(other.policy_, nullptr)), diagnostics_(std::move(other.diagnostics_)) {}
  Policy& operator=(Policy&& other) noexcept {
    std::swap(api_, other.api_);
    std::swap(policy_, other.policy_);
    std::swap(diagnostics_, other.diagnostics_);
    return *this;
  }
  ~Policy() {
    if (policy_ != nullptr) api_->policy_close(policy_);
  }

  explicit operator bool() const noexcept { return policy_ != nullptr; }
  const std::string& diagnostics() const noexcept {
    return diagnostics_;
  }  // "place: message" lines; warnings of a valid one

  Answer check(Operation operation) const {
    Answer answer;
    api_->policy_check(policy_, &operation.c(), &answer.verdict);
    answer.rule = view(api_->policy_rule_text(policy_, &answer.verdict));
    return answer;
  }

  // As if `host` had been looked up and answered `address` (4 or 16 bytes, family 4 or 6).
  void note_answer(const std::string& host, const uint8_t* address, uint8_t family) const {
    api_->policy_note_answer(policy_, str(host), address, family);
  }

  std::string summary() const {
    std::string text(api_->policy_summary(policy_, nullptr, 0) + 1, '\0');
    api_->policy_summary(policy_, text.data(), text.size());
    text.pop_back();
    return text;
  }

 private:
  Policy() = default;
  const ap_api* api_ = nullptr;
  ap_policy* policy_ = nullptr;
  std::string diagnostics_;
};

}  // namespace app_protect
