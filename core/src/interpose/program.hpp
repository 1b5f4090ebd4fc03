// SPDX-License-Identifier: Apache-2.0
//
// What a program file is, as far as line 2 must know: whether the child it becomes can be entered (our library
// preloaded).
#pragma once
#include <sys/types.h>

#include <cstdint>

#include "guard/canonical.hpp"

namespace ap::interpose {

struct Program {
  enum class Form : std::uint8_t { missing, native, script, other };  // other: the kernel will say ENOEXEC
  Form form = Form::missing;
  bool enterable = true;  // false: static, another loader or architecture, set-uid, set-gid or file capabilities
  long error = 0;         // why `missing`
};

// Looks at the program behind an open descriptor (O_PATH is enough), which `path` led to just now. Follows #! lines to
// the interpreter that will run.
Program inspect(int object, const char* path) noexcept;

// The loader of this process, that of children we can enter. At install: by its path, or as a parent knew it.
struct FileId {
  dev_t device = 0;
  ino_t inode = 0;
};
void remember_loader(const char* path) noexcept;

// The JVM starts each program through one of its own, `jspawnhelper`, beside the folder of its library: it does nothing
// but exec what it is told, and that is decided there, in it. `library`: the path of the JVM's.
void remember_spawn_helper(std::string_view library) noexcept;
bool is_spawn_helper(int object) noexcept;
void remember_loader(const FileId& id) noexcept;
FileId known_loader() noexcept;

}  // namespace ap::interpose
