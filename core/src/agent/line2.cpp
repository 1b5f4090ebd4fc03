// SPDX-License-Identifier: Apache-2.0
#include "agent/line2.hpp"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "agent/environment.hpp"
#include "base/syscall.hpp"
#include "event/report.hpp"
#include "guard/canonical.hpp"
#include "guard/image.hpp"
#include "interpose/handover.hpp"
#include "interpose/install.hpp"
#include "interpose/program.hpp"
#include "policy/blob.hpp"

namespace ap::agent {
namespace {

// The file that execvp would run.
std::string find_program(const std::string& name, const Environment& env) {
  if (name.find('/') != std::string::npos) return name;
  std::string_view path = env.get("PATH").value_or("/usr/local/bin:/usr/bin:/bin");
  while (!path.empty()) {
    const std::size_t colon = path.find(':');
    const std::string_view folder = path.substr(0, colon);
    path.remove_prefix(colon == std::string_view::npos ? path.size() : colon + 1);
    const std::string candidate = std::string(folder.empty() ? "." : folder) + "/" + name;
    if (access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return "";
}

}  // namespace

Result<bool> install_line2(std::uint32_t needs, bool switched_off) {
  if (needs == 0 || switched_off) return true;
  return interpose::install(needs);
}

void tell_line2_handler_loading() noexcept {
  interpose::user_code_begins();
}

// Not by way of the exec hook: that one would judge the program as a child of ours, and `run` is what the user asked
// for. The hand-over is the same.
int run_under_line2(char* const* argv) noexcept {
  if (argv == nullptr || argv[0] == nullptr) return EINVAL;
  if (!sealed()) {
    execvp(argv[0], argv);
    return errno;
  }
  const Environment env = Environment::of_this_process();
  const std::string path = find_program(argv[0], env);
  if (path.empty()) return ENOENT;
  canonical::Descriptor object;
  if (object.open([&] { return sys::call(SYS_openat, AT_FDCWD, path.c_str(), O_PATH | O_CLOEXEC, 0); }) < 0)
    return ENOENT;
  if (access(path.c_str(), X_OK) != 0) return EACCES;
  const interpose::Program program = interpose::inspect(object.get(), path.c_str());
  if (program.form == interpose::Program::Form::native || program.form == interpose::Program::Form::script) {
    if (!program.enterable && policy()->header().denies) {
      event::log(LogLevel::error,
                 "`" + path + "` cannot be put under a policy: it is static, uses another loader or is set-uid");
      return EPERM;
    }
    if (!program.enterable)
      event::log(LogLevel::warn, "`" + path + "` runs unguarded: it is static, uses another loader or is set-uid");
  }

  std::vector<std::string> variables;
  std::size_t room_size = interpose::kEnvironmentRoom;
  for (const auto& [name, value] : env.all()) {
    variables.push_back(name + "=" + value);
    room_size += variables.back().size() + 1;
  }
  std::vector<char*> envp;
  for (std::string& variable : variables) envp.push_back(variable.data());
  const std::size_t count = envp.size();
  envp.resize(count + 4, nullptr);
  std::vector<char> room(room_size);
  interpose::Luggage luggage;
  if (program.enterable) {
    if (const long packed = luggage.open(); packed < 0) return static_cast<int>(-packed);
    if (const long kept = interpose::rebuild_environment(envp.data(), count, room.data(), room.size(), luggage);
        kept < 0)
      return static_cast<int>(-kept);
  }
  event::flush();
  const long error = sys::call(SYS_execve, path.c_str(), argv, envp.data());
  if (error != -ENOEXEC) return static_cast<int>(-error);
  // A script without #!: execvp gives it to the shell.
  std::vector<char*> shell = {const_cast<char*>("/bin/sh"), const_cast<char*>(path.c_str())};
  for (char* const* word = argv + 1; *word != nullptr; ++word) shell.push_back(*word);
  shell.push_back(nullptr);
  return static_cast<int>(-sys::call(SYS_execve, "/bin/sh", shell.data(), envp.data()));
}

}  // namespace ap::agent
