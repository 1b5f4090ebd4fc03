// SPDX-License-Identifier: Apache-2.0
//
// The life of a function: start, invocations, flush; and what the language knows that the core does not (code it loads,
// answers c-ares got). Set-up calls, by node-addon-api; only allowCode, processBegin and processEnd run often.
#pragma once
#include <napi.h>

namespace ap::node {

// Adds what every start calls: loadLibrary(path) -> "" or trouble · start({attach, runtime, mainDirectory, startedNs})
// ->
//   {result, message, needs} · evaluate(path) · guardDebugSignal() · flush()
void add_start(Napi::Env env, Napi::Object exports);

// Adds the rest: status() · handlerLoading() · invocationBegin(requestId, arn, deadlineMs) · invocationEnd() -> blocked
// ·
//   log(level, text) · health(code, text) · allowCode(path) · processBegin() · processEnd() · noteAnswer(host,
//   addresses) · readSmallFile(path) -> text or undefined · exists(path) · directory · library()
void add_life(Napi::Env env, Napi::Object exports);

}  // namespace ap::node
