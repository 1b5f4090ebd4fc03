// SPDX-License-Identifier: Apache-2.0
//
// Starts the agent in this environment (main thread or worker): core first, then the hooks its policy needs.
//
//   start(WRAPPER)  from --require   start(HANDLER)  from trend_app_protect_handler
//   start(CODE) / start(IMPORT)  from require('trend_app_protect')
//
// Once per environment; the core seals one policy per process. A policy that is named but unusable throws ConfigError with the
// core's message. Missing native code is our own trouble: one line, and the function runs unprotected, unless
// TREND_AP_FAIL_CLOSED says that it must not.
'use strict';

const startedNs = process.hrtime.bigint();

const {apply, nodeMajor, processBinding} = require('./primordials');

const WRAPPER = 1,
  HANDLER = 2,
  CODE = 3,
  IMPORT = 4; // ap_attach
const NETWORK = 1,
  FILES = 2,
  PROCESSES = 4,
  NATIVE = 8; // ap_need
const DISABLED = 1,
  FAILED = -1; // ap_start_result

let native;
let isStarted = false;
let isActive = false;

class ConfigError extends Error {}
// Both by name: what is shown of an error is either, and the bundle shortens the one in the text.
for (const owner of [ConfigError, ConfigError.prototype]) {
  Object.defineProperty(owner, 'name', {__proto__: null, value: 'ConfigError', configurable: true, writable: true});
}

function loadNative() {
  try {
    native = require('./binding');
    return true;
  } catch (error) {
    if (/^(1|true|yes|on)$/i.test(process.env.TREND_AP_FAIL_CLOSED || '')) throw error;
    if (isMainThread()) process.stderr.write(`[ERROR] [app_protect] not protected: ${error.message}\n`);
    return false;
  }
}

// By hand: what Node has for it is code that gets hot, and compiled anew, on long paths.
function mainDirectory() {
  const main = require.main && require.main.filename ? require.main.filename : process.argv[1];
  if (main === undefined || main[0] !== '/') return process.cwd();
  return main.slice(0, main.lastIndexOf('/')) || '/';
}

function runtimeName() {
  const environment = process.env.AWS_EXECUTION_ENV || '';
  return environment.startsWith('AWS_Lambda_nodejs') ? environment.slice(11) : `nodejs${nodeMajor}.x`;
}

// What Node warns about under --pending-deprecation, read without the warning.
function undeprecated(read) {
  const had = Object.prototype.hasOwnProperty.call(process, 'noDeprecation');
  const saved = process.noDeprecation;
  process.noDeprecation = true;
  try {
    return read();
  } finally {
    if (had) process.noDeprecation = saved;
    else delete process.noDeprecation;
  }
}

// process.binding(name); it is not there under --permission.
function binding(name) {
  if (processBinding === undefined) return undefined;
  try {
    return undeprecated(() => processBinding(name));
  } catch {
    return undefined;
  }
}

// A built-in module by Node's own way: require() is user code's to replace (Module.prototype.require, registerHooks) by the
// time it is asked.
function builtinOf(Module) {
  const {getBuiltinModule} = process;
  const {_load, _resolveFilename} = Module;
  if (getBuiltinModule !== undefined) return (id) => apply(getBuiltinModule, process, [id]);
  if (nodeMajor >= 16) return (id) => apply(_load, Module, [`node:${id}`, undefined, false]);
  return (id) => {
    const replaced = Module._resolveFilename;
    Module._resolveFilename = _resolveFilename;
    try {
      return apply(_load, Module, [id, undefined, false]);
    } finally {
      Module._resolveFilename = replaced;
    }
  };
}

