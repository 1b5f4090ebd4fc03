// SPDX-License-Identifier: Apache-2.0
#include "policy/parse.hpp"

#include <algorithm>
#include <set>

#include "base/json.hpp"
#include "base/text.hpp"
#include "match/command.hpp"
#include "match/path.hpp"
#include "policy/groups.hpp"

namespace ap {
namespace {

using json::Value;

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return out;
}

std::string joined(const std::vector<std::string_view>& names) {
  std::string out;
  for (std::string_view name : names) out += (out.empty() ? "`" : ", `") + std::string(name) + "`";
  return out;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && std::string_view(" \t\r\n").find(text.front()) != text.npos) text.remove_prefix(1);
  while (!text.empty() && std::string_view(" \t\r\n").find(text.back()) != text.npos) text.remove_suffix(1);
  return text;
}

class Reader {
 public:
  explicit Reader(ParsedPolicy& out) : out_(out), policy_(out.policy) {}

  void read(const Value& root) {
    if (!root.is_object())
      return problem("", "a policy is a JSON object, and this is " + std::string(root.type_name()));
    std::optional<Action> unguarded, native;
    members(root, "",
            {"$schema", "schema", "name", "version", "description", "outbound", "files", "child_processes",
             "native_code", "on_deny", "controls"},
            [&](const std::string& key, const Value& value, const std::string& place) {
              if (key == "$schema")
                text(value, place);
              else if (key == "schema")
                schema(value, place);
              else if (key == "name")
                name(value, place);
              else if (key == "version")
                version(value, place);
              else if (key == "description")
                policy_.description = text(value, place);
              else if (key == "outbound")
                outbound(value, place);
              else if (key == "files")
                files(value, place);
              else if (key == "child_processes")
                child_processes(value, place, unguarded);
              else if (key == "native_code")
                native = action(value, place);
              else if (key == "on_deny")
                on_deny(value, place);
              else if (key == "controls")
                problem(place, "is reserved for attack controls, which this version does not have: leave it out");
            });
    policy_.native = native.value_or(Action::grant);
    // A child or a library that escapes would make every refusal a wish.
    policy_.implied = policy_.denies() ? Action::deny : Action::grant;
    policy_.unguarded = unguarded.value_or(policy_.implied);
    policy_.native = native.value_or(policy_.implied);
  }

 private:
  void problem(const std::string& place, std::string message) {
    if (out_.diagnostics.size() < 100)
      out_.diagnostics.push_back({Diagnostic::Severity::error, place.empty() ? "policy" : place, std::move(message)});
  }

  // Calls each(key, value, place) for every known member; unknown and repeated ones are problems.
  template <typename Each>
  void members(const Value& object, const std::string& place, const std::vector<std::string_view>& known, Each&& each) {
    std::set<std::string_view> seen;
    for (const auto& [key, value] : object.members) {
      std::string here = place.empty() ? one_line(key) : place + "." + one_line(key);
      if (!seen.insert(key).second) {
        problem(here, "duplicate key: " + shown(key) + " is written twice in the same object; keep one");
        continue;
      }
      if (std::find(known.begin(), known.end(), key) != known.end()) {
        each(key, value, here);
        continue;
      }
      std::string_view near = nearest_name(lower(key), known);
      problem(here, near.empty() ? "unknown key; known here: " + joined(known)
                                 : "unknown key; did you mean `" + std::string(near) + "`?");
    }
  }

  std::string text(const Value& value, const std::string& place) {
    if (!value.is_text()) problem(place, "is " + std::string(value.type_name()) + ": write a text");
    return value.text;
  }

  std::optional<Action> action(const Value& value, const std::string& place) {
    if (value.type == json::Type::boolean && !value.flag) return Action::grant;  // YAML reads `off` as false
    if (!value.is_text()) {
      problem(place, "is " + std::string(value.type_name()) + ": write `grant`, `observe` or `deny`");
      return std::nullopt;
    }
    static const std::vector<std::pair<std::string_view, Action>> words = {
        {"grant", Action::grant}, {"observe", Action::observe}, {"deny", Action::deny},
        {"off", Action::grant},   {"report", Action::observe},  {"mitigate", Action::deny},
        {"allow", Action::grant}, {"alert", Action::observe},   {"block", Action::deny}};
    std::string word = lower(value.text);
    std::vector<std::string_view> names;
    for (const auto& [name, meaning] : words) {
      if (name == word) return meaning;
      names.push_back(name);
    }
    std::string_view near = nearest_name(word, names);
    problem(place, shown(value.text) + " is no action: write `grant`, `observe` or `deny`" +
                       (near.empty() ? "" : "; did you mean `" + std::string(near) + "`?"));
    return std::nullopt;
  }
  void set(Action& target, const Value& value, const std::string& place) {
    if (auto a = action(value, place)) target = *a;
  }

