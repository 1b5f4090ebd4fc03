// SPDX-License-Identifier: Apache-2.0
#include "policy/model.hpp"

namespace ap {

std::string_view name_of(Action action) {
  constexpr std::string_view names[] = {"grant", "observe", "deny"};
  return names[static_cast<int>(action)];
}
std::string_view name_of(OnDeny on_deny) {
  constexpr std::string_view names[] = {"raise", "block", "terminate"};
  return names[static_cast<int>(on_deny)];
}
std::string_view name_of(ProviderLevel level) {
  constexpr std::string_view names[] = {"off", "strict", "services", "all"};
  return names[static_cast<int>(level)];
}

bool Policy::denies() const {
  for (Action action : {outbound, local, tmp.read, tmp.write, application.read, application.write, elsewhere.read,
                        elsewhere.write, child, unguarded, native})
    if (action == Action::deny) return true;
  for (const PathRule& rule : path_rules)
    if (rule.read == Action::deny || rule.write == Action::deny) return true;
  for (const CommandRule& rule : command_rules)
    if (rule.action == Action::deny) return true;
  return false;
}

std::string summary(const Policy& policy) {
  auto pair = [](const Directions& d) { return std::string(name_of(d.read)) + "/" + std::string(name_of(d.write)); };
  std::string text = "outbound " + std::string(name_of(policy.outbound)) + ", tmp rw " + pair(policy.tmp) +
                     ", app rw " + pair(policy.application) + ", child " + std::string(name_of(policy.child));
  if (policy.elsewhere.read != Action::grant || policy.elsewhere.write != Action::grant)
    text += ", elsewhere rw " + pair(policy.elsewhere);
  if (policy.local != Action::grant) text += ", local " + std::string(name_of(policy.local));
  if (policy.unguarded != policy.implied) text += ", unguarded " + std::string(name_of(policy.unguarded));
  if (policy.native != policy.implied) text += ", native " + std::string(name_of(policy.native));
  return text;
}

}  // namespace ap
