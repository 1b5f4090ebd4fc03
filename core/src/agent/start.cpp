// SPDX-License-Identifier: Apache-2.0
#include "agent/start.hpp"

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <atomic>

#include "agent/configuration.hpp"
#include "agent/environment.hpp"
#include "agent/line2.hpp"
#include "agent/platform.hpp"
#include "agent/policy_choice.hpp"
#include "base/clock.hpp"
#include "base/json.hpp"
#include "event/owner.hpp"
#include "event/report.hpp"
#include "event/writer.hpp"
#include "guard/guard.hpp"
#include "guard/image.hpp"
#include "policy/blob.hpp"
#include "policy/compile.hpp"
#include "policy/groups.hpp"

namespace ap::agent {
namespace {

enum class State : int { idle, starting, enforcing, disabled, failed };
std::atomic<State> g_state{State::idle};

// What status() tells beside the sealed values. Written before g_state says enforcing, never freed.
std::vector<std::string>* g_warnings = nullptr;
std::string* g_failure = nullptr;

template <std::size_t N>
void copy(char (&to)[N], std::string_view from) {
  const std::size_t n = from.size() < N - 1 ? from.size() : N - 1;
  memcpy(to, from.data(), n);
  to[n] = '\0';
}

std::string_view view_of(const ap_str& s) {
  return s.data != nullptr ? std::string_view(s.data, s.size) : std::string_view();
}

std::string library_path() {
  Dl_info info{};
  if (dladdr(reinterpret_cast<const void*>(&app_protect_api), &info) == 0 || info.dli_fname == nullptr) return "";
  char real[PATH_MAX];
  return realpath(info.dli_fname, real) != nullptr ? real : "";
}

std::string working_directory() {
  char here[PATH_MAX];
  return getcwd(here, sizeof here) != nullptr ? here : "";
}

// Every line of a start goes out through here: kept until the log is open.
class Notes {
 public:
  void warn(const std::string& text) { warnings_.push_back(text); }
  void add(const std::vector<std::string>& texts) { warnings_.insert(warnings_.end(), texts.begin(), texts.end()); }
  void write() const {
    for (const std::string& text : warnings_) event::log(LogLevel::warn, text);
  }
  std::vector<std::string>* keep() const { return new std::vector<std::string>(warnings_); }

 private:
  std::vector<std::string> warnings_;
};

Sink open_destination(const Destination& where, std::string_view what, Notes& notes,
                      std::vector<std::string>& own_paths) {
  if (where.kind == Destination::Kind::standard_output) return event::open_standard(1);
  if (where.kind == Destination::Kind::standard_error) return event::open_standard(2);
  auto file = event::open_file(where.path.c_str());
  if (file) {
    char real[PATH_MAX];
    if (realpath(where.path.c_str(), real) != nullptr) own_paths.emplace_back(real);
    return *file;
  }
  notes.warn(std::string(what) + ": " + file.error().message + "; standard error is used");
  return event::open_standard(2);
}

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : ", ") + word;
  return out;
}

std::string milliseconds_since(std::uint64_t started_ns) {
  char text[32];
  snprintf(text, sizeof text, "%.1f ms", static_cast<double>(monotonic_ns() - started_ns) / 1e6);
  return text;
}

std::string start_up_line(const Settings& s, const BlobView& policy, std::uint64_t started_ns) {
  std::string line = std::string(s.version) + " enforcing \"" + s.policy_group + "\"";
  if (s.policy_version >= 0) line += " v" + std::to_string(s.policy_version);
  line += " from " + std::string(s.policy_source) + ": " + std::string(policy.summary());
  return line + " (" + milliseconds_since(started_ns) + ")";
}

int fail(const std::string& text, std::string& message) {
  message = text;
  g_failure = new std::string(text);
  event::log(LogLevel::error, text);
  g_state.store(State::failed, std::memory_order_release);
  return AP_FAILED;
}

