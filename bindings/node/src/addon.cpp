// SPDX-License-Identifier: Apache-2.0
//
// app_protect.node: the Node addon. Conversion only; every rule, default and message is the core's.
//
// One binary for Node 10 to 24 (N-API 6), context-aware: each environment (main thread, worker) gets function objects
// of its own, and none of them keeps state here; what is process-wide is the table in library.hpp.
#include <napi.h>

#include "environment.hpp"
#include "hooks.hpp"
#include "life.hpp"
#include "operations.hpp"
#include "policy.hpp"
#include "preceded.hpp"

// Once for each environment, which has a thread of its own, and the first to ask are we: what user code gets by loading
// this file again is nothing. These functions go past every hook.
static thread_local bool given = false;

// The functions that a start does not need where everything is granted: to make one costs some 3 us. In the middle of
// user code, which may have used up the stack: what was not made then is made the next time.
static void complete(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Napi::Object exports = info.This().As<Napi::Object>();
  bool& is_complete = ap::node::Environment::of(env).is_complete;
  if (is_complete) return;
  ap::node::add_life(env, exports);
  ap::node::add_operations(env, exports);
  ap::node::add_policy(env, exports);
  is_complete = !env.IsExceptionPending();
}

static Napi::Object initialise(Napi::Env env, Napi::Object exports) {
  if (given) return exports;
  given = true;
  ap::node::Environment::attach(env);
  ap::node::add_start(env, exports);
  ap::node::add_start_operations(env, exports);
  ap::node::add_preceded(env, exports);
  ap::node::add_hooks(env, exports);
  exports.Set("complete", Napi::Function::New<complete>(env, "complete"));
  return exports;
}

NODE_API_MODULE(app_protect, initialise)
