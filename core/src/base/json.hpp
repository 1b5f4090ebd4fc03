// SPDX-License-Identifier: Apache-2.0
//
// json: a small tree of a JSON text that remembers where each value stood, for readers that must say what is wrong and
// where (policy, configuration, surroundings). Parsing is RapidJSON's iterative reader: nesting cannot use up the
// stack.
//
//   Result<json::Value> root = json::parse(text, {.max_bytes = 4 << 20});
//   if (const json::Value *action = root->find("action"); action && action->is_text()) use(action->text);
//
// Bounded (bytes, depth, values), UTF-8 checked, duplicate keys kept (find() gives the first; whoever reads decides).
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"

namespace ap::json {

enum class Type : std::uint8_t { null, boolean, integer, number, text, list, object };

struct Value {
  using Member = std::pair<std::string, Value>;

  // Defined where Member is complete.
  Value();
  ~Value();
  Value(const Value&);
  Value(Value&&) noexcept;
  Value& operator=(const Value&);
  Value& operator=(Value&&) noexcept;

  Type type = Type::null;
  bool flag = false;            // boolean
  std::int64_t integer = 0;     // integer; a number that does not fit is Type::number
  double number = 0;            // integer and number
  std::string text;             // text
  std::vector<Value> items;     // list
  std::vector<Member> members;  // object, in the order written
  std::size_t offset = 0;       // byte of the text just behind the token that began this value

  bool is_text() const { return type == Type::text; }
  bool is_list() const { return type == Type::list; }
  bool is_object() const { return type == Type::object; }
  const Value* find(std::string_view key) const;
  std::string_view type_name() const;  // "text", "a list", ... as messages say it
};

struct Limits {
  std::size_t max_bytes = 4u << 20;
  std::size_t max_depth = 64;
  std::size_t max_values = 1u << 20;
};

// Errors: ErrorCode::limit for what is too large or too deep, else ErrorCode::invalid_policy; the message begins with
// the place ("line 3, column 7: ...").
Result<Value> parse(std::string_view text, const Limits& limits = {});

// Place of a byte as "line L, column C" (both from 1).
std::string place(std::string_view text, std::size_t offset);

// `text` as a JSON string with its quotes; bytes that are not UTF-8 become U+FFFD.
std::string quoted(std::string_view text);

}  // namespace ap::json
