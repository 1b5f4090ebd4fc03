// SPDX-License-Identifier: Apache-2.0
//
// Configuration: variables and file to a checked FinalConfig. Precedence, per option: variable, its alias, the file,
// the older IMMUNIO_ prefix, the default.
//
//   Result<Config> config = read_configuration(env, where);
//   Result<FinalConfig> final = finalize(std::move(*config));
//
// A bad value that decides about enforcement is an error; any other keeps the default and becomes a warning. Each names
// the variable, the value and what is expected.
#pragma once
#include <array>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/environment.hpp"
#include "agent/options.hpp"
#include "base/result.hpp"
#include "guard/settings.hpp"

namespace ap::agent {

// A value with where it stood, as messages name it: "TREND_AP_LOG_LEVEL", "`log_level` in /etc/trend_app_protect.ini".
struct Setting {
  std::string value;
  std::string origin;
};

struct Config {
  std::array<std::optional<Setting>, static_cast<std::size_t>(OptionId::count_)> settings;
  std::vector<std::string> warnings;  // unknown names, empty values
  std::vector<std::string> details;   // debug level: accepted options without effect
  std::string file;                   // the configuration file that was read; empty = none

  const std::optional<Setting>& operator[](OptionId id) const { return settings[static_cast<std::size_t>(id)]; }
};

// Where files are looked for. Empty = not known.
struct Places {
  std::string working_directory, main_dir, task_root;
  std::string library;  // absolute path of this library: node_modules is looked for in it
};

Result<Config> read_configuration(const Environment& env, const Places& places);

// The switch is asked for before anything can fail: a deployment must be able to turn a broken configuration off.
bool agent_enabled(const Config& config);

// Bits of Settings::hooks_disabled: the ap_need of the dimension, and this for line 2.
constexpr std::uint8_t kInterposeDisabled = 16;

struct Destination {
  enum class Kind { standard_output, standard_error, path } kind = Kind::standard_error;
  std::string path;
};

struct FinalConfig {
  bool fail_closed = false;
  std::optional<Setting> policy, policy_file;
  std::string group;  // lower case, without ".ability"; empty = not set
  std::string group_origin;
  bool group_is_valid = true;
  std::uint8_t hooks_disabled = 0;
  std::vector<std::string> disabled_names;  // for the loud line
  Destination log;
  LogLevel log_level = LogLevel::info;
  std::optional<Destination> events;  // absent: the host decides
  std::string cache_dir, app_name, handler;
  std::optional<Setting> key, secret, license_key, hello_url, bundle_key;
  std::chrono::milliseconds ready_timeout{1000}, transaction_finish_timeout{250}, http_timeout{5000};
  std::chrono::milliseconds initial_delay{1}, max_delay{100};
  std::uint32_t min_report_size = 1;
  std::string http_proxy_host;
  std::uint16_t http_proxy_port = 0;
  std::string file;
  std::vector<std::string> warnings, details;
};

Result<FinalConfig> finalize(Config config);

// "Orders.ABILITY" -> "orders"; empty when it is no group name.
std::string normal_group(std::string_view name);

}  // namespace ap::agent
