// SPDX-License-Identifier: Apache-2.0
//
// hook(group, object, refused): native functions in the place of an internal binding's methods.
//
// Each asks the guard about some of its arguments and calls the original with exactly what was asked about; what is
// granted never enters JavaScript. Anything else goes to
//
//   refused(method, judgement, other, self, values)   -> undefined to go on, {result} in its place; what it throws is
//   thrown
//
// `other`: the second judgement of a copy (which reads one path and makes another; either may be undefined). Replaced
// methods can be neither written nor configured, and leave no frame on a stack.
#pragma once
#include <node_api.h>

namespace ap::node {

// Adds `hook` to `exports`. Groups: fs; tcp, pipe, listen (creating a unix socket), udp; names
// (getaddrinfo and its like), queries (of a c-ares channel, whose answers are noted).
void add_hooks(napi_env env, napi_value exports);

}  // namespace ap::node