int enforce(const ap_start_options& options, std::uint64_t started_ns, std::string& message) {
  const Environment env = Environment::of_this_process();
  Places places;
  places.working_directory = working_directory();
  places.main_dir = view_of(options.main_dir);
  places.task_root = env.get("LAMBDA_TASK_ROOT").value_or("");
  places.library = library_path();

  // Standard error until the configuration says otherwise: a broken configuration must be able to say so.
  const Sink standard_error = event::borrow_standard(2);
  event::begin(standard_error, standard_error, LogLevel::info);

  const auto disabled = [] {
    event::log(LogLevel::warn, "switched off by TREND_AP_AGENT_ENABLED: nothing is guarded in this process");
    g_state.store(State::disabled, std::memory_order_release);
    return int{AP_DISABLED};
  };
  // The switch works whatever else is wrong.
  Config only_switch;
  if (auto value = env.get("TREND_AP_AGENT_ENABLED")) {
    only_switch.settings[static_cast<std::size_t>(OptionId::agent_enabled)] =
        Setting{std::string(*value), "TREND_AP_AGENT_ENABLED"};
    if (!agent_enabled(only_switch)) return disabled();
  }

  auto read = read_configuration(env, places);
  for (const char* secret : {"TREND_AP_SECRET", "IMMUNIO_SECRET"}) Environment::wipe(secret);
  if (!read) return fail(read.error().message, message);
  if (!agent_enabled(*read)) return disabled();
  auto final = finalize(std::move(*read));
  if (!final) return fail(final.error().message, message);
  const FinalConfig& config = *final;

  const Platform platform = detect_platform(env);
  Notes notes;
  std::vector<std::string> own_paths = {config.cache_dir};
  const Destination host_default{
      platform.on_function_host ? Destination::Kind::standard_output : Destination::Kind::standard_error, ""};
  const Sink log_sink = open_destination(config.log, "TREND_AP_LOG_FILE", notes, own_paths);
  const Sink event_sink =
      open_destination(config.events.value_or(host_default), "TREND_AP_EVENT_LOG_FILE", notes, own_paths);
  event::close_sinks();
  event::begin(event_sink, log_sink, config.log_level);
  notes.add(config.warnings);
  if (platform.ambiguous)
    notes.warn("variables of more than one cloud provider are set: allow_cloud_provider grants nothing");
  if (config.hooks_disabled != 0) {
    const std::string what =
        "switched off by TREND_AP_PLUGINS_ENABLED / TREND_AP_PLUGINS_DISABLED: " + joined(config.disabled_names);
    if (config.fail_closed) return fail(what + ", which TREND_AP_FAIL_CLOSED does not allow", message);
    notes.warn(what + " (not guarded)");
  }

  const auto text = [](const std::optional<Setting>& s) { return s ? s->value : std::string(); };
  control::NoConsole console({text(config.key), text(config.secret), text(config.license_key), text(config.bundle_key),
                              text(config.hello_url)});
  auto choice = choose_policy(config, places, console);
  if (!choice) {
    notes.write();
    return fail(choice.error().message, message);
  }
  notes.add(choice->warnings);
  if (const std::string notice = console.notice(); !notice.empty()) notes.warn(notice);

  auto blob = compile(choice->policy, surroundings_of(env, platform, places, own_paths));
  if (!blob) {
    notes.write();
    return fail(blob.error().message, message);
  }

  Settings s{};
  s.size = sizeof s;
  s.log_level = config.log_level;
  s.fail_closed = config.fail_closed;
  s.on_function_host = platform.on_function_host;
  s.hooks_disabled = config.hooks_disabled;
  s.event_sink = event_sink;
  s.log_sink = log_sink;
  s.owner_pid = getpid();
  s.owner_start_ticks = event::start_ticks(s.owner_pid);
  s.blocked = choice->policy.on_deny == OnDeny::block ? event::share_blocked() : Sink{-1, 0, 0, 0};
  copy(s.function, platform.function.empty() ? config.app_name : platform.function);
  const std::string_view runtime = view_of(options.runtime);
  copy(s.runtime, runtime.empty() ? std::string_view(platform.runtime) : runtime);
  copy(s.language, view_of(options.language));
  copy(s.library, places.library);
  copy(s.policy_group, group_print(choice->policy.name));
  copy(s.policy_source, choice->source);
  copy(s.version, APP_PROTECT_VERSION);
  s.policy_version = choice->policy.version;

  auto done = seal(s, *blob);
  if (!done) {
    notes.write();
    return fail("cannot seal the policy: " + done.error().message, message);
  }
  auto hooked = install_line2(needs(), (s.hooks_disabled & kInterposeDisabled) != 0);
  if (!hooked) {
    const std::string what = "the second line of hooks is not in place: " + hooked.error().message;
    // `run` guards through the second line alone.
    if (config.fail_closed || (options.attach == AP_ATTACH_RUN && policy()->header().denies)) {
      notes.write();
      return fail(what, message);
    }
    notes.warn(what);
    event::health("hooks_not_installed", hooked.error().message);
  }

  notes.write();
  for (const std::string& detail : config.details) event::log(LogLevel::debug, detail);
  if (!config.file.empty()) event::log(LogLevel::debug, "configuration file: " + config.file);
  if (!choice->health.empty()) event::health("policy_unavailable", choice->health);
  if (config.hooks_disabled != 0) event::health("plugins_disabled", joined(config.disabled_names));
  event::log(LogLevel::info, start_up_line(settings(), *policy(), started_ns));
  g_warnings = notes.keep();
  g_state.store(State::enforcing, std::memory_order_release);
  return AP_STARTED;
}

}  // namespace