// guard: what a worker must --require. inherited: this process was started with that option. isFirst: no ES module can have
// run before.
function installHooks(needs, guard, inherited, isFirst) {
  if (needs === 0) return;
  const health = (code, text) => require('./settle').health(code, text);
  const Module = module.constructor;
  const loads = require('./hooks/builtin_loads').watch(Module);
  // Calls use(binding) before anybody else has the binding. Later than now it may run in the middle of user code.
  const withBinding = (name, use) =>
    loads.whenBinding(name, () => {
      const found = binding(name);
      if (found !== undefined) use(found);
      else health('node_binding', `process.binding("${name}") is not available: its hooks are line 2 only`);
    });
  const {syncBuiltinESMExports} = Module;
  const syncExports = () => syncBuiltinESMExports !== undefined && apply(syncBuiltinESMExports, Module, []); // not in Node 10
  const world = {binding, withBinding, Module, builtin: builtinOf(Module), loads, syncExports};
  const parts = [];
  if (needs & FILES) {
    parts.push(['files', () => require('./hooks/files').install(world)]);
    parts.push([
      'net.Server.listen',
      () => withBinding('pipe_wrap', (pipe) => require('./hooks/network').hookListening(pipe)),
    ]);
  }
  if (needs & NETWORK) {
    for (const name of ['cares_wrap', 'tcp_wrap', 'pipe_wrap', 'udp_wrap'])
      parts.push([name, () => withBinding(name, (found) => require('./hooks/network')[name](found, world))]);
  }
  if (needs & PROCESSES) {
    for (const name of ['process_wrap', 'spawn_sync'])
      parts.push([name, () => withBinding(name, (found) => require('./hooks/processes')[name](found))]);
    if (typeof process.execve === 'function') parts.push(['process.execve', () => require('./hooks/execve').install()]);
  }
  if (needs & NATIVE) parts.push(['native', () => require('./hooks/native').install(world)]);
  const ours = {guard, inherited, execArgv: ownExecArgv};
  parts.push(['workers', () => loads.when('worker_threads', () => require('./hooks/workers').install(world, ours))]);
  for (const [name, install] of parts) {
    try {
      install();
    } catch (error) {
      health('node_hooks', `the hooks of ${name} could not be installed: ${error && error.stack}`);
    }
  }
  // import { readFile } from 'fs' reads a copy of the exports, made when the first one asks. Where we are the first module
  // of all there is none yet, and to look for them takes up to 0.2 ms.
  if (!isFirst || Object.keys(Module._cache).length > 1) syncExports();
}

// Options of this process without our own --require: what its workers are given. fork() passes process.execArgv on, so they
// go there as well: children are line 2's.
const ownExecArgv = process.execArgv.slice();

function forgetOwnOption(guard) {
  const found = forgetOption(ownExecArgv, guard);
  forgetOption(process.execArgv, guard);
  return found;
}

function forgetOption(ownExecArgv, guard) {
  let found = false;
  for (let i = ownExecArgv.length - 1; i >= 0; i--) {
    const joined = ownExecArgv[i] === `--require=${guard}` || ownExecArgv[i] === `-r=${guard}`;
    const apart = ownExecArgv[i] === guard && (ownExecArgv[i - 1] === '--require' || ownExecArgv[i - 1] === '-r');
    if (joined) ownExecArgv.splice(i, 1);
    else if (apart) ownExecArgv.splice(--i, 2);
    found = found || joined || apart;
  }
  return found;
}

// Returns 'started', 'already', 'disabled' or 'unprotected'. Throws ConfigError.
function start(attach, guard) {
  if (isStarted) return isActive ? 'already' : 'disabled';
  const inherited = forgetOwnOption(guard);
  if (!loadNative()) {
    isStarted = true;
    return 'unprotected';
  }
  const directory = mainDirectory();
  const {result, message, needs} = native.start({
    attach,
    runtime: runtimeName(),
    mainDirectory: directory,
    startedNs,
  });
  if (result === FAILED) throw new ConfigError(message);
  isStarted = true;
  if (result === DISABLED) return 'disabled';
  isActive = true;
  require('./call_sites').setApplicationDirectory(process.env.LAMBDA_TASK_ROOT || directory);
  installHooks(needs, guard, inherited, attach === WRAPPER);
  if (process.env.AWS_LAMBDA_MAX_CONCURRENCY !== undefined) require('./handler').manageConcurrency();
  process.on('exit', () => native.flush());
  return 'started';
}

// process.abort() is marked as not available in a worker (in Node 10 it is not there); asking worker_threads would load it, and
// streams with it.
function isMainThread() {
  return typeof process.abort === 'function' && process.abort.disabled !== true;
}

function status() {
  if (native === undefined) return {enabled: false};
  native.complete();
  return JSON.parse(native.status());
}

module.exports = {
  start,
  status,
  isActive: () => isActive,
  isMainThread,
  undeprecated,
  ConfigError,
  WRAPPER,
  HANDLER,
  CODE,
  IMPORT,
};
