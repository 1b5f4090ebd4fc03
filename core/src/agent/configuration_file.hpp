// SPDX-License-Identifier: Apache-2.0
//
// Configuration files: the ini form (section [trend_app_protect]) and the JSON form (one object) as a list of keys and
// texts. Keys come out in lower case; a nested JSON object `{"defence": {"log_file": ...}}` comes out as
// `defence.log_file`.
#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"

namespace ap::agent {

using KeyValues = std::vector<std::pair<std::string, std::string>>;

// Errors say the line. Other sections are other people's and are skipped.
Result<KeyValues> parse_ini(std::string_view text);
Result<KeyValues> parse_json_configuration(std::string_view text);

enum class FileState { read, missing, unusable };

// A whole regular file of at most `limit` bytes; never waits (a FIFO is an error, not a wait).
struct FileText {
  FileState state;
  std::string
      text;  // the content, or why it is unusable ("permission denied", "it is a FIFO, expected a regular file")
  bool is_folder = false;
};
FileText read_file(const std::string& path, std::size_t limit);

}  // namespace ap::agent
