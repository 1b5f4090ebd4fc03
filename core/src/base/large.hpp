// SPDX-License-Identifier: Apache-2.0
//
// AP_LARGE in front of a zero-initialised array of many pages puts it behind all other data. Without it such arrays lie
// between the small variables, and each of those costs a child at its start a page of its own.
#pragma once

#if defined(__x86_64__) && defined(__GNUC__)
#define AP_LARGE [[gnu::section(".lbss.app_protect")]]
#else
#define AP_LARGE
#endif
