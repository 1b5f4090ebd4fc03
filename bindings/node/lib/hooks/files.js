// SPDX-License-Identifier: Apache-2.0
//
// File hooks: the functions of the `fs` binding, which stand under every public form of fs (callback, sync, promises,
// FileHandle, streams, rm, cp, glob), and the few public functions whose binding cannot be reached.
//
// Patched: open, openFileHandle, readFileUtf8, existsSync, access, stat, lstat, readdir, and the methods that src/hooks.cpp
//   lists; fs.opendir (callback, sync, promise), fs.openAsBlob, process.loadEnvFile.
// Not patched, on purpose: calls on descriptors (decided at open; line 2 sees fchmod and the like), fs.watch (names and times
//   only), internalModuleStat (says whether a name exists), and what C++ opens by itself (node:sqlite, node:wasi, trace_events,
//   process.report, heap snapshots): line 2.
'use strict';

const {
  apply,
  captureStackTrace,
  defineProperty,
  Map,
  mapClear,
  mapHasMethod,
  mapSet,
  mapSize,
  nodeMajor,
  startsWith,
} = require('../primordials');
const code = require('../code_loading');
const native = require('../binding');
const {expose, onRefusal, replace} = require('./hook');

const kinds = {__proto__: null, kUsePromises: undefined, requestPrototype: undefined}; // how an asynchronous call is told

const refusals = () => require('./file_refusals');

// Absolute paths that the core has granted once are not asked about again: the policy is sealed, and a path's text has one
// answer. What is refused or observed is asked for every time: there is something to count. Line 2 judges the object behind the
// path in any case.
const MOST = 256,
  LONGEST = 256;

// What /proc says depends on who is asking, and whom the number belongs to today.
function isLasting(path) {
  return typeof path === 'string' && path.length <= LONGEST && path[0] === '/' && !startsWith(path, '/proc/');
}

// A method that is called over and over. Of opens, those that only read are remembered.
function hookQuick(binding, name, check, opens, refused) {
  const original = binding[name];
  // An own `has`: out of reach for user code like the ones of primordials.js, and V8 makes it a few instructions.
  const granted = new Map();
  defineProperty(granted, 'has', {__proto__: null, value: mapHasMethod});
  replace(binding, name, function hook(path, flags) {
    const lasts = !opens || flags === 0;
    if (!lasts || !granted.has(path)) {
      if (typeof path !== 'string') arguments[0] = path = native.copy(path);
      const judgement = check(path, flags);
      if (judgement !== undefined) {
        const outcome = refused(name, judgement, undefined, this, arguments, hook);
        if (outcome !== undefined) return outcome.result;
      } else if (lasts && isLasting(path)) {
        if (mapSize(granted) === MOST) mapClear(granted);
        mapSet(granted, path, true);
      }
    }
    try {
      return apply(original, this, arguments);
    } catch (error) {
      if (typeof error === 'object' && error !== null) captureStackTrace(error, hook); // no frame of ours on it
      throw error;
    }
  });
}

// The public functions that take a path first, and how each fails.
function installPublic(loads) {
  const fs = require('fs');
  const guard = (object, name, check, api, syscall, form) =>
    expose(object, name, function before(self, given, second, third) {
      return refusals().judgedPublic(check, api, syscall, form, given, second, third, before);
    });
  guard(fs, 'opendirSync', 'list', 'fs.opendirSync', 'opendir', 'sync');
  guard(fs, 'opendir', 'list', 'fs.opendir', 'opendir', 'callback');
  loads.when('internal/fs/promises', () =>
    guard(fs.promises, 'opendir', 'list', 'fs.promises.opendir', 'opendir', 'promise'),
  );
  guard(fs, 'openAsBlob', 'read', 'fs.openAsBlob', 'open', 'promise');
  guard(process, 'loadEnvFile', 'read', 'process.loadEnvFile', 'open', 'sync');
}

function install({binding, Module, loads, syncExports}) {
  code.install(Module);
  const internal = binding('fs');
  if (internal === undefined) {
    require('../settle').health(
      'node_binding',
      'process.binding("fs") is not available: file hooks are public functions and line 2 only',
    );
  } else {
    kinds.kUsePromises = internal.kUsePromises;
    kinds.requestPrototype = (internal.FSReqCallback || internal.FSReqWrap).prototype; // the latter in Node 10
    const refused = onRefusal(refusals);
    for (const name of ['open', 'openFileHandle', 'readFileUtf8'])
      hookQuick(internal, name, native.open, true, refused);
    for (const name of ['existsSync', 'access', 'stat', 'lstat'])
      hookQuick(internal, name, native.stat, false, refused);
    hookQuick(internal, 'readdir', native.list, false, refused);
    native.hook('fs', internal, refused);
  }
  if (nodeMajor >= 20) return installPublic(loads);
  // Node 18 makes fs.promises as soon as somebody requires fs, and takes 3 ms for it: not we.
  let isLate = false;
  loads.when('internal/fs/promises', () => {
    installPublic(loads);
    if (isLate) syncExports(); // Node is in the middle of taking the exports for `import`
  });
  isLate = true;
  return undefined;
}

module.exports = {install, kinds};
