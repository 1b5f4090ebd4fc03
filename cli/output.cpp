// SPDX-License-Identifier: Apache-2.0
#include "output.hpp"

#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <iostream>

namespace cli {
namespace {

bool colours(int fd) {
  const char* no = getenv("NO_COLOR");
  return (no == nullptr || *no == '\0') && isatty(fd) == 1;
}

const char* code(Colour colour) {
  switch (colour) {
    case Colour::red:
      return "\033[31m";
    case Colour::yellow:
      return "\033[33m";
    case Colour::green:
      return "\033[32m";
    case Colour::bold:
      return "\033[1m";
    case Colour::dim:
      return "\033[2m";
    case Colour::none:
      break;
  }
  return "";
}

// Columns that a terminal shows: escape sequences and UTF-8 tails take none.
std::size_t width_of(std::string_view text) {
  std::size_t width = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\033') {
      while (i < text.size() && text[i] != 'm') ++i;
      continue;
    }
    if ((static_cast<unsigned char>(text[i]) & 0xC0) != 0x80) ++width;
  }
  return width;
}

}  // namespace

std::string coloured(std::string_view text, Colour colour) {
  static const bool on = colours(1);
  if (!on || colour == Colour::none) return std::string(text);
  return code(colour) + std::string(text) + "\033[0m";
}

Colour colour_of(std::string_view action) {
  return action == "deny" ? Colour::red : action == "observe" ? Colour::yellow : Colour::green;
}

std::string padded(std::string_view text, std::size_t width) {
  const std::size_t have = width_of(text);
  return std::string(text) + std::string(have < width ? width - have : 0, ' ');
}

std::string Table::text(std::string_view indent) const {
  std::vector<std::size_t> widths;
  for (const auto& row : rows)
    for (std::size_t c = 0; c < row.size(); ++c) {
      if (widths.size() <= c) widths.push_back(0);
      widths[c] = std::max(widths[c], width_of(row[c]));
    }
  std::string out;
  for (const auto& row : rows) {
    std::string line(indent);
    for (std::size_t c = 0; c < row.size(); ++c)
      line += c + 1 == row.size() ? row[c] : padded(row[c], widths[c]) + "  ";
    while (!line.empty() && line.back() == ' ') line.pop_back();
    out += line + "\n";
  }
  return out;
}

std::string printable(std::string_view text) {
  std::string out;
  for (char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20) {
      out += '^';
      out += static_cast<char>(byte + 0x40);
    } else if (byte == 0x7f) {
      out += "^?";
    } else {
      out += c;
    }
  }
  return out;
}

int complain(std::string_view message, int status) {
  std::cout.flush();
  std::cerr << (colours(2) ? "\033[31merror:\033[0m " : "error: ") << message << "\n";
  return status;
}

}  // namespace cli
