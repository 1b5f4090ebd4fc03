// SPDX-License-Identifier: Apache-2.0
//
// Workers have bindings of their own, so the hooks must be installed in each before its user code: by `--require`.
//
// Installed when worker_threads is first loaded. Whether a worker runs the preload of its parent depends on options.execArgv, options.env and the Node version. Worker is
// therefore wrapped: where the preload would be lost, execArgv is given it first. The original class is not left in
// Worker.prototype.constructor. Not covered: the thread of module.register() hooks in a program that was not started with
// our --require, and what `--expose-internals` gives; line 2 is the same in every thread.
'use strict';

const {
  apply,
  construct,
  defineProperty,
  endsWith,
  getOwnPropertyDescriptor,
  getOwnPropertySymbols,
  getPrototypeOf,
  isArray,
  jsonStringify,
  nodeMajor,
  setPrototypeOf,
  indexOf,
  slice,
  startsWith,
  symbolDescription,
} = require('../primordials');
const native = require('../binding');
const {settle} = require('../settle');
const {resolve: resolvePath} = require('path');

function append(list, value) {
  defineProperty(list, list.length, {__proto__: null, configurable: true, enumerable: true, writable: true, value});
}

// Options that would give a worker Node's internals.
function refusedOption(list, hide) {
  for (let i = 0; i < list.length; i++) {
    if (!startsWith(list[i], '--expose-internals') && !startsWith(list[i], '--expose_internals')) continue;
    const judgement = native.reach('--expose-internals');
    const rule = judgement === undefined ? undefined : settle(judgement, 'worker_threads.Worker', false);
    if (rule !== undefined) throw require('../denied').denied(rule, 'Worker', list[i], undefined, hide);
  }
}

// The options Node refuses to a worker (those of the process and of V8), read from its own message.
function without(list, message) {
  const kept = [];
  const at = indexOf(message, ': ');
  const refused = at < 0 ? '' : `, ${slice(message, at + 2)}, `;
  for (let i = 0; i < list.length; i++) if (indexOf(refused, `, ${list[i]}, `) < 0) append(kept, list[i]);
  return kept;
}

// Workers of Node 10 run no preload and know no execArgv: the arguments for one whose script begins with us. What is no script
// is left for Node to complain about.
function startedByScript(guard, filename, options) {
  const given = {__proto__: options === undefined ? null : options};
  const isText = options !== undefined && options.eval;
  if (!isText) {
    if (
      typeof filename !== 'string' ||
      !(startsWith(filename, '/') || startsWith(filename, './') || startsWith(filename, '../'))
    )
      return [filename, options];
    if (!endsWith(filename, '.js') && !endsWith(filename, '.mjs')) return [filename, options];
  }
  const first = `(() => { const ours = require(${jsonStringify(guard)}); if (ours.preload) ours.preload(); })();`;
  const file = isText ? undefined : jsonStringify(resolvePath(filename));
  const rest = isText ? `${filename}` : `process.argv[1] = ${file}; require('module').runMain();`;
  defineProperty(given, 'eval', {__proto__: null, configurable: true, enumerable: true, writable: true, value: true});
  return [first + rest, given];
}

// guard: file for --require. inherited: true when this process got it from its own command line. execArgv: the rest of that.
// Called when worker_threads has been loaded: perhaps in the middle of user code.
function install({builtin, syncExports}, {guard, inherited, execArgv}) {
  wrap(builtin('worker_threads'), guard, inherited, execArgv);
  syncExports();
}

function wrap(workerThreads, guard, inherited, execArgv) {
  const Original = workerThreads.Worker;
  const {prototype} = Original;

  function Worker(filename, options) {
    if (new.target === undefined) return apply(Original, this, arguments); // Node's own "cannot be invoked without 'new'"
    const target = new.target === Worker ? Original : new.target;
    if (options === null || (options !== undefined && typeof options !== 'object'))
      return construct(Original, arguments, target);
    const given = options === undefined ? undefined : options.execArgv;
    const env = options === undefined ? undefined : options.env;
    const hasEnv = typeof env === 'object' && env !== null;
    if (given !== undefined && given !== null && !isArray(given)) return construct(Original, arguments, target);

    if (nodeMajor < 12) return hideHandle(construct(Original, startedByScript(guard, filename, options), target));

    let own;
    if (isArray(given)) {
      own = [];
      for (let i = 0; i < given.length; i++) append(own, `${given[i]}`);
      refusedOption(own, Worker);
    } else if (inherited && (!hasEnv || nodeMajor >= 20)) {
      return hideHandle(construct(Original, arguments, target));
    } else {
      own = hasEnv && nodeMajor < 20 ? [] : execArgv;
    }

    const forced = {__proto__: options === undefined ? null : options};
    const define = (name, value) =>
      defineProperty(forced, name, {__proto__: null, configurable: true, enumerable: true, writable: true, value});
    if (hasEnv) define('env', env);
    for (let attempt = 0; ; attempt++) {
      const list = ['--require', guard];
      for (let i = 0; i < own.length; i++) append(list, own[i]);
      define('execArgv', list);
      try {
        return hideHandle(construct(Original, [filename, forced], target));
      } catch (error) {
        // What the user passed must fail as it does without us; what we repeated for him must not.
        if (isArray(given) || attempt > 4 || own.length === 0 || error.code !== 'ERR_WORKER_INVALID_EXEC_ARGV')
          throw error;
        const less = without(own, error.message);
        own = less.length < own.length ? less : [];
      }
    }
  }

  // The handle's class could start a worker by hand: not left in its prototype.
  let hidden = false;
  function hideHandle(worker) {
    if (hidden) return worker;
    const symbols = getOwnPropertySymbols(worker);
    for (let i = 0; i < symbols.length; i++) {
      if (symbolDescription(symbols[i]) !== 'kHandle') continue;
      const handle = worker[symbols[i]];
      if (typeof handle !== 'object' || handle === null) continue;
      defineProperty(getPrototypeOf(handle), 'constructor', {
        __proto__: null,
        value: Worker,
        writable: false,
        configurable: false,
      });
      hidden = true;
    }
    return worker;
  }

  setPrototypeOf(Worker, getPrototypeOf(Original));
  defineProperty(Worker, 'name', {__proto__: null, ...getOwnPropertyDescriptor(Original, 'name')});
  defineProperty(Worker, 'length', {__proto__: null, ...getOwnPropertyDescriptor(Original, 'length')});
  defineProperty(Worker, 'prototype', {
    __proto__: null,
    value: prototype,
    writable: false,
    configurable: false,
    enumerable: false,
  });
  defineProperty(prototype, 'constructor', {
    __proto__: null,
    value: Worker,
    writable: false,
    configurable: false,
    enumerable: false,
  });
  defineProperty(workerThreads, 'Worker', {
    __proto__: null,
    ...getOwnPropertyDescriptor(workerThreads, 'Worker'),
    value: Worker,
  });
}

module.exports = {install};
