// SPDX-License-Identifier: Apache-2.0
#include "agent/options.hpp"

#include <array>

namespace ap::agent {
namespace {

using enum OptionType;
constexpr std::string_view kPolicy = "Policy", kAgent = "Agent", kOutput = "Output", kConsole = "Console",
                           kAccepted = "Accepted without effect";

// In the order of OptionId.
constexpr std::array<Option, static_cast<std::size_t>(OptionId::count_)> kOptions = {{
    {OptionId::key, "TREND_AP_KEY", "", "key", "", secret, "", Effect::full, kConsole,
     "Key of the group's credentials. Without a console that is known, one warning says so and the local policy "
     "applies."},
    {OptionId::secret, "TREND_AP_SECRET", "", "secret", "", secret, "", Effect::full, kConsole,
     "Secret of the group's credentials. Wiped from the environment before user code runs."},
    {OptionId::bundle_key, "TREND_AP_BUNDLE_KEY", "", "bundle_key", "", text, "", Effect::full, kConsole,
     "Public key (Ed25519, base64) that signs policy bundles."},
    {OptionId::license_key, "ES_LICENSE_KEY", "", "license_key", "", secret, "", Effect::full, kConsole,
     "One-string credential of the console. Any other text is accepted and means \"no console\"."},
    {OptionId::policy_group_name, "ES_POLICY_GROUP_NAME", "", "policy_group_name", "", group, "", Effect::full, kPolicy,
     "Policy group by name, any case; `x` and `x.ability` are the same group. Chooses the file where "
     "`TREND_AP_POLICY_FILE` is a folder, else "
     "the built-in group: `observeAll.ability` (also when nothing is set), `grantAll.ability`, `denyAll.ability`, "
     "`cloudOnly.ability`."},
    {OptionId::hello_url, "TREND_AP_HELLO_URL", "", "hello_url", "", text, "", Effect::full, kConsole,
     "Entry URL of the console. Hosts of the retired vendors are never contacted."},
    {OptionId::policy, "TREND_AP_POLICY", "", "policy", "", text, "", Effect::full, kPolicy,
     "The policy itself, as JSON. Comes before every other source."},
    {OptionId::policy_file, "TREND_AP_POLICY_FILE", "", "policy_file", "", text, "", Effect::full, kPolicy,
     "Policy file, or a folder that holds `<group>.json`. Without it, `app_protect.json` in the task root is used "
     "where it exists."},
    {OptionId::fail_closed, "TREND_AP_FAIL_CLOSED", "", "fail_closed", "", boolean, "false", Effect::full, kPolicy,
     "No enforcement, no function: what would be a warning about enforcement fails the start instead."},
    {OptionId::config_file, "TREND_AP_CONFIG_FILE", "", "", "", text, "", Effect::full, kAgent,
     "Configuration file (`.json`, anything else is read as ini). Overrides the search."},
    {OptionId::agent_enabled, "TREND_AP_AGENT_ENABLED", "", "agent_enabled", "", boolean, "true", Effect::full, kAgent,
     "`false` switches everything off; one line in the log says so."},
    {OptionId::plugins_enabled, "TREND_AP_PLUGINS_ENABLED", "", "plugins_enabled", "plugins_enable", names, "",
     Effect::full, kAgent,
     "Comma list of what is guarded: `files`, `network`, `processes`, `native`. Older names are understood: `file_io`, "
     "`shell_command`, `rce`; "
     "`sqli` and `redirect` mean nothing here. A list of older names alone leaves `network` and `native` on. What is "
     "off is said loudly."},
    {OptionId::plugins_disabled, "TREND_AP_PLUGINS_DISABLED", "", "plugins_disabled", "plugins_disable", names, "",
     Effect::full, kAgent,
     "Comma list of what is not guarded; the names above and `interpose` (the second line of hooks)."},
    {OptionId::handler, "TREND_AP_HANDLER", "", "handler", "", text, "", Effect::full, kAgent,
     "The function's own handler, where `trend_app_protect_handler.handler` is the one that the platform calls."},
    {OptionId::next_wrapper, "TREND_AP_NEXT_WRAPPER", "", "", "", text, "", Effect::full, kAgent,
     "Another exec wrapper, to run inside ours."},
    {OptionId::app_name, "ES_APP_NAME", "", "app_name", "", text, "", Effect::full, kAgent,
     "Name of the function in events, where the platform gives none."},
    {OptionId::log_file, "TREND_AP_LOG_FILE", "", "log_file", "", destination, "STDERR", Effect::full, kOutput,
     "Where status lines go: a path, `STDERR` or `STDOUT`."},
    {OptionId::log_level, "TREND_AP_LOG_LEVEL", "ES_LOG_LEVEL", "log_level", "", log_level, "info", Effect::full,
     kOutput, "`error`, `warn`, `info`, `debug` or `trace`, any case."},
    {OptionId::event_log_file, "TREND_AP_EVENT_LOG_FILE", "", "event_log_file", "defence.log_file", destination, "",
     Effect::full, kOutput,
     "Where event lines go: a path, `STDOUT` or `STDERR`. Without it standard output on Lambda and in other function "
     "runtimes, standard error elsewhere."},
    {OptionId::cache_dir, "TREND_AP_CACHE_DIR", "", "cache_dir", "", text, "/tmp/trend_cache", Effect::full, kConsole,
     "Folder of signed policy bundles. User code cannot reach it while the policy denies anything."},
    {OptionId::ready_timeout, "TREND_AP_READY_TIMEOUT", "", "ready_timeout", "", seconds, "1", Effect::full, kConsole,
     "Seconds to wait for a policy of the console when none is at hand."},
    {OptionId::transaction_finish_timeout, "TREND_AP_TRANSACTION_FINISH_TIMEOUT", "", "transaction_finish_timeout", "",
     seconds, "0.25", Effect::full, kConsole, "Seconds that an invocation may wait to deliver denials to the console."},
    {OptionId::http_timeout, "TREND_AP_HTTP_TIMEOUT", "", "http_timeout", "", seconds, "5", Effect::full, kConsole,
     "Seconds for one call to the console."},
    {OptionId::min_report_size, "TREND_AP_MIN_REPORT_SIZE", "", "min_report_size", "", OptionType::count, "1",
     Effect::full, kConsole, "Report to the console when this many events are queued."},
    {OptionId::initial_delay_ms, "TREND_AP_INITIAL_DELAY_MS", "", "initial_delay_ms", "", OptionType::count, "1",
     Effect::full, kConsole, "First pause before a report is tried again, milliseconds."},
    {OptionId::max_delay_ms, "TREND_AP_MAX_DELAY_MS", "", "max_delay_ms", "", OptionType::count, "100", Effect::full,
     kConsole, "Longest such pause, milliseconds."},
    {OptionId::http_proxy_host, "TREND_AP_HTTP_PROXY_HOST", "", "http_proxy_host", "", text, "", Effect::full, kConsole,
     "Proxy for calls to the console."},
    {OptionId::http_proxy_port, "TREND_AP_HTTP_PROXY_PORT", "", "http_proxy_port", "", OptionType::count, "",
     Effect::full, kConsole, "Its port."},
    {OptionId::prefork_mode, "TREND_AP_PREFORK_MODE", "", "prefork_mode", "", boolean, "false", Effect::accepted,
     kAccepted, "Forked processes are always covered."},
    {OptionId::debug_mode, "TREND_AP_DEBUG_MODE", "", "debug_mode", "", boolean, "false", Effect::accepted, kAccepted,
     "Use `TREND_AP_LOG_LEVEL=debug`."},
    {OptionId::log_timings, "TREND_AP_LOG_TIMINGS", "", "log_timings", "", boolean, "false", Effect::accepted,
     kAccepted, "The start-up line has the time."},
    {OptionId::dev_mode, "TREND_AP_DEV_MODE", "", "dev_mode", "", boolean, "false", Effect::accepted, kAccepted,
     "Nothing to switch."},
    {OptionId::report_on_size_count, "TREND_AP_REPORT_ON_SIZE_COUNT", "", "report_on_size_count", "", text, "",
     Effect::accepted, kAccepted, "Nothing to switch."},
}};

constexpr bool in_order() {
  for (std::size_t i = 0; i < kOptions.size(); ++i)
    if (static_cast<std::size_t>(kOptions[i].id) != i) return false;
  return true;
}
static_assert(in_order());

}  // namespace

std::span<const Option> options() {
  return kOptions;
}

const Option& option(OptionId id) {
  return kOptions[static_cast<std::size_t>(id)];
}

std::string_view expectation(OptionType type) {
  switch (type) {
    case text:
    case secret:
      return "text";
    case boolean:
      return "`true` or `false`";
    case OptionType::count:
      return "a whole number";
    case seconds:
      return "a number of seconds, such as 0.25";
    case OptionType::log_level:
      return "`error`, `warn`, `info`, `debug` or `trace`";
    case destination:
      return "a path, `STDERR` or `STDOUT`";
    case names:
      return "a comma list of `files`, `network`, `processes`, `native`, `interpose`";
    case group:
      return "letters, digits, `_` and `-`, with or without the suffix `.ability`";
  }
  return "text";
}

}  // namespace ap::agent
