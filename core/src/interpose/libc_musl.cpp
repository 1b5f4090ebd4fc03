// SPDX-License-Identifier: Apache-2.0
//
// musl: one file is loader and library, and some functions make their system calls inline. Those that open a file by
// name are made again here of the guarded calls. Not covered: the files that musl opens for itself by fixed names
// (/etc/resolv.conf, /etc/hosts, /etc/passwd), and what the TZ and MUSL_LOCPATH variables name.
#include "interpose/libc.hpp"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/syscall.hpp"
#include "interpose/file_shapes.hpp"
#include "interpose/files.hpp"

namespace ap::interpose {
namespace {

FILE* stream_of(long fd, const char* mode) {
  if (fd < 0) {
    finish(fd);
    return nullptr;
  }
  FILE* stream = fdopen(static_cast<int>(fd), mode);
  if (!stream) sys::call(SYS_close, fd);
  return stream;
}

FILE* hook_fopen(const char* user_path, const char* mode) {
  if (!strchr("rwa", *mode)) {
    errno = EINVAL;
    return nullptr;
  }
  std::uint64_t flags = strchr(mode, '+') ? O_RDWR : *mode == 'r' ? O_RDONLY : O_WRONLY;
  if (strchr(mode, 'x')) flags |= O_EXCL;
  if (strchr(mode, 'e')) flags |= O_CLOEXEC;
  if (*mode != 'r') flags |= O_CREAT;
  if (*mode == 'w') flags |= O_TRUNC;
  if (*mode == 'a') flags |= O_APPEND;
  PathBuffer path;
  const long length = copy_path(path, user_path);
  return stream_of(length < 0 ? length : guarded_open(AT_FDCWD, path, flags, 0666), mode);
}

FILE* hook_tmpfile() {
  PathBuffer folder;
  folder.assign("/tmp");
  return stream_of(guarded_open(AT_FDCWD, folder, O_TMPFILE | O_RDWR, 0600), "w+");
}

long do_statvfs(long path, long buffer, long, long, long, long) {
  return on_object(AP_FILE_STAT, AT_FDCWD, path, 0, [&](int object) -> long {
    return fstatvfs(object, reinterpret_cast<struct statvfs*>(buffer)) == 0 ? 0 : -errno;
  });
}

}  // namespace

bool is_libc(std::string_view file) noexcept {
  return file.substr(0, 8) == "ld-musl-";
}
bool is_loader(std::string_view file) noexcept {
  return is_libc(file);
}
bool loader_is_guarded() noexcept {
  return true;
}
Table<Call> libc_calls() noexcept {
  static const Call rows[] = {
      {"fopen", code(hook_fopen), kFiles},
      {"tmpfile", code(hook_tmpfile), kFiles},
      {"statvfs", entry_of<do_statvfs>(), kFileNames},
  };
  return table(rows);
}
char** first_environment(char**) noexcept {
  return environ;  // musl's constructors are given nothing
}

}  // namespace ap::interpose
