// SPDX-License-Identifier: Apache-2.0
#include <app_protect/policy.hpp>
#include <iostream>
#include <sstream>

#include "commands.hpp"
#include "output.hpp"

namespace cli {
namespace {

struct Found {
  bool warning;
  std::optional<Position> position;
  std::string place, message;
};

// "place: message", "place: warning: message"; the message of what is no JSON at all has its line and column as place.
Found parse_diagnostic(std::string_view line, const PolicyFile& file) {
  Found f{false, std::nullopt, "", ""};
  const std::size_t colon = line.find(": ");
  f.place = std::string(line.substr(0, colon));
  f.message = colon == std::string_view::npos ? "" : std::string(line.substr(colon + 2));
  if (f.message.rfind("warning: ", 0) == 0) {
    f.warning = true;
    f.message.erase(0, 9);
  }
  int row = 0, column = 0;
  if (sscanf(f.place.c_str(), "line %d, column %d", &row, &column) == 2) {
    f.position = Position{row, column};
    f.place.clear();
  } else if (file.document) {
    f.position = file.document->position(f.place);
  }
  return f;
}

std::string count_of(std::size_t n, const char* word) {
  return std::to_string(n) + " " + word + (n == 1 ? "" : "s");
}

int check_one(const app_protect::Library& library, const std::string& name, bool lint) {
  PolicyFile file;
  std::string error;
  if (!read_policy(name, library, file, error)) return complain(error, 2);
  std::vector<Found> found;
  std::string summary;
  bool valid = false;
  if (file.document && !file.document->error().empty()) {
    found.push_back({false, file.document->error_position(), "", file.document->error()});
  } else {
    const auto policy = app_protect::Policy::open(library, file.text, "{}");
    valid = static_cast<bool>(policy);
    if (valid) summary = policy.summary();
    std::istringstream lines(policy.diagnostics());
    for (std::string line; std::getline(lines, line);)
      if (!line.empty()) found.push_back(parse_diagnostic(line, file));
  }
  std::size_t errors = 0, warnings = 0;
  Table table;
  for (const Found& f : found) {
    ++(f.warning ? warnings : errors);
    const std::string at =
        f.position ? std::to_string(f.position->line) + ":" + std::to_string(f.position->column) : "-";
    table.rows.push_back({coloured(at, Colour::dim),
                          f.warning ? coloured("warning", Colour::yellow) : coloured("error", Colour::red),
                          printable(f.place), printable(f.message)});
  }
  std::cout << coloured(printable(file.name), Colour::bold) << "\n" << table.text();
  if (valid)
    std::cout << "  " << coloured("valid", Colour::green) << (warnings != 0 ? ", " + count_of(warnings, "warning") : "")
              << ": " << summary << "\n";
  else
    std::cout << "  " << coloured("not valid", Colour::red) << ": " << count_of(errors, "error") << "\n";
  return valid && !(lint && warnings != 0) ? 0 : 1;
}

}  // namespace

int check(const app_protect::Library& library, const std::vector<std::string>& names, bool lint) {
  int worst = 0;
  for (const std::string& name : names) worst = std::max(worst, check_one(library, name, lint));
  return worst;
}

}  // namespace cli
