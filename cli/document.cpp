// SPDX-License-Identifier: Apache-2.0
#include "document.hpp"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cstdlib>
#include <vector>

namespace cli {
namespace {

constexpr std::size_t kMaxJson =
    16u << 20;  // aliases can multiply a YAML text: the core refuses what is too large anyway
constexpr int kMaxDepth = 200;

void append_quoted(std::string& out, std::string_view text) {
  static const char* hex = "0123456789abcdef";
  out += '"';
  for (char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20) {
      out += "\\u00";
      out += hex[byte >> 4];
      out += hex[byte & 15];
    } else {
      out += c;
    }
  }
  out += '"';
}

bool is_number(const std::string& text) {
  if (text.empty() || text.find_first_not_of("0123456789+-.eE") != std::string::npos) return false;
  if (text[0] == '+' || text[0] == '.' || text.back() == '.' || (text[0] == '0' && text.size() > 1 && text[1] != '.'))
    return false;
  char* end = nullptr;
  strtod(text.c_str(), &end);
  return *end == '\0';
}

// YAML 1.2 core: plain scalars are null, true, false, numbers, else text. (`off` and `on` stay texts: the core knows
// them.)
void append_scalar(std::string& out, const YAML::Node& node) {
  const std::string& text = node.Scalar();
  const bool plain = node.Tag() == "?" || node.Tag().empty();
  std::string lower = text;
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  if (plain && (lower == "true" || lower == "false"))
    out += lower;
  else if (plain && (lower == "null" || lower == "~" || lower.empty()))
    out += "null";
  else if (plain && is_number(text))
    out += text;
  else
    append_quoted(out, text);
}

bool append(std::string& out, const YAML::Node& node, int depth) {
  if (depth > kMaxDepth || out.size() > kMaxJson) return false;
  switch (node.Type()) {
    case YAML::NodeType::Map: {
      out += '{';
      const char* comma = "";
      for (const auto& member : node) {
        out += comma;
        append_quoted(out, member.first.IsScalar() ? member.first.Scalar() : "?");
        out += ':';
        if (!append(out, member.second, depth + 1)) return false;
        comma = ",";
      }
      out += '}';
      return true;
    }
    case YAML::NodeType::Sequence: {
      out += '[';
      const char* comma = "";
      for (const auto& item : node) {
        out += comma;
        if (!append(out, item, depth + 1)) return false;
        comma = ",";
      }
      out += ']';
      return true;
    }
    case YAML::NodeType::Scalar:
      append_scalar(out, node);
      return true;
    default:
      out += "null";
      return true;
  }
}

Position position_of(const YAML::Mark& mark) {
  return {mark.line + 1, mark.column + 1};
}

bool ends_with(std::string_view s, std::string_view suffix) {
  return s.size() >= suffix.size() && s.substr(s.size() - suffix.size()) == suffix;
}

}  // namespace

struct Document::Tree {
  YAML::Node root;
  bool usable = false;

  // The node at `place`, and the key that names it.
  struct Found {
    YAML::Node node;
    YAML::Mark mark;
  };
  std::optional<Found> find(std::string_view place) const {
    if (!usable) return std::nullopt;
    Found found{root, root.Mark()};
    while (!place.empty()) {
      if (place[0] == '.') place.remove_prefix(1);
      if (place[0] == '[') {
        const std::size_t end = place.find(']');
        if (end == std::string_view::npos || !found.node.IsSequence()) return std::nullopt;
        const auto index =
            static_cast<std::size_t>(strtoul(std::string(place.substr(1, end - 1)).c_str(), nullptr, 10));
        if (index >= found.node.size()) return std::nullopt;
        const YAML::Node next = found.node[index];
        found.node.reset(next);
        found.mark = next.Mark();
        place.remove_prefix(end + 1);
        continue;
      }
      const std::size_t end = std::min(place.find_first_of(".["), place.size());
      const std::string key(place.substr(0, end));
      if (!found.node.IsMap()) return std::nullopt;
      bool hit = false;
      YAML::Node next;
      for (const auto& member : found.node)  // the last of duplicates: the one that is complained about
        if (member.first.IsScalar() && member.first.Scalar() == key) {
          next.reset(member.second);
          found.mark = member.first.Mark();
          hit = true;
        }
      if (!hit) return std::nullopt;
      found.node.reset(next);
      place.remove_prefix(end);
    }
    return found;
  }
};

Document::Document() = default;
Document::~Document() = default;
Document::Document(Document&&) noexcept = default;
Document& Document::operator=(Document&&) noexcept = default;

Document Document::of(std::string text, std::string_view name) {
  Document d;
  d.text_ = std::move(text);
  const std::size_t first = d.text_.find_first_not_of(" \t\r\n\xEF\xBB\xBF");
  const bool looks_json = first == std::string::npos || d.text_[first] == '{' || d.text_[first] == '[';
  if (ends_with(name, ".json") || (looks_json && !ends_with(name, ".yaml") && !ends_with(name, ".yml"))) {
    d.json_ = d.text_;
    return d;
  }
  try {
    const YAML::Node root = YAML::Load(d.text_);
    if (!append(d.json_, root, 0)) {
      d.json_.clear();
      d.error_ = "is nested too deep or too large once its aliases are filled in";
    }
  } catch (const YAML::Exception& e) {
    d.json_.clear();
    d.error_ = "not valid YAML: " + e.msg;
    if (!e.mark.is_null()) d.error_position_ = position_of(e.mark);
  }
  return d;
}

void Document::load_tree() const {
  if (tree_) return;
  tree_ = std::make_unique<Tree>();
  if (text_.size() > (1u << 20)) return;  // a place of its own is not worth minutes
  try {
    std::string text = text_;
    std::replace(text.begin(), text.end(), '\t', ' ');  // legal white space in JSON, not always in YAML
    tree_->root = YAML::Load(text);
    tree_->usable = true;
  } catch (const YAML::Exception&) {
  }
}

std::optional<Position> Document::position(std::string_view place) const {
  load_tree();
  try {
    auto found = tree_->find(place);
    // A key that is missing has no place of its own: the object that lacks it has.
    while (!found && !place.empty()) {
      const std::size_t cut = place.find_last_of(".[");
      place = cut == std::string_view::npos ? std::string_view() : place.substr(0, cut);
      found = tree_->find(place);
    }
    if (found && !found->mark.is_null()) return position_of(found->mark);
  } catch (const YAML::Exception&) {
  }
  return std::nullopt;
}

std::string Document::value(std::string_view place, std::size_t limit) const {
  load_tree();
  std::string out;
  try {
    if (auto found = tree_->find(place)) append(out, found->node, 0);
  } catch (const YAML::Exception&) {
    out.clear();
  }
  if (out.size() > limit) {
    out.resize(limit);
    while (!out.empty() && (static_cast<unsigned char>(out.back()) & 0xC0) == 0x80) out.pop_back();
    if (!out.empty() && static_cast<unsigned char>(out.back()) >= 0xC0) out.pop_back();
    out += "...";
  }
  return out;
}

}  // namespace cli
