// SPDX-License-Identifier: Apache-2.0
//
// The check functions: one native call that turns a hook's arguments into an Operation and asks the guard.
//
// Each returns undefined for grant (and for arguments that cannot reach the kernel: the original call reports those
// itself) or a Judgement. Raw N-API: these run before every file, network and process call of the function.
#pragma once
#include <node_api.h>

namespace ap::node {

// Adds to `exports`:
//   files      read, stat, list, create, remove, metadata (path) · open (path, flags) · rename, link (from, to) ·
//   symlink (target, path) network    connectTcp, connectUdp (address, port, host?) · connectUnix (path) · bindUnix
//   (path) · resolve (name, type?) processes  spawn (file, args, cwd?) native     load (path) · reach (what) copy(view)
//   -> a private Buffer of the same bytes; anything else comes back as it is
void add_operations(napi_env env, napi_value exports);

}  // namespace ap::node
