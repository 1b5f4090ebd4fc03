// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <app_protect/library.hpp>

#include "commands.hpp"
#include "output.hpp"

namespace cli {

int run(const app_protect::Library& library, const std::string& policy, const std::string& group,
        const std::vector<std::string>& command) {
  // The policy reaches the agent as it would in a function: through the variables that name it.
  if (!group.empty()) setenv("ES_POLICY_GROUP_NAME", group.c_str(), 1);
  if (!policy.empty()) {
    unsetenv("TREND_AP_POLICY");
    unsetenv("TREND_AP_POLICY_FILE");
    struct stat st{};
    const bool folder = stat(policy.c_str(), &st) == 0 && S_ISDIR(st.st_mode);
    if (folder) {
      setenv("TREND_AP_POLICY_FILE", policy.c_str(), 1);
    } else {
      PolicyFile file;
      std::string error;
      if (!read_policy(policy, library, file, error)) return complain(error, 125);
      if (file.document && !file.document->error().empty())
        return complain(file.name + ": " + file.document->error(), 125);
      const bool yaml =
          policy == "-" || (file.document && policy.size() > 5 && policy.substr(policy.size() - 5) != ".json");
      if (!file.document)
        setenv("ES_POLICY_GROUP_NAME", policy.c_str(), 1);
      else if (yaml)
        setenv("TREND_AP_POLICY", file.text.c_str(), 1);
      else
        setenv("TREND_AP_POLICY_FILE", policy.c_str(), 1);
    }
  }
  ap_start_options options{};
  options.size = sizeof options;
  options.attach = AP_ATTACH_RUN;
  options.language = app_protect::str("native");
  char message[8192];
  switch (library->start(&options, message, sizeof message)) {
    case AP_FAILED:
      return complain(message, 125);
    case AP_ALREADY:
      return complain("another App Protect enforces a policy in this process already", 125);
    default:
      break;  // started, or switched off: the program runs either way
  }
  std::vector<char*> argv;
  for (const std::string& word : command) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  const int why = library->run(argv.data());
  return complain("cannot run `" + printable(command.front()) + "`: " + strerror(why), why == ENOENT ? 127 : 126);
}

}  // namespace cli
