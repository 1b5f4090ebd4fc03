// SPDX-License-Identifier: Apache-2.0
//
// PolicySource: where a policy comes from when none is local. The console client will be one; until then, and wherever
// no console is known, `no_console()` says why in one warning and the agent goes on to the built-in groups. Nothing is
// contacted.
//
//   Bundle b = source.policy("orders");
//   if (b.state == Bundle::State::none) use_built_in_group();
#pragma once
#include <string>
#include <string_view>

namespace ap::control {

// What the configuration knows about a console. Texts are empty where not set.
struct Credentials {
  std::string key{}, secret{}, license_key{}, bundle_key{}, hello_url{};
};

struct Bundle {
  enum class State { none, ready };
  State state = State::none;
  std::string policy;  // ready: JSON
};

class PolicySource {
 public:
  virtual ~PolicySource() = default;
  // The policy of `group` (lower case, without suffix; empty = the credentials' own). Never waits past the ready
  // timeout.
  virtual Bundle policy(std::string_view group) = 0;
  // One line for the log when the credentials promise more than there is; empty otherwise. Said once per start,
  // whatever the policy comes from.
  virtual std::string notice() = 0;
};

// Names no console: the credentials are a retired vendor's, or this build has no client for the one they name.
class NoConsole final : public PolicySource {
 public:
  explicit NoConsole(Credentials credentials) : credentials_(std::move(credentials)) {}
  Bundle policy(std::string_view) override { return {}; }
  std::string notice() override;

 private:
  Credentials credentials_;
};

// Whether `url` leads to a host that a retired vendor ran: these are never contacted.
bool is_retired_host(std::string_view url);

}  // namespace ap::control
