// SPDX-License-Identifier: Apache-2.0
//
// What the test programs call and glibc before 2.34 does not have: by number, or by what came before it.
#pragma once
#include <features.h>

#if !__GLIBC_PREREQ(2, 34)
#include <spawn.h>
#include <sys/syscall.h>
#include <unistd.h>

#define close_range(first, last, flags) ((int)syscall(SYS_close_range, first, last, flags))
#define execveat(directory, path, argv, envp, flags) ((int)syscall(SYS_execveat, directory, path, argv, envp, flags))
#define res_mkquery __res_mkquery
#define res_send __res_send
#define res_nmkquery __res_nmkquery
#define res_nsend __res_nsend
#define _Fork fork
#define posix_spawn_file_actions_addclosefrom_np(actions, first) \
  for (int number = first; number < 64; ++number) posix_spawn_file_actions_addclose(actions, number)
#endif
