// SPDX-License-Identifier: Apache-2.0
//
// File hooks: the functions of the `fs` binding, which stand under every public form of fs (callback, sync, promises,
// FileHandle, streams, rm, cp, glob), and the few public functions whose binding cannot be reached.
//
// Patched: the methods that src/hooks.cpp lists; fs.opendir (callback, sync, promise), fs.openAsBlob, process.loadEnvFile.
// Not patched, on purpose: calls on descriptors (decided at open; line 2 sees fchmod and the like), fs.watch (names and times
//   only), internalModuleStat (says whether a name exists), and what C++ opens by itself (node:sqlite, node:wasi, trace_events,
//   process.report, heap snapshots): line 2.
'use strict';

const {nodeMajor} = require('../primordials');
const code = require('../code_loading');
const native = require('../binding');
const {expose, onRefusal} = require('./hook');

const kinds = {__proto__: null, kUsePromises: undefined, requestPrototype: undefined}; // how an asynchronous call is told

const refusals = () => require('./file_refusals');

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
    kinds.requestPrototype = internal.FSReqCallback.prototype;
    native.hook('fs', internal, onRefusal(refusals));
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
