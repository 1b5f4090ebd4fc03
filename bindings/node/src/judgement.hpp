// SPDX-License-Identifier: Apache-2.0
//
// A Judgement: an operation that was not simply granted, kept with its verdict until JavaScript has said who did it.
//
// The check functions return `undefined` for grant, which is nearly always, and a Judgement (an External) otherwise. It
// owns copies of every byte of the operation, so nothing that runs in between can change what is reported.
//
//   return judge(env, op);                       // in a check function
//   report(judgement, ...) / mark(judgement)     // once, from lib/settle.js
#pragma once
#include <app_protect/api.h>
#include <node_api.h>

#include <string>
#include <vector>

namespace ap::node {

struct Judgement {
  ap_operation operation;
  ap_verdict verdict;
  std::string text, text2, cwd, query_type;
  std::vector<std::string> arguments;
  std::vector<ap_str> argv;
};

// Asks the guard. nullptr (undefined in JavaScript) for grant, else an External that holds a Judgement.
napi_value judge(napi_env env, const ap_operation& operation);

// JavaScript: report(judgement, async, api, package, stack, requestId) -> rule text when denied, undefined when
// observed.
napi_value report(napi_env env, napi_callback_info info);

// JavaScript: mark(judgement, async): known, not counted (a part of something counted already).
napi_value mark(napi_env env, napi_callback_info info);

// JavaScript: markParts(judgement, async, times): the same for calls that the runtime makes on the opened file as parts
// of this one operation (ownership and times of a copy): line 2 knows them by the file's absolute path.
napi_value mark_parts(napi_env env, napi_callback_info info);

// JavaScript: markAncestors(path, async): realpath(3) asks about each directory above `path`.
napi_value mark_ancestors(napi_env env, napi_callback_info info);

// JavaScript: denies(judgement) -> boolean, without reporting.
napi_value denies(napi_env env, napi_callback_info info);

}  // namespace ap::node
