// SPDX-License-Identifier: Apache-2.0
//
// precede(original, before): a native function that calls before(self, ...arguments), then `original`.
//
// For what is called by user code directly (module loading, fs.opendir, process.dlopen): a JavaScript wrapper would
// stand on every stack below it, where functions and their tests see it; this leaves no frame. Costs some 300 ns: not
// for hot paths. before() returns undefined to go on, {first} to go on with another first argument, {result} in place
// of the call; what it throws is thrown.
#pragma once
#include <node_api.h>

namespace ap::node {

void add_preceded(napi_env env, napi_value exports);

}  // namespace ap::node
