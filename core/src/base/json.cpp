// SPDX-License-Identifier: Apache-2.0
#include "base/json.hpp"

#include <rapidjson/error/en.h>
#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>

#include "base/utf8.hpp"

namespace ap::json {
namespace {

// Builds the tree; returns false (which stops the reader) at a bound.
class Builder {
 public:
  Builder(const rapidjson::MemoryStream& stream, const Limits& limits) : stream_(stream), limits_(limits) {}

  bool Null() { return put({}); }
  bool Bool(bool b) {
    Value v;
    v.type = Type::boolean;
    v.flag = b;
    return put(std::move(v));
  }
  bool Int(int i) { return Int64(i); }
  bool Uint(unsigned u) { return Int64(static_cast<std::int64_t>(u)); }
  bool Int64(std::int64_t i) {
    Value v;
    v.type = Type::integer;
    v.integer = i;
    v.number = static_cast<double>(i);
    return put(std::move(v));
  }
  bool Uint64(std::uint64_t u) { return Double(static_cast<double>(u)); }
  bool Double(double d) {
    Value v;
    v.type = Type::number;
    v.number = d;
    return put(std::move(v));
  }
  bool RawNumber(const char*, rapidjson::SizeType, bool) { return false; }
  bool String(const char* s, rapidjson::SizeType size, bool) {
    Value v;
    v.type = Type::text;
    v.text.assign(s, size);
    return put(std::move(v));
  }
  bool StartObject() { return open(Type::object); }
  bool Key(const char* s, rapidjson::SizeType size, bool) {
    key_.assign(s, size);
    return true;
  }
  bool EndObject(rapidjson::SizeType) { return close(); }
  bool StartArray() { return open(Type::list); }
  bool EndArray(rapidjson::SizeType) { return close(); }

  Value root;
  const char* bound = nullptr;  // which limit stopped it

 private:
  Value* add(Value value) {
    if (++count_ > limits_.max_values) {
      bound = "holds too many values";
      return nullptr;
    }
    value.offset = stream_.Tell();
    if (stack_.empty()) {
      root = std::move(value);
      return &root;
    }
    Value& parent = *stack_.back();
    if (parent.is_list()) return &parent.items.emplace_back(std::move(value));
    return &parent.members.emplace_back(std::move(key_), std::move(value)).second;
  }
  bool put(Value value) { return add(std::move(value)) != nullptr; }
  bool open(Type type) {
    if (stack_.size() >= limits_.max_depth) {
      bound = "is nested too deeply";
      return false;
    }
    Value value;
    value.type = type;
    Value* placed = add(std::move(value));
    // INVARIANT: only the innermost open value grows, so pointers to the outer ones stay valid.
    if (placed) stack_.push_back(placed);
    return placed != nullptr;
  }
  bool close() {
    stack_.pop_back();
    return true;
  }

  const rapidjson::MemoryStream& stream_;
  const Limits& limits_;
  std::vector<Value*> stack_;
  std::string key_;
  std::size_t count_ = 0;
};

}  // namespace

Value::Value() = default;
Value::~Value() = default;
Value::Value(const Value&) = default;
Value::Value(Value&&) noexcept = default;
Value& Value::operator=(const Value&) = default;
Value& Value::operator=(Value&&) noexcept = default;

const Value* Value::find(std::string_view key) const {
  for (const Member& m : members)
    if (m.first == key) return &m.second;
  return nullptr;
}

std::string_view Value::type_name() const {
  switch (type) {
    case Type::null:
      return "null";
    case Type::boolean:
      return flag ? "true" : "false";
    case Type::integer:
    case Type::number:
      return "a number";
    case Type::text:
      return "text";
    case Type::list:
      return "a list";
    case Type::object:
      return "an object";
  }
  return "";
}

std::string place(std::string_view text, std::size_t offset) {
  std::size_t line = 1, column = 1;
  for (std::size_t i = 0; i < offset && i < text.size(); ++i) {
    if (text[i] == '\n') {
      ++line;
      column = 1;
    } else if ((static_cast<unsigned char>(text[i]) & 0xc0) != 0x80) {
      ++column;
    }
  }
  return "line " + std::to_string(line) + ", column " + std::to_string(column);
}

Result<Value> parse(std::string_view text, const Limits& limits) {
  if (text.size() > limits.max_bytes)
    return Error{ErrorCode::limit, "the text has " + std::to_string(text.size()) + " bytes; at most " +
                                       std::to_string(limits.max_bytes) + " are read"};
  if (text.substr(0, 3) == "\xef\xbb\xbf") text.remove_prefix(3);  // a byte order mark, as Windows editors leave it
  if (std::size_t bad = first_invalid_utf8(text); bad != text.size())
    return Error{ErrorCode::invalid_policy, place(text, bad) + ": not valid UTF-8"};
  if (text.find_first_not_of(" \t\r\n") == std::string_view::npos)
    return Error{ErrorCode::invalid_policy, "the text is empty: expected a JSON object"};
  if (std::size_t nul = text.find('\0'); nul != std::string_view::npos)
    return Error{ErrorCode::invalid_policy, place(text, nul) + ": a NUL byte"};

  rapidjson::MemoryStream stream(text.data(), text.size());
  Builder builder(stream, limits);
  rapidjson::Reader reader;
  // Not kParseFullPrecisionFlag: RapidJSON 1.1.0 counts the leading zeros of zero there ("0E90"). Nothing here reads
  // fractions.
  constexpr unsigned flags = rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag;
  rapidjson::ParseResult result = reader.Parse<flags>(stream, builder);
  if (builder.bound)
    return Error{ErrorCode::limit, place(text, stream.Tell()) + ": the text " + builder.bound + " (at most " +
                                       std::to_string(limits.max_depth) + " levels, " +
                                       std::to_string(limits.max_values) + " values)"};
  if (result.IsError()) {
    std::string what = rapidjson::GetParseError_En(result.Code());
    while (!what.empty() && what.back() == '.') what.pop_back();
    if (!what.empty() && what[0] >= 'A' && what[0] <= 'Z') what[0] = static_cast<char>(what[0] + 32);
    return Error{ErrorCode::invalid_policy, place(text, result.Offset()) + ": not valid JSON: " + what};
  }
  return std::move(builder.root);
}

std::string quoted(std::string_view text) {
  static constexpr char hex[] = "0123456789abcdef";
  std::string out = "\"";
  while (!text.empty()) {
    std::size_t good = first_invalid_utf8(text);
    for (char c : text.substr(0, good)) {
      auto u = static_cast<unsigned char>(c);
      if (c == '"' || c == '\\') {
        out += '\\';
        out += c;
      } else if (u < 0x20 || u == 0x7f) {
        out += "\\u00";
        out += hex[u >> 4];
        out += hex[u & 15];
      } else {
        out += c;
      }
    }
    text.remove_prefix(good);
    if (text.empty()) break;
    out += "\xef\xbf\xbd";
    text.remove_prefix(1);
  }
  return out += '"';
}

}  // namespace ap::json
