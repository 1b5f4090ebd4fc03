// SPDX-License-Identifier: Apache-2.0
//
// From a judgement to what happens: find out who did it, have the core count it, make the error of a denial.
//
//   const judgement = native.read(path);
//   if (judgement !== undefined) {
//     const rule = settle(judgement, 'fs.open', isAsync);
//     if (rule !== undefined) throw denied(rule, 'open', ...);
//   }
//
// The core returns from report() for observe (undefined) and for deny (the rule's text); under `on_deny: terminate` it does
// not return. Nothing but a denial ever leaves a hook: trouble of ours goes to health().
'use strict';

const native = require('./binding');

const nobody = {__proto__: null, api: undefined, stack: undefined, package: undefined};

let requestIdNow = () => undefined; // of the current invocation, where several run at once

function settle(judgement, api, isAsync) {
  let who = nobody;
  try {
    who = require('./attribution').capture();
  } catch {
    // no stack left to read one more file
  }
  return report(judgement, api, isAsync, who);
}

// api: what to say where the stack does not name the call; name: what to say in any case.
function report(judgement, api, isAsync, who, name) {
  let requestId;
  try {
    requestId = requestIdNow();
  } catch {
    requestId = undefined;
  }
  return native.report(judgement, isAsync, name || who.api || api, who.package, who.stack, requestId);
}

// Trouble of ours: one line and one agent_health event; the function goes on.
function health(code, text) {
  try {
    native.health(code, String(text));
  } catch {
    // no core, nobody to tell
  }
}

function setRequestIdSource(source) {
  requestIdNow = source;
}

module.exports = {settle, report, health, setRequestIdSource};