int start(const ap_start_options& options, std::string& message) {
  const std::uint64_t started_ns = options.started_ns != 0 ? options.started_ns : monotonic_ns();
  State idle = State::idle;
  if (sealed() && g_state.load(std::memory_order_acquire) == State::idle) return AP_ALREADY;  // a handed-over child
  if (!g_state.compare_exchange_strong(idle, State::starting, std::memory_order_acq_rel)) {
    for (int i = 0; idle == State::starting && i < 5000; ++i) {  // another thread is at it
      usleep(1000);
      idle = g_state.load(std::memory_order_acquire);
    }
    if (idle == State::disabled) return AP_DISABLED;
    if (idle == State::failed) {
      message = *g_failure;
      return AP_FAILED;
    }
    return AP_ALREADY;
  }
  return enforce(options, started_ns, message);
}

std::uint32_t needs() noexcept {
  const BlobView* blob = policy();
  return blob != nullptr ? guard::needs(*blob) & ~std::uint32_t{settings().hooks_disabled} : 0;
}

std::string status() {
  const State state = g_state.load(std::memory_order_acquire);
  const bool on = sealed();
  std::string_view word = on                         ? "enforcing"
                          : state == State::disabled ? "disabled"
                          : state == State::failed   ? "failed"
                                                     : "not started";
  const Settings& s = settings();
  const event::Counters c = event::counters();
  std::string out = "{\"version\":\"" APP_PROTECT_VERSION "\",\"state\":" + json::quoted(word);
  if (on) {
    out += ",\"policy\":{\"group\":" + json::quoted(s.policy_group);
    out += ",\"version\":" + (s.policy_version >= 0 ? std::to_string(s.policy_version) : "null");
    out += ",\"source\":" + json::quoted(s.policy_source) + ",\"summary\":" + json::quoted(policy()->summary()) + "}";
    out += ",\"function\":" + (s.function[0] != '\0' ? json::quoted(s.function) : "null");
    out += ",\"runtime\":" + (s.runtime[0] != '\0' ? json::quoted(s.runtime) : "null");
    out += ",\"needs\":[";
    const char* comma = "";
    const struct {
      std::uint32_t bit;
      const char* name;
    } kNames[] = {{AP_NEED_FILES, "files"},
                  {AP_NEED_NETWORK, "network"},
                  {AP_NEED_PROCESSES, "processes"},
                  {AP_NEED_NATIVE, "native"}};
    for (const auto& n : kNames)
      if ((needs() & n.bit) != 0) out += std::string(comma) + "\"" + n.name + "\"", comma = ",";
    out += "],\"instance\":" + json::quoted(event::instance());
    out += ",\"pid\":" + std::to_string(getpid());
    out += ",\"events\":{\"observed\":" + std::to_string(c.observed) + ",\"denied\":" + std::to_string(c.denied) +
           ",\"lines\":" + std::to_string(c.lines) + ",\"dropped\":" + std::to_string(c.dropped) + "}";
  }
  if (state == State::failed) out += ",\"failure\":" + json::quoted(*g_failure);
  out += ",\"warnings\":[";
  if (state == State::enforcing)
    for (std::size_t i = 0; i < g_warnings->size(); ++i) out += (i != 0 ? "," : "") + json::quoted((*g_warnings)[i]);
  return out + "]}";
}

}  // namespace ap::agent
