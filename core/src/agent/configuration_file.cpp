// SPDX-License-Identifier: Apache-2.0
#include "agent/configuration_file.hpp"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include <algorithm>

#include "base/json.hpp"
#include "base/syscall.hpp"

namespace ap::agent {
namespace {

std::string_view trim(std::string_view s) {
  const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r'; };
  while (!s.empty() && blank(s.front())) s.remove_prefix(1);
  while (!s.empty() && blank(s.back())) s.remove_suffix(1);
  return s;
}

std::string lower(std::string_view s) {
  std::string out(s);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return out;
}

Error at_line(std::size_t line, std::string_view message) {
  return {ErrorCode::invalid_config, "line " + std::to_string(line) + ": " + std::string(message)};
}

std::string short_text(std::string_view s) {
  return std::string(s.substr(0, 60));
}

bool scalar_text(const json::Value& v, std::string& out) {
  switch (v.type) {
    case json::Type::text:
      out = v.text;
      return true;
    case json::Type::boolean:
      out = v.flag ? "true" : "false";
      return true;
    case json::Type::integer:
      out = std::to_string(v.integer);
      return true;
    case json::Type::number: {
      out = std::to_string(v.number);
      while (out.find('.') != std::string::npos && (out.back() == '0' || out.back() == '.')) {
        const bool point = out.back() == '.';
        out.pop_back();
        if (point) break;
      }
      return true;
    }
    case json::Type::null:
      out.clear();
      return true;
    default:
      return false;
  }
}

}  // namespace

Result<KeyValues> parse_ini(std::string_view text) {
  KeyValues out;
  bool ours = false;
  std::size_t number = 0;
  if (text.substr(0, 3) == "\xEF\xBB\xBF") text.remove_prefix(3);
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    ++number;
    line = trim(line);
    if (line.empty() || line[0] == '#' || line[0] == ';') continue;
    if (line[0] == '[') {
      if (line.back() != ']') return at_line(number, "a section has no closing `]`: `" + short_text(line) + "`");
      ours = lower(trim(line.substr(1, line.size() - 2))) == "trend_app_protect";
      continue;
    }
    if (!ours) continue;
    const std::size_t sign = line.find_first_of("=:");
    if (sign == std::string_view::npos)
      return at_line(number, "`" + short_text(line) + "` has no `=`; write `key = value`");
    std::string_view value = trim(line.substr(sign + 1));
    if (value.size() >= 2 && (value.front() == '"' || value.front() == '\'') && value.back() == value.front())
      value = value.substr(1, value.size() - 2);
    out.emplace_back(lower(trim(line.substr(0, sign))), std::string(value));
  }
  return out;
}

Result<KeyValues> parse_json_configuration(std::string_view text) {
  Result<json::Value> root = json::parse(text);
  if (!root) return Error{ErrorCode::invalid_config, root.error().message};
  if (!root->is_object())
    return Error{ErrorCode::invalid_config, "is " + std::string(root->type_name()) + ", expected an object"};
  KeyValues out;
  for (const auto& [name, value] : root->members) {
    const std::string key = lower(name);
    std::string scalar;
    if (scalar_text(value, scalar)) {
      out.emplace_back(key, scalar);
    } else if (value.is_list()) {
      std::string joined;
      for (const json::Value& item : value.items) {
        if (!scalar_text(item, scalar))
          return Error{ErrorCode::invalid_config, "`" + name + "` holds something that is not text"};
        if (!joined.empty()) joined += ',';
        joined += scalar;
      }
      out.emplace_back(key, joined);
    } else if (key == "policy") {
      // The policy as an object: its own text, cut out of the file.
      const std::size_t begin =
          std::min(text.find_first_of("{[", value.offset > 0 ? value.offset - 1 : 0), text.size());
      std::size_t depth = 0, end = begin;
      bool quoted = false;
      for (; end < text.size(); ++end) {
        const char c = text[end];
        if (quoted) {
          if (c == '\\') ++end;
          if (c == '"') quoted = false;
        } else if (c == '"') {
          quoted = true;
        } else if (c == '{' || c == '[') {
          ++depth;
        } else if ((c == '}' || c == ']') && --depth == 0) {
          ++end;
          break;
        }
      }
      out.emplace_back(key, std::string(text.substr(begin, end - begin)));
    } else {
      for (const auto& [inner, inner_value] : value.members) {
        if (!scalar_text(inner_value, scalar))
          return Error{ErrorCode::invalid_config, "`" + name + "." + inner + "` is nested too deep"};
        out.emplace_back(key + "." + lower(inner), scalar);
      }
    }
  }
  return out;
}

FileText read_file(const std::string& path, std::size_t limit) {
  const long fd = sys::call(SYS_openat, AT_FDCWD, path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0);
  if (fd == -ENOENT || fd == -ENOTDIR) return {FileState::missing, "no such file"};
  struct stat seen{};
  // A folder that cannot even be searched (a home, for another user): nobody can have put a file there for us.
  if (fd == -EACCES && sys::call(SYS_newfstatat, AT_FDCWD, path.c_str(), &seen, 0) == -EACCES)
    return {FileState::missing, "its folder cannot be searched (permission denied)"};
  if (fd < 0) return {FileState::unusable, lower(strerror(static_cast<int>(-fd)))};
  struct stat st{};
  FileText out{FileState::unusable, ""};
  const char* kind = nullptr;
  if (sys::call(SYS_fstat, fd, &st) != 0)
    kind = "an unknown object";
  else if (S_ISFIFO(st.st_mode))
    kind = "a FIFO";
  else if (S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode))
    kind = "a device";
  else if (S_ISSOCK(st.st_mode))
    kind = "a socket";
  else if (S_ISDIR(st.st_mode))
    kind = "a folder", out.is_folder = true;
  else if (!S_ISREG(st.st_mode))
    kind = "no regular file";
  if (kind != nullptr) {
    out.text = std::string("it is ") + kind + ", expected a regular file";
  } else {
    // Read to the end whatever the size says: /proc files have none.
    std::string content;
    bool failed = false, too_long = false;
    char block[16384];
    for (;;) {
      const long n = sys::call(SYS_read, fd, block, sizeof block);
      if (n == -EINTR) continue;
      if (n < 0) {
        failed = true;
        out.text = lower(strerror(static_cast<int>(-n)));
      }
      if (n <= 0) break;
      content.append(block, static_cast<std::size_t>(n));
      if (content.size() > limit) {
        too_long = true;
        break;
      }
    }
    if (too_long) {
      out.text = "it is larger than " + std::to_string(limit >> 20) + " MB";
    } else if (!failed) {
      out.state = FileState::read;
      out.text = std::move(content);
    }
  }
  sys::call(SYS_close, fd);
  return out;
}

}  // namespace ap::agent
