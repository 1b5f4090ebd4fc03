// SPDX-License-Identifier: Apache-2.0
// Raw system calls of this architecture (see syscall_x86_64.hpp).
#pragma once
#if defined(__x86_64__)
#include "base/syscall_x86_64.hpp"
#else
#error "raw system calls are written for x86_64 only so far"
#endif
