// SPDX-License-Identifier: Apache-2.0
//
// The commands. Each returns the exit status: 0 good, 1 the policy is not valid (check) or the operation is denied
// (explain), 2 the question could not be asked (no such file, bad usage).
#pragma once
#include <string>
#include <vector>

#include "policy_file.hpp"

namespace cli {

// Prints each diagnostic with its line and column. `lint`: warnings count as failures too.
int check(const app_protect::Library& library, const std::vector<std::string>& names, bool lint);

struct Where {
  bool here = false;  // this machine's directories, resolver and provider; else a Lambda function's
  std::string provider = "aws", region = "us-east-1", task_root = "/var/task";
  std::vector<std::string> answers;  // "host=address": as if the name had been looked up
};

// Without an operation the effective policy, else verdict, rule and reason.
int explain(const app_protect::Library& library, const std::string& name, const Where& where,
            const std::vector<std::string>& operation);

// Replaces this process. Returns only when it could not: 125 trouble of ours, 126 the program cannot be run, 127 no
// such program.
int run(const app_protect::Library& library, const std::string& policy, const std::string& group,
        const std::vector<std::string>& command);

}  // namespace cli
