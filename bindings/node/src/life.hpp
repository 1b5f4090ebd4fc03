// SPDX-License-Identifier: Apache-2.0
//
// The life of a function: start, invocations, flush; and what the language knows that the core does not (code it loads,
// answers c-ares got). Set-up calls, by node-addon-api; only allowCode, processBegin and processEnd run often.
#pragma once
#include <napi.h>

namespace ap::node {

// Adds: loadLibrary(path) -> "" or trouble · start({attach, runtime, mainDirectory, startedNs}) -> {result, message} ·
// needs() · status()
//   handlerLoading() · invocationBegin(requestId, arn, deadlineMs) · invocationEnd() -> blocked · flush()
//   log(level, text) · health(code, text) · allowCode(path) · processBegin() · processEnd() · noteAnswer(host,
//   addresses) readSmallFile(path) -> text or undefined · exists(path) · directory · library()
void add_life(Napi::Env env, Napi::Object exports);

}  // namespace ap::node
