// SPDX-License-Identifier: Apache-2.0
//
// Wraps worker_threads.Worker when that module is first loaded, whoever loads it: loading it ourselves would bring streams
// with it, 2 to 4 ms of a cold start that most functions never need.
//
// Three ways lead there: require() (Module._load), process.getBuiltinModule, and import. The last passes nothing of ours, but
// Node's worker module replaces process.chdir while it is loaded: that assignment is the sign, and a microtask later, before
// the importing module is evaluated, Worker is wrapped. Not covered: a module that require() loads as ES module, is the first to
// import worker_threads and starts a worker in its own top-level code; line 2 is in that worker all the same.
'use strict';

const { apply, defineProperty, getOwnPropertyDescriptor, queueMicrotask } = require('../primordials');

const NAMES = { __proto__: null, 'worker_threads': true, 'node:worker_threads': true };

function install({ Module, isLoaded, wrap }) {
  let done = false;
  const wrapNow = () => {
    if (done) return;
    done = true;
    wrap(apply(load, Module, ['worker_threads', undefined, false]));
    Module.syncBuiltinESMExports();
  };

  const load = Module._load;
  if (isLoaded('internal/worker')) {
    wrapNow();
    return;
  }

  Module._load = function (request) {
    const exports = apply(load, this, arguments);
    if (!done && NAMES[request] === true) wrapNow();
    return exports;
  };

  const getBuiltinModule = process.getBuiltinModule;
  if (typeof getBuiltinModule === 'function') {
    process.getBuiltinModule = function (id) {
      const exports = apply(getBuiltinModule, this, arguments);
      if (!done && NAMES[id] === true) wrapNow();
      return exports;
    };
    defineProperty(process.getBuiltinModule, 'name', { __proto__: null, value: 'getBuiltinModule' });
  }

  const { value, writable, enumerable, configurable } = getOwnPropertyDescriptor(process, 'chdir');
  let chdir = value;
  defineProperty(process, 'chdir', {
    __proto__: null, enumerable, configurable,
    get: () => chdir,
    set: (replacement) => {
      chdir = replacement;
      if (!isLoaded('internal/worker')) return; // somebody else's
      defineProperty(process, 'chdir', { __proto__: null, value: replacement, writable, enumerable, configurable });
      queueMicrotask(wrapNow);
    },
  });
}

module.exports = { install };
