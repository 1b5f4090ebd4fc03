// SPDX-License-Identifier: Apache-2.0
//
// Document: a policy text as written, JSON or YAML, turned into the JSON that the core takes; and where in the text a
// place such as `outbound.allowed_domains[2]` stands, so that a diagnostic can name line and column.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace cli {

struct Position {
  int line, column;  // from 1
};

class Document {
 public:
  // `name` decides the form: .yaml and .yml are YAML; anything else is JSON when it begins with `{` or `[`, else YAML.
  static Document of(std::string text, std::string_view name);
  ~Document();
  Document(Document&&) noexcept;
  Document& operator=(Document&&) noexcept;

  // Empty when the YAML cannot be read: error() then says why, error_position() where.
  const std::string& json() const { return json_; }
  const std::string& error() const { return error_; }
  std::optional<Position> error_position() const { return error_position_; }

  std::optional<Position> position(std::string_view place) const;
  // The value at a place as one line of JSON, at most `limit` bytes; empty when there is none.
  std::string value(std::string_view place, std::size_t limit = 100) const;

 private:
  struct Tree;
  Document();
  void load_tree() const;

  std::string text_, json_, error_;
  std::optional<Position> error_position_;
  mutable std::unique_ptr<Tree> tree_;  // made when a place is asked for
};

}  // namespace cli
