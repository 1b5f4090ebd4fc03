// SPDX-License-Identifier: Apache-2.0
#include "agent/configuration.hpp"

#include <app_protect/api.h>
#include <stdlib.h>

#include <algorithm>

#include "agent/configuration_file.hpp"
#include "policy/parse.hpp"

namespace ap::agent {
namespace {

constexpr std::size_t kFileLimit = 6u << 20;  // a policy of 4 MB may stand in it

std::string lower(std::string_view s) {
  std::string out(s);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return out;
}

bool starts_with(std::string_view s, std::string_view prefix) {
  return s.substr(0, prefix.size()) == prefix;
}

std::string_view trim(std::string_view s) {
  while (!s.empty() && (s.front() == ' ' || s.front() == '\t' || s.front() == '\n' || s.front() == '\r'))
    s.remove_prefix(1);
  while (!s.empty() && (s.back() == ' ' || s.back() == '\t' || s.back() == '\n' || s.back() == '\r'))
    s.remove_suffix(1);
  return s;
}

// The value as a message may show it: short, on one line, and nothing of a credential.
std::string shown(const Option& option, std::string_view value) {
  if (option.type == OptionType::secret) return "(not shown)";
  std::string out;
  for (char c : value.substr(0, 80)) out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  return "`" + out + (value.size() > 80 ? "...`" : "`");
}

std::string expected(const Option& option, const Setting& s) {
  return s.origin + " is " + shown(option, s.value) + ", expected " + std::string(expectation(option.type));
}

std::vector<std::string_view> variable_names(std::string_view prefix) {
  std::vector<std::string_view> names;
  for (const Option& o : options())
    for (std::string_view name : {o.variable, o.alias})
      if (!name.empty() && starts_with(name, prefix)) names.push_back(name);
  return names;
}

bool known_variable(std::string_view name) {
  for (const Option& o : options())
    if (o.variable == name || o.alias == name) return true;
  return false;
}

void warn_unknown_variables(const Environment& env, Config& config) {
  for (const auto& [name, value] : env.all()) {
    const bool trend = starts_with(name, "TREND_AP_"), es = starts_with(name, "ES_");
    if ((!trend && !es) || known_variable(name)) continue;
    const std::string_view near = nearest_name(name, variable_names(trend ? "TREND_AP_" : "ES_"));
    if (near.empty() && es) continue;  // Elasticsearch users have their own
    config.warnings.push_back("`" + name + "` is not a variable of App Protect and is ignored" +
                              (near.empty() ? std::string("; docs/configuration.md lists them")
                                            : "; did you mean `" + std::string(near) + "`?"));
  }
}

struct ConfigurationFile {
  std::string path;
  KeyValues values;
};

Result<std::optional<ConfigurationFile>> load(const std::string& path, bool named) {
  const FileText file = read_file(path, kFileLimit);
  if (file.state == FileState::missing && !named) return std::optional<ConfigurationFile>();
  if (file.state != FileState::read) {
    const std::string where = named ? "TREND_AP_CONFIG_FILE names `" + path + "`" : "configuration file `" + path + "`";
    return Error{ErrorCode::invalid_config, where + ": " + file.text};
  }
  const bool json = path.size() > 5 && path.substr(path.size() - 5) == ".json";
  Result<KeyValues> values = json ? parse_json_configuration(file.text) : parse_ini(file.text);
  if (!values) return values.error().with("configuration file `" + path + "`");
  return std::optional<ConfigurationFile>(ConfigurationFile{path, std::move(*values)});
}

Result<std::optional<ConfigurationFile>> find_file(const Environment& env, const Places& places) {
  if (auto named = env.get("TREND_AP_CONFIG_FILE")) return load(std::string(*named), true);
  std::vector<std::string> candidates;
  const auto add = [&](const std::string& folder, std::string_view name) {
    if (folder.empty()) return;
    std::string path = (folder == "/" ? "" : folder) + "/" + std::string(name);
    if (std::find(candidates.begin(), candidates.end(), path) == candidates.end())
      candidates.push_back(std::move(path));
  };
  for (const std::string* folder : {&places.task_root, &places.main_dir, &places.working_directory})
    add(*folder, "trend_app_protect.ini");
  add(places.working_directory, "trend_app_protect.json");
  add(places.main_dir, "trend_app_protect.json");
  if (const std::size_t at = places.library.find("/node_modules/"); at != std::string::npos)
    add(places.library.substr(0, at), "trend_app_protect.json");
  add("/etc", "trend_app_protect.ini");
  for (const std::string& path : candidates) {
    auto found = load(path, false);
    if (!found || *found) return found;
  }
  return std::optional<ConfigurationFile>();
}

const Option* option_of_key(std::string_view key) {
  for (const Option& o : options())
    if (!o.key.empty() && (o.key == key || (!o.key_alias.empty() && o.key_alias == key))) return &o;
  return nullptr;
}

void take_file(const ConfigurationFile& file, Config& config) {
  for (const auto& [key, value] : file.values) {
    const Option* o = option_of_key(key);
    if (o == nullptr) {
      std::vector<std::string_view> keys;
      for (const Option& known : options())
        if (!known.key.empty()) keys.push_back(known.key);
      const std::string_view near = nearest_name(key, keys);
      config.warnings.push_back("`" + key + "` in " + file.path + " is not a key of App Protect and is ignored" +
                                (near.empty() ? "" : "; did you mean `" + std::string(near) + "`?"));
      continue;
    }
    auto& slot = config.settings[static_cast<std::size_t>(o->id)];
    if (!slot && !value.empty()) slot = Setting{value, "`" + key + "` in " + file.path};
  }
}

std::optional<bool> as_boolean(std::string_view value) {
  const std::string v = lower(trim(value));
  if (v == "true" || v == "1" || v == "yes" || v == "on") return true;
  if (v == "false" || v == "0" || v == "no" || v == "off") return false;
  return std::nullopt;
}

std::optional<double> as_number(std::string_view value) {
  const std::string v(trim(value));
  if (v.empty() || v.find_first_not_of("0123456789.") != std::string::npos) return std::nullopt;
  char* end = nullptr;
  const double number = strtod(v.c_str(), &end);
  return *end == '\0' && number <= 1e6 ? std::optional<double>(number) : std::nullopt;
}

std::optional<LogLevel> as_log_level(std::string_view value) {
  const std::string v = lower(trim(value));
  if (v == "error") return LogLevel::error;
  if (v == "warn" || v == "warning") return LogLevel::warn;
  if (v == "info") return LogLevel::info;
  if (v == "debug") return LogLevel::debug;
  if (v == "trace") return LogLevel::trace;
  return std::nullopt;
}

Destination as_destination(std::string_view value) {
  const std::string word = lower(trim(value));
  if (word == "stdout") return {Destination::Kind::standard_output, ""};
  if (word == "stderr") return {Destination::Kind::standard_error, ""};
  return {Destination::Kind::path, std::string(trim(value))};
}

std::vector<std::string> as_list(std::string_view value) {
  std::vector<std::string> out;
  while (!value.empty()) {
    const std::size_t comma = value.find(',');
    if (std::string_view word = trim(value.substr(0, comma)); !word.empty()) out.push_back(lower(word));
    value.remove_prefix(comma == std::string_view::npos ? value.size() : comma + 1);
  }
  return out;
}

struct Plugin {
  std::string_view name;
  std::uint8_t bits;
  bool older;
};
constexpr Plugin kPlugins[] = {
    {"files", AP_NEED_FILES, false},
    {"network", AP_NEED_NETWORK, false},
    {"processes", AP_NEED_PROCESSES, false},
    {"native", AP_NEED_NATIVE, false},
    {"interpose", kInterposeDisabled, false},
    {"file_io", AP_NEED_FILES, true},
    {"shell_command", AP_NEED_PROCESSES, true},
    {"rce", AP_NEED_PROCESSES, true},
    {"sqli", 0, true},
    {"redirect", 0, true},
};

// Bits named by the list; `all_older` when no name is one of ours.
std::uint8_t plugin_bits(const Setting& list, FinalConfig& out, bool& all_older) {
  std::uint8_t bits = 0;
  all_older = true;
  std::vector<std::string_view> known;
  for (const Plugin& p : kPlugins) known.push_back(p.name);
  for (const std::string& name : as_list(list.value)) {
    const Plugin* found = nullptr;
    for (const Plugin& p : kPlugins)
      if (p.name == name) found = &p;
    if (found == nullptr) {
      const std::string_view near = nearest_name(name, known);
      out.warnings.push_back(list.origin + " names `" + name + "`, which is not known and is ignored" +
                             (near.empty() ? "; expected " + std::string(expectation(OptionType::names))
                                           : "; did you mean `" + std::string(near) + "`?"));
      continue;
    }
    bits = static_cast<std::uint8_t>(bits | found->bits);
    all_older = all_older && found->older;
  }
  return bits;
}

void finalize_plugins(const Config& config, FinalConfig& out) {
  std::uint8_t off = 0;
  bool all_older;
  if (const auto& enabled = config[OptionId::plugins_enabled]) {
    const std::uint8_t on = plugin_bits(*enabled, out, all_older);
    // The older agents had nothing for the network and for native code: their lists cannot mean to switch these off.
    const std::uint8_t scope = all_older ? AP_NEED_FILES | AP_NEED_PROCESSES
                                         : AP_NEED_FILES | AP_NEED_PROCESSES | AP_NEED_NETWORK | AP_NEED_NATIVE;
    off = static_cast<std::uint8_t>(off | (scope & ~on));
  }
  if (const auto& disabled = config[OptionId::plugins_disabled])
    off = static_cast<std::uint8_t>(off | plugin_bits(*disabled, out, all_older));
  out.hooks_disabled = off;
  for (const Plugin& p : kPlugins)
    if (!p.older && (off & p.bits) != 0) out.disabled_names.emplace_back(p.name);
}

}  // namespace

std::string normal_group(std::string_view name) {
  std::string out = lower(trim(name));
  constexpr std::string_view kSuffix = ".ability";
  if (out.size() > kSuffix.size() && out.substr(out.size() - kSuffix.size()) == kSuffix)
    out.resize(out.size() - kSuffix.size());
  if (out.size() > 80) return "";
  for (char c : out)
    if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-')) return "";
  return out;
}

Result<Config> read_configuration(const Environment& env, const Places& places) {
  Config config;
  for (const Option& o : options()) {
    for (std::string_view name : {o.variable, o.alias}) {
      auto& slot = config.settings[static_cast<std::size_t>(o.id)];
      if (name.empty() || slot) continue;
      if (auto value = env.get(name))
        slot = Setting{std::string(*value), std::string(name)};
      else if (env.is_set(name) && o.effect == Effect::full)
        config.warnings.push_back(std::string(name) + " is set but empty: ignored");
    }
  }
  warn_unknown_variables(env, config);
  auto file = find_file(env, places);
  if (!file) return file.error();
  if (*file) {
    config.file = (*file)->path;
    take_file(**file, config);
  }
  for (const Option& o : options()) {
    auto& slot = config.settings[static_cast<std::size_t>(o.id)];
    if (slot || !starts_with(o.variable, "TREND_AP_")) continue;
    const std::string older = "IMMUNIO_" + std::string(o.variable.substr(9));
    if (auto value = env.get(older)) slot = Setting{std::string(*value), older};
  }
  if (auto& enabled = config.settings[static_cast<std::size_t>(OptionId::plugins_enabled)]; !enabled)
    if (auto value = env.get("IMMUNIO_CODE_PROTECTION_PLUGINS_ENABLED"))
      enabled = Setting{std::string(*value), "IMMUNIO_CODE_PROTECTION_PLUGINS_ENABLED"};
  return config;
}

bool agent_enabled(const Config& config) {
  const auto& setting = config[OptionId::agent_enabled];
  return !setting || as_boolean(setting->value).value_or(true);
}

Result<FinalConfig> finalize(Config config) {
  FinalConfig out;
  out.file = config.file;
  out.warnings = std::move(config.warnings);
  out.details = std::move(config.details);
  std::string fatal;

  const auto bad = [&](OptionId id, const Setting& s) {
    out.warnings.push_back(
        expected(option(id), s) + "; the default " +
        (option(id).default_text.empty() ? "(not set)" : "`" + std::string(option(id).default_text) + "`") +
        " is used");
  };
  const auto seconds = [&](OptionId id, std::chrono::milliseconds& target) {
    const auto& s = config[id];
    if (!s) return;
    if (auto number = as_number(s->value))
      target = std::chrono::milliseconds(static_cast<long>(*number * 1000));
    else
      bad(id, *s);
  };
  const auto whole = [&](OptionId id, double most) -> std::optional<double> {
    const auto& s = config[id];
    if (!s) return std::nullopt;
    const auto number = as_number(s->value);
    if (number && *number <= most && *number == static_cast<double>(static_cast<long>(*number))) return number;
    bad(id, *s);
    return std::nullopt;
  };

  if (const auto& s = config[OptionId::fail_closed]) {
    if (auto flag = as_boolean(s->value))
      out.fail_closed = *flag;
    else
      fatal = expected(option(OptionId::fail_closed), *s);
  }
  if (const auto& s = config[OptionId::agent_enabled]; s && !as_boolean(s->value)) bad(OptionId::agent_enabled, *s);

  out.policy = config[OptionId::policy];
  out.policy_file = config[OptionId::policy_file];
  if (const auto& s = config[OptionId::policy_group_name]) {
    out.group = normal_group(s->value);
    out.group_origin = s->origin;
    if (out.group.empty()) {
      out.group_is_valid = false;
      out.warnings.push_back(expected(option(OptionId::policy_group_name), *s));
    }
  }
  finalize_plugins(config, out);

  if (const auto& s = config[OptionId::log_file]) out.log = as_destination(s->value);
  if (const auto& s = config[OptionId::event_log_file]) out.events = as_destination(s->value);
  if (const auto& s = config[OptionId::log_level]) {
    if (auto level = as_log_level(s->value))
      out.log_level = *level;
    else
      bad(OptionId::log_level, *s);
  }
  const auto text = [&](OptionId id) { return config[id] ? config[id]->value : std::string(option(id).default_text); };
  out.cache_dir = text(OptionId::cache_dir);
  out.app_name = text(OptionId::app_name);
  out.handler = text(OptionId::handler);
  out.http_proxy_host = text(OptionId::http_proxy_host);
  out.key = config[OptionId::key];
  out.secret = config[OptionId::secret];
  out.license_key = config[OptionId::license_key];
  out.hello_url = config[OptionId::hello_url];
  out.bundle_key = config[OptionId::bundle_key];
  seconds(OptionId::ready_timeout, out.ready_timeout);
  seconds(OptionId::transaction_finish_timeout, out.transaction_finish_timeout);
  seconds(OptionId::http_timeout, out.http_timeout);
  if (auto n = whole(OptionId::min_report_size, 1e6)) out.min_report_size = static_cast<std::uint32_t>(*n);
  if (auto n = whole(OptionId::initial_delay_ms, 1e6))
    out.initial_delay = std::chrono::milliseconds(static_cast<long>(*n));
  if (auto n = whole(OptionId::max_delay_ms, 1e6)) out.max_delay = std::chrono::milliseconds(static_cast<long>(*n));
  if (auto n = whole(OptionId::http_proxy_port, 65535)) out.http_proxy_port = static_cast<std::uint16_t>(*n);

  for (const Option& o : options())
    if (o.effect == Effect::accepted && config[o.id])
      out.details.push_back(config[o.id]->origin + " is accepted and has no effect: " + std::string(o.help));

  if (!fatal.empty()) return Error{ErrorCode::invalid_config, fatal};
  return out;
}

}  // namespace ap::agent
