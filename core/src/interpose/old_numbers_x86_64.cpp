// SPDX-License-Identifier: Apache-2.0
#include "interpose/old_numbers.hpp"

#include <sys/syscall.h>

namespace ap::interpose {

int number_of(Old call) noexcept {
  switch (call) {
    case Old::open:
      return SYS_open;
    case Old::creat:
      return SYS_creat;
    case Old::mkdir:
      return SYS_mkdir;
    case Old::mknod:
      return SYS_mknod;
    case Old::unlink:
      return SYS_unlink;
    case Old::rmdir:
      return SYS_rmdir;
    case Old::symlink:
      return SYS_symlink;
    case Old::rename:
      return SYS_rename;
    case Old::link:
      return SYS_link;
    case Old::chmod:
      return SYS_chmod;
    case Old::chown:
      return SYS_chown;
    case Old::lchown:
      return SYS_lchown;
    case Old::utime:
      return SYS_utime;
    case Old::utimes:
      return SYS_utimes;
    case Old::futimesat:
      return SYS_futimesat;
    case Old::stat:
      return SYS_stat;
    case Old::lstat:
      return SYS_lstat;
    case Old::access:
      return SYS_access;
    case Old::readlink:
      return SYS_readlink;
    case Old::dup2:
      return SYS_dup2;
    case Old::fork:
      return SYS_fork;
    case Old::vfork:
      return SYS_vfork;
    case Old::uselib:
      return SYS_uselib;
  }
  return -1;
}

}  // namespace ap::interpose
