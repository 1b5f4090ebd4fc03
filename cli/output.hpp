// SPDX-License-Identifier: Apache-2.0
//
// What the commands print: colour on a terminal only (NO_COLOR is honoured), columns aligned, control characters shown
// as such.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace cli {

enum class Colour { none, red, yellow, green, bold, dim };

// `text` in that colour where standard output is a terminal.
std::string coloured(std::string_view text, Colour colour);
Colour colour_of(std::string_view action);  // deny red, observe yellow, grant green

// Rows of equal columns; the last column is left ragged. `colours`, where given, is one per row and is applied to
// `column`.
struct Table {
  std::vector<std::vector<std::string>> rows;
  std::string text(std::string_view indent = "  ") const;
};
std::string padded(std::string_view text, std::size_t width);

// Control characters as ^X, so that a policy cannot write on the terminal.
std::string printable(std::string_view text);

// "error: ..." on standard error; returns `status`.
int complain(std::string_view message, int status);

}  // namespace cli
