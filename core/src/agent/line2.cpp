// SPDX-License-Identifier: Apache-2.0
#include "agent/line2.hpp"

#include <errno.h>
#include <unistd.h>

#include "interpose/install.hpp"

namespace ap::agent {

Result<bool> install_line2(std::uint32_t needs, bool switched_off) {
  if (needs == 0 || switched_off) return true;
  return interpose::install(needs);
}

void tell_line2_handler_loading() noexcept { interpose::user_code_begins(); }

// The exec hook of line 2 hands the policy over.
int run_under_line2(char *const *argv) noexcept {
  execvp(argv[0], argv);
  return errno;
}

}  // namespace ap::agent
