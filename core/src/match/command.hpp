// SPDX-License-Identifier: Apache-2.0
//
// Command patterns (child_processes.rules): RE2 expressions that are searched in a command line.
//
//   Result<bool> ok = check_command_pattern("^/usr/bin/file ");
//   if (search_command("^/usr/bin/file ", "/usr/bin/file report.pdf")) ...
//
// Bytes (Latin-1), `.` does not meet a newline, no anchoring but the pattern's own. A pattern is compiled on first use
// and kept for the life of the process, behind one mutex that fork handlers take: a forked child never inherits it
// locked. Compiling allocates; a search of a compiled pattern may (RE2's state cache).
#pragma once
#include <cstddef>
#include <string_view>

#include "base/result.hpp"

namespace ap {

// Error: what RE2 says, in one line, with the part of the pattern that it means.
Result<bool> check_command_pattern(std::string_view pattern);

// False also when the pattern does not compile (a sealed policy holds none that does not).
bool search_command(std::string_view pattern, std::string_view command) noexcept;

// The text that every match begins with, for `^literal...` patterns: lets a rule be skipped without RE2. Empty when
// there is none.
std::string_view anchored_literal(std::string_view pattern) noexcept;

// Appends `argument` as a POSIX shell would need it written (Python's shlex.quote). Calls put(text) with pieces.
template <typename Put>
void shell_quote(std::string_view argument, Put&& put) {
  auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("@%_-+=:,./").find(c) != std::string_view::npos;
  };
  bool quote = argument.empty();
  for (char c : argument) quote = quote || !plain(c);
  if (!quote) return put(argument);
  put(std::string_view("'"));
  while (true) {
    std::size_t at = argument.find('\'');
    put(argument.substr(0, at));
    if (at == argument.npos) break;
    put(std::string_view("'\"'\"'"));
    argument.remove_prefix(at + 1);
  }
  put(std::string_view("'"));
}

}  // namespace ap
