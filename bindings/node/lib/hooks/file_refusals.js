// SPDX-License-Identifier: Apache-2.0
//
// What happens to a file operation that is not simply granted: who did it, whether the module loader is excused, the event,
// and the denial by the channel that the call was made with. A start that is granted everything does not read this file.
'use strict';

const {getPrototypeOf, nodeMajor, promiseReject} = require('../primordials');
const attribution = require('../attribution');
const native = require('../binding');
const code = require('../code_loading');
const {denied, NAME} = require('../denied');
const {report, settle} = require('../settle');
const {kinds} = require('./files');
const {completeLater, callLater} = require('./failing');

// method of the binding: [api, system call, what the module loader does with it]
const SITES = {
  __proto__: null,
  open: ['fs.open', 'open', 'read'],
  openFileHandle: ['fs.promises.open', 'open', 'read'],
  readFileUtf8: ['fs.readFileSync', 'open', 'read'],
  writeFileUtf8: ['fs.writeFileSync', 'open'],
  existsSync: ['fs.existsSync', 'access', 'stat'],
  access: ['fs.access', 'access', 'stat'],
  stat: ['fs.stat', 'stat', 'stat'],
  lstat: ['fs.lstat', 'lstat', 'stat'],
  statfs: ['fs.statfs', 'statfs'],
  readlink: ['fs.readlink', 'readlink', 'stat'],
  realpath: ['fs.realpath', 'realpath', 'stat'],
  readdir: ['fs.readdir', 'scandir'],
  unlink: ['fs.unlink', 'unlink'],
  rmdir: ['fs.rmdir', 'rmdir'],
  rmSync: ['fs.rmSync', 'rm'],
  chmod: ['fs.chmod', 'chmod'],
  chown: ['fs.chown', 'chown'],
  lchown: ['fs.lchown', 'lchown'],
  utimes: ['fs.utimes', 'utime'],
  lutimes: ['fs.lutimes', 'lutime'],
  mkdir: ['fs.mkdir', 'mkdir'],
  mkdtemp: ['fs.mkdtemp', 'mkdtemp'],
  rename: ['fs.rename', 'rename'],
  link: ['fs.link', 'link'],
  symlink: ['fs.symlink', 'symlink'],
  copyFile: ['fs.copyFile', 'copyfile'],
  cpSyncCopyDir: ['fs.cpSync', 'cp'],
  cpSyncOverrideFile: ['fs.cpSync', 'cp'],
  cpSyncCheckPaths: ['fs.cpSync', 'cp'],
  internalModuleReadJSON: ['require', 'open'],
};
const TWO_PATHS = {__proto__: null, rename: true, link: true, symlink: true};

// What libuv does to a copy beside writing it, as parts of the one call: mode; from 1.49 on owner and times too.
const COPY_PARTS = parseInt(process.versions.uv.split('.')[1], 10) >= 49 ? 3 : 1;

function isRequest(value) {
  return typeof value === 'object' && value !== null && getPrototypeOf(value) === kinds.requestPrototype;
}

function isAsync(values) {
  for (let i = values.length - 1; i > 0; i--) if (values[i] === kinds.kUsePromises || isRequest(values[i])) return true;
  return false;
}

const instead = (result) => ({__proto__: null, result});

// Hands the denial over by the channel this call was made with.
function refuse(rule, syscall, values, path, dest, hide) {
  for (let i = values.length - 1; i > 0; i--) {
    const value = values[i];
    if (value === kinds.kUsePromises) return instead(promiseReject(errorOf(rule, syscall, path, dest, hide)));
    if (isRequest(value)) {
      completeLater(value, errorOf(rule, syscall, path, dest, hide));
      return instead(undefined);
    }
    // Node 18, sync: (..., undefined, ctx), and the caller makes the error out of ctx
    if (
      nodeMajor < 20 &&
      i === values.length - 1 &&
      typeof value === 'object' &&
      value !== null &&
      values[i - 1] === undefined
    ) {
      value.errno = -1;
      value.code = 'EPERM';
      value.syscall = syscall;
      value.name = NAME;
      value.message = rule === '' ? 'operation not permitted by policy' : `operation not permitted by policy (${rule})`;
      return instead(undefined);
    }
  }
  throw errorOf(rule, syscall, path, dest, hide);
}

function errorOf(rule, syscall, path, dest, hide) {
  const shown = typeof path === 'string' ? path : `${path}`;
  if (dest === undefined) return denied(rule, syscall, `'${shown}'`, {__proto__: null, path: shown}, hide);
  const to = typeof dest === 'string' ? dest : `${dest}`;
  return denied(rule, syscall, `'${shown}' -> '${to}'`, {__proto__: null, path: shown, dest: to}, hide);
}