  void schema(const Value& value, const std::string& place) {
    if (value.type != json::Type::integer || value.integer != 1)
      problem(place, "this version reads schema 1: write `\"schema\": 1`");
  }
  void name(const Value& value, const std::string& place) {
    policy_.name = text(value, place);
    if (!value.is_text()) return;
    if (value.text.empty()) return problem(place, "is empty: write the group's name, or leave `name` out");
    if (value.text.size() > 80)
      return problem(place, "has " + std::to_string(value.text.size()) + " bytes: at most 80");
    for (char c : value.text)
      if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
            c == '.'))
        return problem(place, shown(value.text) + ": a group's name has letters, digits, `_`, `-` and `.`");
  }
  void version(const Value& value, const std::string& place) {
    if (value.type != json::Type::integer || value.integer < 0 || value.integer > 0x7fffffff)
      return problem(place, "is a whole number from 0 to 2147483647");
    policy_.version = static_cast<std::int32_t>(value.integer);
  }
  void on_deny(const Value& value, const std::string& place) {
    if (value.is_text())
      for (OnDeny o : {OnDeny::raise, OnDeny::block, OnDeny::terminate})
        if (lower(value.text) == name_of(o)) {
          policy_.on_deny = o;
          return;
        }
    problem(place, (value.is_text() ? shown(value.text) + " is unknown" : "is " + std::string(value.type_name())) +
                       ": write `raise`, `block` or `terminate`");
  }

  void outbound(const Value& value, const std::string& place) {
    if (!value.is_object()) return short_form(policy_.outbound, value, place);
    members(value, place, {"action", "allow_cloud_provider", "allowed_domains", "local"},
            [&](const std::string& key, const Value& v, const std::string& here) {
              if (key == "action")
                set(policy_.outbound, v, here);
              else if (key == "local")
                set(policy_.local, v, here);
              else if (key == "allow_cloud_provider")
                provider(v, here);
              else
                allowed_domains(v, here);
            });
  }
  void short_form(Action& target, const Value& value, const std::string& place) {
    if (value.is_text() || value.type == json::Type::boolean) return set(target, value, place);
    problem(place, "is " + std::string(value.type_name()) +
                       ": write an object such as `{\"action\": \"deny\"}`, or the action alone");
  }
  void provider(const Value& value, const std::string& place) {
    if (value.type == json::Type::boolean) {
      policy_.provider = value.flag ? ProviderLevel::all : ProviderLevel::off;
      return;
    }
    if (value.is_text())
      for (ProviderLevel level :
           {ProviderLevel::off, ProviderLevel::strict, ProviderLevel::services, ProviderLevel::all})
        if (lower(value.text) == name_of(level)) {
          policy_.provider = level;
          return;
        }
    problem(place, (value.is_text() ? shown(value.text) + " is unknown" : "is " + std::string(value.type_name())) +
                       ": write `off`, `strict`, `services` or `all`");
  }
  void allowed_domains(const Value& value, const std::string& place) {
    if (value.is_text()) {
      // "a, b" counts its entries as a list would; a blank text is an empty list.
      if (trimmed(value.text).empty()) return;
      std::size_t number = 0;
      for (std::string_view rest = value.text;; ++number) {
        std::size_t comma = rest.find(',');
        allowed_entry(trimmed(rest.substr(0, comma)), place + "[" + std::to_string(number) + "]");
        if (comma == rest.npos) return;
        rest.remove_prefix(comma + 1);
      }
    }
    if (!value.is_list())
      return problem(place, "is " + std::string(value.type_name()) +
                                ": write a list of names, such as `[\"=api.stripe.com\", \"*.example.com\"]`");
    for (std::size_t i = 0; i < value.items.size(); ++i) {
      std::string here = place + "[" + std::to_string(i) + "]";
      const Value& item = value.items[i];
      if (!item.is_text())
        problem(here, "is " + std::string(item.type_name()) + ": write a name or an address as text");
      else if (item.text.find(',') != item.text.npos)
        problem(here, shown(item.text) + " holds a comma: one name per entry of a list");
      else
        allowed_entry(trimmed(item.text), here);
    }
  }
  void allowed_entry(std::string_view text, const std::string& place) {
    AllowedEntry entry;
    entry.text = text;
    entry.place = place;
    Result<AddressEntry> address = parse_address_entry(text, entry.is_address);
    if (entry.is_address) {
      if (!address) return problem(place, address.error().message);
      entry.address = *address;
    } else {
      Result<DomainEntry> domain = parse_domain_entry(text);
      if (!domain) return problem(place, domain.error().message);
      entry.domain = *domain;
    }
    policy_.allowed.push_back(std::move(entry));
  }

  void files(const Value& value, const std::string& place) {
    if (!value.is_object())
      return problem(place, "is " + std::string(value.type_name()) +
                                ": write an object with `tmp`, `application`, `elsewhere` or `rules`");
    members(value, place, {"tmp", "application", "elsewhere", "rules"},
            [&](const std::string& key, const Value& v, const std::string& here) {
              if (key == "tmp")
                directions(policy_.tmp, v, here);
              else if (key == "application")
                directions(policy_.application, v, here);
              else if (key == "elsewhere")
                directions(policy_.elsewhere, v, here);
              else
                path_rules(v, here);
            });
  }
  void directions(Directions& target, const Value& value, const std::string& place) {
    if (value.is_text() || value.type == json::Type::boolean) {
      set(target.read, value, place);
      if (value.type == json::Type::boolean && value.flag) return;  // said once
      target.write = target.read;
      return;
    }
    if (!value.is_object())
      return problem(place, "is " + std::string(value.type_name()) +
                                ": write `{\"read\": ..., \"write\": ...}`, or one action for both");
    members(value, place, {"read", "write"}, [&](const std::string& key, const Value& v, const std::string& here) {
      set(key == "read" ? target.read : target.write, v, here);
    });
  }
  void path_rules(const Value& value, const std::string& place) {
    if (!value.is_list())
      return problem(place, "is " + std::string(value.type_name()) +
                                ": write a list of `{\"path\": ..., \"read\": ..., \"write\": ...}`");
    for (std::size_t i = 0; i < value.items.size(); ++i) {
      std::string here = place + "[" + std::to_string(i) + "]";
      if (!value.items[i].is_object()) {
        problem(here, "is " + std::string(value.items[i].type_name()) +
                          ": write an object such as `{\"path\": \"/data/**\", \"read\": \"deny\"}`");
        continue;
      }
      PathRule rule;
      rule.place = here;
      bool has_path = false, has_action = false, has_direction = false;
      members(value.items[i], here, {"path", "read", "write", "action"},
              [&](const std::string& key, const Value& v, const std::string& at) {
                if (key == "path") {
                  has_path = true;
                  if (!v.is_text()) return (void)text(v, at);
                  Result<std::string> pattern = parse_path_pattern(v.text);
                  if (!pattern) return problem(at, pattern.error().message);
                  rule.pattern = *pattern;
                } else if (key == "action") {
                  has_action = true;
                  rule.read = rule.write = action(v, at);
                } else {
                  has_direction = true;
                  (key == "read" ? rule.read : rule.write) = action(v, at);
                }
              });
      if (!has_path) problem(here, "has no `path`: write which files it is about, such as `\"path\": \"/data/**\"`");
      if (!has_action && !has_direction) problem(here, "says nothing: write `read`, `write` or both");
      if (has_action && has_direction)
        problem(here, "has `action` beside `read` or `write`: `action` is short for both, write one or the other");
      policy_.path_rules.push_back(std::move(rule));
    }
  }

  void child_processes(const Value& value, const std::string& place, std::optional<Action>& unguarded) {
    if (!value.is_object()) return short_form(policy_.child, value, place);
    members(value, place, {"action", "rules", "unguarded"},
            [&](const std::string& key, const Value& v, const std::string& here) {
              if (key == "action")
                set(policy_.child, v, here);
              else if (key == "unguarded")
                unguarded = action(v, here);
              else
                command_rules(v, here);
            });
  }
  void command_rules(const Value& value, const std::string& place) {
    if (!value.is_list())
      return problem(
          place, "is " + std::string(value.type_name()) + ": write a list of `{\"command\": ..., \"action\": ...}`");
    for (std::size_t i = 0; i < value.items.size(); ++i) {
      std::string here = place + "[" + std::to_string(i) + "]";
      if (!value.items[i].is_object()) {
        problem(here, "is " + std::string(value.items[i].type_name()) +
                          ": write an object such as `{\"command\": \"^/usr/bin/file \", \"action\": \"grant\"}`");
        continue;
      }
      CommandRule rule;
      rule.place = here;
      bool has_command = false, has_action = false;
      members(value.items[i], here, {"command", "action"},
              [&](const std::string& key, const Value& v, const std::string& at) {
                if (key == "action") {
                  has_action = true;
                  set(rule.action, v, at);
                  return;
                }
                has_command = true;
                if (!v.is_text()) return (void)text(v, at);
                Result<bool> ok = check_command_pattern(v.text);
                if (!ok) return problem(at, ok.error().message);
                rule.pattern = v.text;
              });
      if (!has_command)
        problem(
            here,
            "has no `command`: write an expression that is searched in the command line, such as `^/usr/bin/file `");
      if (!has_action) problem(here, "has no `action`: write `grant`, `observe` or `deny`");
      policy_.command_rules.push_back(std::move(rule));
    }
  }

  ParsedPolicy& out_;
  Policy& policy_;
};

}  // namespace

