// SPDX-License-Identifier: Apache-2.0
//
// The one table of every variable and file key: name, type, default, meaning. docs/configuration.md is made from it.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace ap::agent {

enum class OptionType : std::uint8_t { text, secret, boolean, count, seconds, log_level, destination, names, group };

// Accepted: read for compatibility, without effect.
enum class Effect : std::uint8_t { full, accepted };

enum class OptionId : std::uint8_t {
  key,
  secret,
  bundle_key,
  license_key,
  policy_group_name,
  hello_url,
  policy,
  policy_file,
  fail_closed,
  config_file,
  agent_enabled,
  plugins_enabled,
  plugins_disabled,
  handler,
  next_wrapper,
  app_name,
  log_file,
  log_level,
  event_log_file,
  cache_dir,
  ready_timeout,
  transaction_finish_timeout,
  http_timeout,
  min_report_size,
  initial_delay_ms,
  max_delay_ms,
  http_proxy_host,
  http_proxy_port,
  prefork_mode,
  debug_mode,
  log_timings,
  dev_mode,
  report_on_size_count,
  count_
};

struct Option {
  OptionId id;
  std::string_view variable;   // TREND_AP_KEY
  std::string_view alias;      // a second variable, read after the first; may be empty
  std::string_view key;        // in a configuration file
  std::string_view key_alias;  // older spelling of the key; may be empty
  OptionType type;
  std::string_view default_text;  // empty = not set
  Effect effect;
  std::string_view section;  // of docs/configuration.md
  std::string_view help;     // one or two sentences
};

std::span<const Option> options();
const Option& option(OptionId id);

// "true or false", "a whole number", ...: the end of "expected ...".
std::string_view expectation(OptionType type);

}  // namespace ap::agent