// What takes the place of the call, if anything does; the module loader is excused.
function judged(judgement, site, values, path, dest, hide) {
  const api = site[0],
    syscall = site[1],
    loader = site.length > 2 ? site[2] : undefined; // no index that is not there: it would be looked for in prototypes
  const asynchronous = isAsync(values);
  const who = attribution.capture();
  if (loader === 'read' ? code.excusesRead(who, path) : loader === 'stat' && code.excusesStat(who, path))
    return undefined;
  const rule = report(judgement, api, asynchronous, who);
  return rule === undefined ? undefined : refuse(rule, syscall, values, path, dest, hide);
}

// Reads one path and makes another. A refused half means that nothing happens at all: the other half is not counted.
function judgedCopy(name, reading, creating, values, hide) {
  const from = values[0],
    to = values[1];
  const stops = (judgement) => judgement !== undefined && native.denies(judgement);
  if (name === 'cpSyncCheckPaths') {
    // The first step of cpSync: looks at both and may make the target's parents. The copying itself is counted, this only
    // refuses early what will be refused.
    const judgement = stops(reading) ? reading : creating;
    return stops(judgement) ? judged(judgement, SITES[name], values, from, to, hide) : undefined;
  }
  if (stops(creating) && !stops(reading)) return judged(creating, SITES[name], values, from, to, hide);
  if (reading !== undefined) {
    const outcome = judged(reading, SITES[name], values, from, to, hide);
    if (outcome !== undefined) return outcome;
  }
  if (creating !== undefined) {
    const outcome = judged(creating, SITES[name], values, from, to, hide);
    if (outcome !== undefined) return outcome;
    if (name === 'copyFile') native.markParts(creating, isAsync(values), COPY_PARTS);
  }
  return undefined;
}

const special = {
  __proto__: null,
  // A file that must not be seen is not there.
  existsSync(judgement, path) {
    const who = attribution.capture();
    if (code.excusesStat(who, path)) return undefined;
    return report(judgement, SITES.existsSync[0], false, who) === undefined ? undefined : instead(false);
  },
  realpath(judgement, path, values, hide) {
    const outcome = judged(judgement, SITES.realpath, values, path, undefined, hide);
    if (outcome === undefined) native.markAncestors(path, isAsync(values));
    return outcome;
  },
  // (path, mode, recursive): the recursive form tries the whole path twice
  mkdir(judgement, path, values, hide) {
    const outcome = judged(judgement, SITES.mkdir, values, path, undefined, hide);
    if (outcome === undefined && values[2] === true) native.mark(judgement, isAsync(values));
    return outcome;
  },
  // What is observed is counted by line 2, which sees the real name.
  mkdtemp(judgement, prefix, values, hide) {
    return native.denies(judgement)
      ? judged(judgement, SITES.mkdtemp, values, `${prefix}XXXXXX`, undefined, hide)
      : undefined;
  },
  internalModuleReadJSON(judgement, path, values, hide) {
    if (!code.isManifest(path)) return judged(judgement, SITES.internalModuleReadJSON, values, path, undefined, hide);
    native.allowCode(path);
    return undefined;
  },
};

// Called by the native hooks (src/hooks.hpp). hide: the function above which an error's stack begins.
function refused(name, judgement, other, self, values, hide) {
  const path = values[0];
  if (special[name] !== undefined) return special[name](judgement, path, values, hide);
  if (SITES[name][0] === 'fs.cpSync' || name === 'copyFile') return judgedCopy(name, judgement, other, values, hide);
  return judged(judgement, SITES[name], values, path, TWO_PATHS[name] === undefined ? undefined : values[1], hide);
}

// --- public functions ---------------------------------------------------------------------------------------------------

// A path as the public functions take it, made a plain string or private bytes; undefined: not a path, Node will complain.
// What becomes of a URL is what is judged, and what goes on: it does not matter whose the conversion is by now.
function pathOf(value) {
  if (typeof value === 'string') return value;
  const copy = native.copy(value);
  if (copy !== value) return copy;
  if (typeof value !== 'object' || value === null) return undefined;
  try {
    const path = require('url').fileURLToPath(value);
    return typeof path === 'string' ? path : undefined;
  } catch {
    return undefined;
  }
}

// form: 'sync', 'callback' or 'promise', which is how the function fails. See src/preceded.hpp for what is returned.
function judgedPublic(check, api, syscall, form, given, second, third, hide) {
  const callback = typeof second === 'function' ? second : third;
  if (form === 'callback' && typeof callback !== 'function') return undefined; // Node says so itself
  if (api === 'process.loadEnvFile' && (given === undefined || given === null)) given = '.env';
  const copy = pathOf(given);
  if (copy === undefined) return undefined;
  const judgement = native[check](copy);
  const rule = judgement === undefined ? undefined : settle(judgement, api, form !== 'sync');
  if (rule === undefined) return copy === given ? undefined : {__proto__: null, first: copy};
  const error = errorOf(rule, syscall, copy, undefined, hide);
  if (form === 'sync') throw error;
  if (form === 'promise') return instead(promiseReject(error));
  callLater(callback, error);
  return instead(undefined);
}

module.exports = {refused, judgedPublic};
