// SPDX-License-Identifier: Apache-2.0
#include "policy/surroundings.hpp"

#include <errno.h>
#include <limits.h>
#include <unistd.h>

#include <algorithm>

#include "base/json.hpp"
#include "base/text.hpp"
#include "policy/parse.hpp"

namespace ap {
namespace {

using json::Value;

Error wrong(const std::string& key, const std::string& what) {
  return {ErrorCode::invalid_config, "surroundings." + one_line(key) + ": " + what};
}

// A text, or a list of texts.
bool texts(const Value& value, std::vector<std::string>& out) {
  out.clear();
  if (value.is_text()) {
    if (!value.text.empty()) out.push_back(value.text);
    return true;
  }
  if (!value.is_list()) return false;
  for (const Value& item : value.items) {
    if (!item.is_text()) return false;
    out.push_back(item.text);
  }
  return true;
}

}  // namespace

Entry read_link_of_this_machine(const std::string& path, std::string& target) {
  char text[PATH_MAX];
  ssize_t size = readlink(path.c_str(), text, sizeof(text));
  if (size < 0) return errno == EINVAL ? Entry::other : Entry::absent;
  target.assign(text, static_cast<std::size_t>(size));
  return Entry::link;
}

bool parse_end_point(std::string_view text, std::string_view source, EndPoint& out) {
  std::size_t colon = text.rfind(':');
  bool bracketed = text.starts_with('[');
  std::size_t close = bracketed ? text.find(']') : text.npos;
  if (bracketed && close == text.npos) return false;
  bool has_port = colon != text.npos && (bracketed ? colon > close : text.find(':') == colon);
  std::string_view host = has_port ? text.substr(0, colon) : text;
  if (bracketed) host = text.substr(1, close - 1);
  unsigned port = 0;
  if (has_port) {
    std::string_view digits = text.substr(colon + 1);
    if (digits.empty() || digits.size() > 5) return false;
    for (char c : digits) {
      if (c < '0' || c > '9') return false;
      port = port * 10 + static_cast<unsigned>(c - '0');
    }
    if (port > 65535) return false;
  }
  if (host.empty()) return false;
  out = {std::string(host), static_cast<std::uint16_t>(port), std::string(source)};
  return true;
}

Result<Surroundings> surroundings_from_json(std::string_view text) {
  Surroundings out;
  out.read_link = nullptr;
  std::vector<std::string> app_dirs, task_root, list;
  bool app_given = false;
  Result<Value> root = text.empty() ? Result<Value>(Value{}) : json::parse(text);
  if (!root) return root.error().with("surroundings");
  if (!text.empty() && !root->is_object())
    return Error{ErrorCode::invalid_config, "surroundings: expected a JSON object"};
  static const std::vector<std::string_view> known = {
      "task_root",   "tmp",          "app_dirs",  "nameservers", "provider",   "region",      "account",
      "runtime_api", "runtime_read", "own_paths", "own_code",    "end_points", "local_names", "path"};
  for (const auto& [key, value] : root->members) {
    if (std::find(known.begin(), known.end(), key) == known.end())
      return wrong(key, "unknown key; did you mean `" + std::string(nearest_name(key, known)) + "`?");
    if (value.type == json::Type::null) continue;
    if (!texts(value, list)) return wrong(key, "expected a text or a list of texts");
    auto one = [&] { return list.empty() ? std::string() : list[0]; };
    if (key == "task_root")
      task_root = list;
    else if (key == "app_dirs")
      app_dirs = list, app_given = true;
    else if (key == "tmp") {
      out.tmp_dirs = {"/tmp"};
      for (const std::string& dir : list)
        if (dir != "/tmp") out.tmp_dirs.push_back(dir);
    } else if (key == "nameservers")
      out.nameservers = list;
    else if (key == "provider")
      out.provider = one();
    else if (key == "region")
      out.region = one();
    else if (key == "account")
      out.account = one();
    else if (key == "runtime_read")
      out.runtime_read = list;
    else if (key == "own_paths")
      out.own_paths = list;
    else if (key == "own_code")
      out.own_code = list;
    else if (key == "local_names")
      out.local_names = list;
    else if (key == "path")
      out.program_path = one();
    else
      for (const std::string& point : list) {
        EndPoint end_point;
        if (!parse_end_point(point, key == "runtime_api" ? "AWS_LAMBDA_RUNTIME_API" : "surroundings", end_point))
          return wrong(key, shown(point) + " is no end point: write host:port");
        out.end_points.push_back(end_point);
      }
  }
  for (const std::string& dir : task_root) out.app_dirs.push_back(dir);
  if (!task_root.empty()) out.app_dirs.push_back("/opt");
  for (const std::string& dir : app_dirs) out.app_dirs.push_back(dir);
  if (task_root.empty() && !app_given) out.app_dirs = {"/var/task", "/opt"};
  return out;
}

}  // namespace ap
