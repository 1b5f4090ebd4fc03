// SPDX-License-Identifier: Apache-2.0
//
// Native code, and the doors from JavaScript to what is behind the hooks.
//
// Patched: process.dlopen (require of .node files; line 2 stands behind it); the inspector's Connection and open, which give
//   closure scopes, and so the originals; process._linkedBinding, _debugProcess, and SIGUSR1, which opens the inspector;
//   v8.setFlagsFromString, whose flags take the bounds off WebAssembly's memory, write files and give natives.
// The doors are one operation of native_code (calling what no rule names): granted, observed or denied with it.
// Not patched, on purpose: tls and crypto engines (loading those modules early costs 10 ms): line 2's dlopen.
'use strict';

const {apply, construct, process} = require('../primordials');
const native = require('../binding');
const {replace, expose} = require('./hook');

const refusal = (what, api, hide) => require('./native_refusals').reaching(what, api, hide);

function guardCall(object, name, what, api) {
  if (typeof object[name] !== 'function') return;
  const original = object[name];
  const hook = function () {
    const error = refusal(what, api, hook);
    if (error !== undefined) throw error;
    return apply(original, this, arguments);
  };
  replace(object, name, hook);
}

function guardClass(object, name, what, api) {
  const original = object[name];
  if (typeof original !== 'function') return;
  const hook = function () {
    const error = refusal(what, api, hook);
    if (error !== undefined) throw error;
    return construct(original, arguments, new.target || original);
  };
  hook.prototype = original.prototype;
  replace(object, name, hook);
  Object.defineProperty(original.prototype, 'constructor', {
    __proto__: null,
    value: hook,
    writable: false,
    configurable: false,
    enumerable: false,
  });
}

// Through the binding, which is what process.binding('v8') gives; where that has been closed (Node 24), or the module has
// taken its functions already (Node 16 loads it before us), through the module.
function guardFlags(binding, builtin, loads, syncExports) {
  const name = 'setFlagsFromString';
  const guardModule = () => {
    expose(builtin('v8'), name, function before() {
      const error = refusal(`v8.${name}`, `v8.${name}`, before);
      if (error !== undefined) throw error;
    });
    syncExports();
  };
  const isTaken = loads.isLoaded('v8');
  if (isTaken) guardModule();
  loads.whenBinding('v8', () => {
    const v8 = binding('v8');
    if (v8 !== undefined) guardCall(v8, name, `v8.${name}`, `v8.${name}`);
    else if (!isTaken) loads.when('v8', guardModule);
  });
}

function install({binding, builtin, loads, syncExports}) {
  expose(process, 'dlopen', function dlopen(self, module, filename) {
    const error = require('./native_refusals').loading(filename, dlopen);
    if (error !== undefined) throw error;
  });

  const inspector = binding('inspector');
  if (inspector) {
    guardClass(inspector, 'Connection', 'node:inspector', 'inspector.Session.connect');
    guardClass(inspector, 'MainThreadConnection', 'node:inspector', 'inspector.Session.connect');
    guardCall(inspector, 'open', 'node:inspector', 'inspector.open');
    guardCall(inspector, 'callAndPauseOnStart', 'node:inspector', 'inspector.callAndPauseOnStart');
    // Loaded before us: the module has taken the originals already.
    if (loads.isLoaded('inspector')) {
      const session = require('inspector').Session.prototype;
      for (const name of ['connect', 'connectToMainThread'])
        guardCall(session, name, 'node:inspector', `inspector.Session.${name}`);
      guardCall(require('inspector'), 'open', 'node:inspector', 'inspector.open');
    }
  }
  for (const [name, what] of [
    ['_linkedBinding', 'process._linkedBinding'],
    ['_debugProcess', 'node:inspector'],
  ]) {
    expose(process, name, function before() {
      const error = refusal(what, `process.${name}`, before);
      if (error !== undefined) throw error;
    });
  }

  guardFlags(binding, builtin, loads, syncExports);
  native.guardDebugSignal();
}

module.exports = {install};
