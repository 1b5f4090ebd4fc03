// SPDX-License-Identifier: Apache-2.0
//
// Entries that must leave the caller's frame as it was: functions that return twice (vfork, clone, syscall of either)
// and those that look at their return address (dlopen, for the caller's RUNPATH). Each asks a C function, then jumps to
// the original.
#pragma once
#include "interpose/originals.hpp"

extern "C" {
#pragma GCC visibility push(hidden)
void ap_hook_vfork();
void ap_hook_clone();
void ap_hook_dlopen();
void ap_hook_dlmopen();
void ap_hook_syscall();

// Calls f(context) with the stack pointer at `top` (aligned to 16) and comes back to this one.
long ap_call_on_stack(long (*f)(void*), void* context, char* top);

// The questions. 0: go on; otherwise errno is set and the entry returns -1.
int ap_ask_vfork();
int ap_ask_clone(unsigned long flags);
// The path that the loader shall get: a copy, or one that cannot exist when the load is refused.
const char* ap_ask_load(const char* path, long name_space);
int ap_dispatch_syscall(const long* words, long* result);
#pragma GCC visibility pop
}
