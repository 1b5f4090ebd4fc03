// SPDX-License-Identifier: Apache-2.0
#include "agent/line2.hpp"

#include <errno.h>
#include <unistd.h>

#if __has_include("interpose/install.hpp")
#include "interpose/install.hpp"
#define HAVE_LINE2 1
#endif

namespace ap::agent {

Result<bool> install_line2(std::uint32_t needs, bool switched_off) {
  if (needs == 0 || switched_off) return true;
#ifdef HAVE_LINE2
  return interpose::install(needs);
#else
  return true;
#endif
}

void tell_line2_handler_loading() noexcept {}

int run_under_line2(char *const *argv) noexcept {
  execvp(argv[0], argv);
  return errno;
}

}  // namespace ap::agent
