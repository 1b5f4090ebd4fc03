// SPDX-License-Identifier: Apache-2.0
//
// System calls that newer processors never had: their work is done by the forms that take a directory (openat for
// open). The tables of numbers name them through old_number(); where this processor has none, the row means nothing.
//
//   {old_number(Old::open), do_open, kFiles},
#pragma once
#include <cstdint>

namespace ap::interpose {

enum class Old : std::uint8_t {
  open,
  creat,
  mkdir,
  mknod,
  unlink,
  rmdir,
  symlink,
  rename,
  link,
  chmod,
  chown,
  lchown,
  utime,
  utimes,
  futimesat,
  stat,
  lstat,
  access,
  readlink,
  dup2,
  fork,
  vfork,
  uselib,
};

// What stands in a table for the number: below zero, so that tables are constants on every processor.
constexpr int old_number(Old call) noexcept {
  return -1 - static_cast<int>(call);
}
constexpr Old old_call(int number) noexcept {
  return static_cast<Old>(-1 - number);
}

// The number on this processor, or -1. old_numbers_<processor>.cpp, chosen by CMake.
int number_of(Old call) noexcept;

}  // namespace ap::interpose
