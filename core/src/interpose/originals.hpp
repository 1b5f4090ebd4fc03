// SPDX-License-Identifier: Apache-2.0
//
// Ways to libc's own functions behind the patches, for the few that are run rather than re-issued. One page of its own,
// which install() makes read-only: nothing in the process can be redirected by overwriting it.
#pragma once
#include <netdb.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/uio.h>

namespace ap::interpose {

struct alignas(4096) Originals {
  void *vfork, *clone, *dlopen, *dlmopen,
      *syscall;  // entered by a jump; first, so that the stubs know their offsets

  int (*getaddrinfo)(const char*, const char*, const addrinfo*, addrinfo**);
  int (*getnameinfo)(const sockaddr*, socklen_t, char*, socklen_t, char*, socklen_t, int);
  hostent* (*gethostbyname)(const char*);
  hostent* (*gethostbyname2)(const char*, int);
  int (*gethostbyname_r)(const char*, hostent*, char*, size_t, hostent**, int*);
  int (*gethostbyname2_r)(const char*, int, hostent*, char*, size_t, hostent**, int*);
  hostent* (*gethostbyaddr)(const void*, socklen_t, int);
  int (*gethostbyaddr_r)(const void*, socklen_t, int, hostent*, char*, size_t, hostent**, int*);
  int (*res_query)(const char*, int, int, unsigned char*, int);
  int (*res_search)(const char*, int, int, unsigned char*, int);
  int (*res_querydomain)(const char*, const char*, int, int, unsigned char*, int);
  int (*res_send)(const unsigned char*, int, unsigned char*, int);
  int (*res_nquery)(void*, const char*, int, int, unsigned char*, int);
  int (*res_nsearch)(void*, const char*, int, int, unsigned char*, int);
  int (*res_nquerydomain)(void*, const char*, const char*, int, int, unsigned char*, int);
  int (*res_nsend)(void*, const unsigned char*, int, unsigned char*, int);

  ssize_t (*send)(int, const void*, size_t, int);
  ssize_t (*write)(int, const void*, size_t);
  ssize_t (*writev)(int, const iovec*, int);
  int (*fcntl)(int, int, ...);

  pid_t (*fork)();
  pid_t (*raw_fork)();  // _Fork
  int (*posix_spawn)(pid_t*, const char*, const posix_spawn_file_actions_t*, const posix_spawnattr_t*, char* const[],
                     char* const[]);
  int (*posix_spawnp)(pid_t*, const char*, const posix_spawn_file_actions_t*, const posix_spawnattr_t*, char* const[],
                      char* const[]);
  int (*system)(const char*);
  FILE* (*popen)(const char*, const char*);
  int (*nss_configure_lookup)(const char*, const char*);
};

extern Originals originals __asm__("ap_originals");  // a name that assembly can spell

}  // namespace ap::interpose
