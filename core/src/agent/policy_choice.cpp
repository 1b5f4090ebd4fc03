// SPDX-License-Identifier: Apache-2.0
#include "agent/policy_choice.hpp"

#include <dirent.h>

#include "agent/configuration_file.hpp"
#include "policy/groups.hpp"
#include "policy/parse.hpp"

namespace ap::agent {
namespace {

constexpr std::size_t kPolicyLimit = 16u << 20;  // the parser says what is too large; this only bounds the reading
constexpr std::string_view kPackagePolicy = "app_protect.json";
constexpr std::size_t kShownDiagnostics = 10;

// `label` names the place in messages; `fallback_name` is the group's name where the document has none.
Result<PolicyChoice> parse(std::string_view text, const std::string& label, const std::string& source,
                           const std::string& fallback_name) {
  ParsedPolicy parsed = parse_policy(text);
  if (!parsed.valid()) {
    const std::size_t all = parsed.diagnostics.size();
    if (all > kShownDiagnostics) parsed.diagnostics.resize(kShownDiagnostics);
    std::string message = label + " is not a valid policy:";
    for (const Diagnostic& d : parsed.diagnostics)
      message += "\n  " + (d.place.empty() ? "" : d.place + ": ") + d.message;
    if (all > kShownDiagnostics) message += "\n  and " + std::to_string(all - kShownDiagnostics) + " more";
    return Error{ErrorCode::invalid_policy, message};
  }
  PolicyChoice out;
  out.policy = std::move(parsed.policy);
  out.source = source;
  if (out.policy.name.empty()) out.policy.name = fallback_name;
  return out;
}

std::string base_name(std::string_view path) {
  if (const std::size_t slash = path.rfind('/'); slash != std::string_view::npos) path.remove_prefix(slash + 1);
  return std::string(path);
}

std::string stem(std::string_view path) {
  std::string name = base_name(path);
  if (name.size() > 5 && name.compare(name.size() - 5, 5, ".json") == 0) name.resize(name.size() - 5);
  return name;
}

// <group>.json of a folder, any case, with or without the suffix of the group's name.
std::string find_in_folder(const std::string& folder, const std::string& group) {
  DIR* dir = opendir(folder.c_str());
  if (dir == nullptr) return "";
  std::string found;
  while (const dirent* entry = readdir(dir)) {
    const std::string_view name = entry->d_name;
    if (name.size() <= 5 || name.substr(name.size() - 5) != ".json") continue;
    if (normal_group(name.substr(0, name.size() - 5)) != group) continue;
    if (found.empty() || name < found) found = name;  // the same one on every start
  }
  closedir(dir);
  return found.empty() ? "" : folder + "/" + found;
}

Result<PolicyChoice> from_file(const FinalConfig& config) {
  const Setting& setting = *config.policy_file;
  const std::string label = setting.origin + " names `" + setting.value + "`";
  FileText file = read_file(setting.value, kPolicyLimit);
  std::string path = setting.value;
  if (file.is_folder) {
    if (config.group.empty())
      return Error{ErrorCode::policy_missing,
                   label + ", a folder: set ES_POLICY_GROUP_NAME to say which `<group>.json` of it applies"};
    while (path.size() > 1 && path.back() == '/') path.pop_back();
    path = find_in_folder(path, config.group);
    if (path.empty())
      return Error{ErrorCode::policy_missing,
                   label + ", a folder without `" + config.group + ".json` (" + config.group_origin + ")"};
    file = read_file(path, kPolicyLimit);
  }
  if (file.state == FileState::missing)
    return Error{ErrorCode::policy_missing,
                 label + ": " + file.text + "; correct the path, or unset the variable to use the built-in groups"};
  if (file.state == FileState::unusable) return Error{ErrorCode::policy_unreadable, label + ": " + file.text};
  return parse(file.text, "`" + path + "` (" + setting.origin + ")", path, stem(path));
}

}  // namespace

Result<PolicyChoice> choose_policy(const FinalConfig& config, const Places& places, control::PolicySource& console) {
  if (config.policy) {
    const Setting& setting = *config.policy;
    if (!built_in_group(setting.value).empty())
      return Error{ErrorCode::invalid_policy,
                   setting.origin + " is `" + setting.value +
                       "`, the name of a built-in group, expected JSON; name groups in ES_POLICY_GROUP_NAME"};
    return parse(setting.value, setting.origin, setting.origin, "local");
  }
  if (config.policy_file) return from_file(config);

  std::vector<std::string> roots;
  if (!places.task_root.empty())
    roots = {places.task_root};
  else
    roots = {places.main_dir, places.working_directory};
  for (const std::string& root : roots) {
    if (root.empty()) continue;
    const std::string path = (root == "/" ? "" : root) + "/" + std::string(kPackagePolicy);
    const FileText file = read_file(path, kPolicyLimit);
    if (file.state == FileState::missing) continue;
    if (file.state == FileState::unusable) return Error{ErrorCode::policy_unreadable, "`" + path + "`: " + file.text};
    return parse(file.text, "`" + path + "`", std::string(kPackagePolicy), stem(path));
  }

  control::Bundle bundle = console.policy(config.group);
  if (bundle.state == control::Bundle::State::ready)
    return parse(bundle.policy, "the console's policy", "console", config.group);

  const bool named = !config.group_origin.empty();
  std::string_view built_in = named ? built_in_group(config.group) : built_in_group(kDefaultGroup);
  std::string unavailable;
  if (built_in.empty()) {
    unavailable = config.group.empty() ? "the name in " + config.group_origin + " is not a group name"
                                       : "policy group `" + config.group + "` (" + config.group_origin +
                                             ") is not built in, and no file and no console has it";
    std::string known;
    for (std::string_view name : built_in_group_names())
      known += (known.empty() ? "`" : ", `") + std::string(name) + "`";
    unavailable += "; built in are " + known;
    if (config.fail_closed) return Error{ErrorCode::policy_missing, unavailable + " (TREND_AP_FAIL_CLOSED)"};
    built_in = built_in_group(kDefaultGroup);
  }
  auto choice = parse(built_in, "the built-in group", "built-in group", std::string(kDefaultGroup));
  if (!choice) return choice;
  if (!unavailable.empty()) {
    choice->warnings.push_back(unavailable + "; `" + std::string(kDefaultGroup) + "` applies, which denies nothing");
    choice->health = unavailable;
  }
  return choice;
}

}  // namespace ap::agent
