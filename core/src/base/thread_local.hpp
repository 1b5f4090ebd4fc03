// SPDX-License-Identifier: Apache-2.0
//
// AP_THREAD_LOCAL: a variable per thread that a signal handler or a vforked child may touch: its room is there before
// the thread runs. glibc gives that to the initial-exec model alone; musl refuses that model in a library which is
// loaded late, and gives it to every model.
#pragma once
#include <features.h>

#ifdef __GLIBC__
#define AP_THREAD_LOCAL __attribute__((tls_model("initial-exec"))) thread_local
#else
#define AP_THREAD_LOCAL thread_local
#endif