std::string_view nearest_name(std::string_view word, const std::vector<std::string_view>& candidates) {
  std::string_view best;
  std::size_t best_distance = std::max<std::size_t>(1, std::min<std::size_t>(word.size(), 64) / 3) + 1;
  for (std::string_view candidate : candidates) {
    if (word.size() > 64) break;
    std::vector<std::size_t> row(candidate.size() + 1), above(row.size()), before(row.size());
    for (std::size_t j = 0; j < row.size(); ++j) row[j] = j;
    for (std::size_t i = 1; i <= word.size(); ++i) {
      before.swap(above);
      above.swap(row);
      row[0] = i;
      for (std::size_t j = 1; j < row.size(); ++j) {
        row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (word[i - 1] != candidate[j - 1])});
        if (i > 1 && j > 1 && word[i - 1] == candidate[j - 2] && word[i - 2] == candidate[j - 1])
          row[j] = std::min(row[j], before[j - 2] + 1);
      }
    }
    if (row.back() < best_distance) {
      best_distance = row.back();
      best = candidate;
    }
  }
  return best;
}

ParsedPolicy parse_policy(std::string_view text) {
  ParsedPolicy parsed;
  Result<Value> root = json::parse(text);
  if (!root) {
    std::string message = root.error().message, place = "policy";
    if (std::size_t colon = message.find(": "); message.starts_with("line ") && colon != message.npos) {
      place = message.substr(0, colon);
      message = message.substr(colon + 2);
    }
    if (text.find_first_of("{[\"") == text.npos && root.error().code == ErrorCode::invalid_policy) {
      std::string known;
      for (std::string_view group : built_in_group_names())
        known += (known.empty() ? "`" : ", `") + std::string(group) + "`";
      place = "policy";
      message = shown(text) + " is neither a JSON object nor the name of a built-in group (" + known + ")";
    }
    parsed.diagnostics.push_back({Diagnostic::Severity::error, place, message});
    return parsed;
  }
  Reader(parsed).read(*root);
  return parsed;
}

std::string to_text(const std::vector<Diagnostic>& diagnostics) {
  std::string out;
  for (auto severity : {Diagnostic::Severity::error, Diagnostic::Severity::warning})
    for (const Diagnostic& d : diagnostics)
      if (d.severity == severity)
        out += d.place + ": " + (severity == Diagnostic::Severity::warning ? "warning: " : "") + d.message + "\n";
  if (!out.empty()) out.pop_back();
  return out;
}

}  // namespace ap
