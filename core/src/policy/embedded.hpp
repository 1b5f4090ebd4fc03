// SPDX-License-Identifier: Apache-2.0
//
// The JSON documents of this folder, embedded into the library at build (embed.cmake): built-in groups, provider
// tables, the runtime's own needs, the JSON Schema. Texts live as long as the library.
#pragma once
#include <string_view>

namespace ap::embedded {

struct File {
  std::string_view name;  // without .json
  std::string_view text;
};

struct Files {
  const File* first;
  std::size_t count;
  const File* begin() const { return first; }
  const File* end() const { return first + count; }
};

// A path that a runtime itself reads; `write`: and writes; `libraries`: and loads from.
struct Need {
  std::string_view path;
  bool write, libraries;
};

struct Needs {
  const Need* first;
  std::size_t count;
  const Need* begin() const { return first; }
  const Need* end() const { return first + count; }
};

extern const Files groups;             // groups/*.json
extern const Files providers;          // providers/*.json
extern const Needs runtime_needs;      // runtime_needs.json
extern const std::string_view schema;  // policy.schema.json

}  // namespace ap::embedded
