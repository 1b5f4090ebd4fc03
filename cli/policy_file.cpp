// SPDX-License-Identifier: Apache-2.0
#include "policy_file.hpp"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <app_protect/policy.hpp>

namespace cli {
namespace {

constexpr std::size_t kLimit = 64u << 20;

bool read_all(int fd, std::string& out, std::string& error) {
  char block[65536];
  for (;;) {
    const ssize_t n = read(fd, block, sizeof block);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      error = strerror(errno);
      return false;
    }
    if (n == 0) return true;
    out.append(block, static_cast<std::size_t>(n));
    if (out.size() > kLimit) {
      error = "it is larger than 64 MB";
      return false;
    }
  }
}

bool read_file(const std::string& name, std::string& out, std::string& error) {
  const int fd = open(name.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
  if (fd < 0) {
    error = strerror(errno);
    return false;
  }
  struct stat st{};
  fstat(fd, &st);
  bool ok = false;
  if (S_ISDIR(st.st_mode))
    error = "it is a folder, expected a policy file";
  else if (!S_ISREG(st.st_mode))
    error = "it is not a regular file";
  else
    ok = read_all(fd, out, error);
  close(fd);
  return ok;
}

}  // namespace

app_protect::Library open_library() {
  char self[PATH_MAX];
  const ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
  std::string folder = n > 0 ? std::string(self, static_cast<std::size_t>(n)) : std::string("./app-protect");
  folder.resize(folder.rfind('/'));
  for (const char* place :
       {"/libapp_protect.so", "/../lib/libapp_protect.so", "/../app_protect/lib/libapp_protect.so"}) {
    const std::string path = folder + place;
    if (access(path.c_str(), R_OK) == 0) return app_protect::Library::open(path);
  }
  return app_protect::Library::open(folder + "/../lib/libapp_protect.so");
}

bool read_policy(const std::string& name, const app_protect::Library& library, PolicyFile& out, std::string& error) {
  std::string text;
  if (name == "-") {
    out.name = "standard input";
    if (!read_all(0, text, error)) return false;
  } else {
    out.name = name;
    if (!read_file(name, text, error)) {
      // A built-in group has no file; the core knows its name.
      if (access(name.c_str(), F_OK) != 0 && !name.empty() && name.size() < 100 &&
          name.find_first_of("/{[\"") == std::string::npos && app_protect::Policy::open(library, name, "{}")) {
        out.text = name;
        return true;
      }
      error = "cannot read " + name + ": " + error;
      return false;
    }
  }
  out.document = Document::of(std::move(text), name);
  out.text = out.document->json();
  return true;
}

}  // namespace cli
