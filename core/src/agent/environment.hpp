// SPDX-License-Identifier: Apache-2.0
//
// Environment: the variables as they were when the agent started. Read once, before user code; nothing of ours looks at
// the environment again, so that what user code sets later changes nothing. Tests build one from a list.
//
//   Environment env = Environment::of_this_process();
//   if (auto root = env.get("LAMBDA_TASK_ROOT")) ...
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ap::agent {

class Environment {
 public:
  using Variable = std::pair<std::string, std::string>;

  // INVARIANT: the only place of the core that reads `environ`.
  static Environment of_this_process();
  explicit Environment(std::vector<Variable> variables) : variables_(std::move(variables)) {}

  // The first variable of that name, as getenv() finds it; an empty value counts as not set.
  std::optional<std::string_view> get(std::string_view name) const;
  bool is_set(std::string_view name) const;  // also when empty
  const std::vector<Variable>& all() const { return variables_; }

  // Overwrites the value of every variable `name` in the process's own environment block (what /proc/self/environ
  // shows) and takes it out of `environ`.
  static void wipe(std::string_view name);

 private:
  std::vector<Variable> variables_;
};

}  // namespace ap::agent
