// SPDX-License-Identifier: Apache-2.0
//
// Process hooks: Process.prototype.spawn (spawn, exec, execFile, fork, cluster) and spawn_sync.spawn (their Sync forms); what
// execve.js puts in place of process.execve. What a shell starts, and what a granted child does, line 2 judges inside the child.
//
// Not patched, on purpose: process.kill, signals, IPC.
'use strict';

const {apply, defineProperty, isArray, nextTick, process} = require('../primordials');
const native = require('../binding');
const {denied, dress, messageOf} = require('../denied');
const {settle} = require('../settle');
const {ownerOf, interceptOnce} = require('./failing');
const {replace} = require('./hook');
const {copyTexts, run} = require('./program');

const EACCES = -13; // of all errors only some become an 'error' event; this one does, and we give it its real face there
const EPERM = -1;

// The options as C++ will read them, each property taken once: getters and shared arrays cannot change them afterwards.
const OPTIONS = [
  'file',
  'args',
  'cwd',
  'envPairs',
  'stdio',
  'detached',
  'uid',
  'gid',
  'windowsHide',
  'windowsVerbatimArguments',
  'timeout',
  'maxBuffer',
  'killSignal',
  'encoding',
];

function copyPath(value) {
  return value === undefined || value === null || typeof value === 'string' ? value : native.copy(value);
}

function copyOptions(options) {
  const copy = {__proto__: null};
  for (let i = 0; i < OPTIONS.length; i++) {
    const value = options[OPTIONS[i]];
    if (value !== undefined) copy[OPTIONS[i]] = value;
  }
  if (typeof copy.file !== 'string' && copy.file !== undefined) copy.file = `${copy.file}`;
  copy.args = copyTexts(copy.args);
  copy.envPairs = copyTexts(copy.envPairs);
  copy.cwd = copyPath(copy.cwd);
  if (copy.args === undefined) delete copy.args;
  if (copy.envPairs === undefined) delete copy.envPairs;
  if (copy.cwd === undefined) delete copy.cwd;
  return copy;
}

function makeDenial(error, rule, syscall) {
  error.message = messageOf(rule, syscall, undefined);
  dress(error);
}

// The 'error' event comes from the handle's onexit in the next tick, as for a program that cannot be executed.
function failSpawn(handle, rule) {
  const child = ownerOf(handle);
  if (typeof child === 'object' && child !== null) {
    interceptOnce(child, 'emit', (values) => {
      if (values[0] !== 'error') return false;
      const error = values[1];
      if (typeof error === 'object' && error !== null && error.code === 'EACCES') {
        error.errno = typeof error.errno === 'number' ? EPERM : 'EPERM'; // a name before Node 13
        error.code = 'EPERM';
        makeDenial(error, rule, error.syscall || 'spawn');
      }
      return true;
    });
    // No pipes were made: pid 0 tells ChildProcess to leave them alone; callers see undefined, as after any failed start.
    handle.pid = 0;
    apply(nextTick, process, [forgetPid, child]);
    return EACCES;
  }
  return EPERM;
}

function forgetPid(child) {
  child.pid = undefined;
}

// spawn_sync gives back a result; its caller turns result.error into an Error. The accessor catches that Error.
function failSync(rule, file) {
  const result = {pid: 0, status: null, signal: null, output: null};
  let current = EPERM;
  defineProperty(result, 'error', {
    __proto__: null,
    configurable: true,
    enumerable: true,
    get: () => current,
    set: (error) => {
      current = error;
      if (typeof error === 'object' && error !== null) {
        makeDenial(error, rule, error.syscall || `spawnSync ${file}`);
      }
      defineProperty(result, 'error', {
        __proto__: null,
        configurable: true,
        enumerable: true,
        writable: true,
        value: error,
      });
    },
  });
  return result;
}

function hookSpawn(prototype) {
  const original = prototype.spawn;
  // Up to Node 22 spawn(options); from 24 spawn(file, args, cwd, envPairs, stdio, flags, uid, gid)
  replace(prototype, 'spawn', function spawn(first) {
    let file, args, cwd;
    if (typeof first === 'object' && first !== null) {
      const options = copyOptions(first);
      arguments[0] = options;
      ({file, args, cwd} = options);
    } else {
      file = first;
      if (typeof file !== 'string') arguments[0] = file = `${file}`;
      if (arguments.length > 1) arguments[1] = args = copyTexts(arguments[1]);
      if (arguments.length > 2) arguments[2] = cwd = copyPath(arguments[2]);
      if (arguments.length > 3) arguments[3] = copyTexts(arguments[3]);
    }
    const judgement = native.spawn(file, args, cwd);
    if (judgement !== undefined) {
      const rule = settle(judgement, 'child_process.spawn', false);
      if (rule !== undefined) return failSpawn(this, rule);
    }
    return run(original, this, arguments);
  });
}

function hookSpawnSync(binding) {
  const original = binding.spawn;
  replace(binding, 'spawn', function spawn(given) {
    const options = copyOptions(given);
    const judgement = native.spawn(options.file, options.args, options.cwd);
    if (judgement !== undefined) {
      const rule = settle(judgement, 'child_process.spawnSync', false);
      if (rule !== undefined) return failSync(rule, options.file);
    }
    return run(original, this, [options]);
  });
}

// In place of process.execve: see src/preceded.hpp for what is returned.
function execve(original, self, file, args, env, hide) {
  if (typeof file !== 'string' || !isArray(args)) return undefined;
  const own = copyTexts(args);
  const judgement = native.spawn(file, own);
  if (judgement !== undefined) {
    const rule = settle(judgement, 'process.execve', false);
    if (rule !== undefined)
      throw denied(rule, 'execve', `'${file}'`, {__proto__: null, path: file, spawnargs: own}, hide);
  }
  // The arguments that were judged, and no others, go on.
  return {__proto__: null, result: run(original, self, env === undefined ? [file, own] : [file, own, env])};
}

// One function for each internal binding, called when that has been loaded: perhaps in the middle of user code.

function process_wrap(binding) {
  hookSpawn(binding.Process.prototype);
}

function spawn_sync(binding) {
  hookSpawnSync(binding);
}

module.exports = {process_wrap, spawn_sync, execve};
