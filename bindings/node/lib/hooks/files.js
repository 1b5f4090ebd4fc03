// SPDX-License-Identifier: Apache-2.0
//
// File hooks: the functions of the `fs` binding, which stand under every public form of fs (callback, sync, promises,
// FileHandle, streams, rm, cp, glob), and the few public functions whose binding cannot be reached.
//
// Patched: open, openFileHandle, readFileUtf8, writeFileUtf8, access, existsSync, stat, lstat, statfs, readlink, realpath,
//   readdir, mkdir, mkdtemp, rename, link, symlink, unlink, rmdir, rmSync, copyFile, cpSync*, chmod, chown, lchown, utimes,
//   lutimes, internalModuleReadJSON; fs.opendir (callback, sync, promise), fs.openAsBlob, process.loadEnvFile.
// Not patched, on purpose: calls on descriptors (decided at open; line 2 sees fchmod and the like), fs.watch (names and times
//   only), internalModuleStat (says whether a name exists), and what C++ opens by itself (node:sqlite, node:wasi, trace_events,
//   process.report, heap snapshots): line 2.
'use strict';

const {apply, nodeMajor, promiseReject} = require('../primordials');
const code = require('../code_loading');
const native = require('../binding');
const {remember} = require('../granted');
const {settle, report, health} = require('../settle');
const {PASS, replace, expose, retrace, callLater} = require('./hook');

const O_RDONLY = 0;

const kinds = {__proto__: null, kUsePromises: undefined, requestPrototype: undefined}; // how an asynchronous call is told

const isAsync = (values) => require('./file_refusals').isAsync(kinds, values);
const judged = (judgement, site, values, path, dest, hide) => {
  let refusals;
  try {
    refusals = require('./file_refusals');
  } catch (error) {
    if (native.denies(judgement)) throw error; // no stack left
    return PASS; // line 2 counts it
  }
  return refusals.judged(kinds, judgement, site, values, path, dest, hide);
};

function onePath(binding, name, check, site) {
  const original = binding[name];
  replace(binding, name, function hook(path) {
    if (typeof path !== 'string') arguments[0] = path = native.copy(path);
    const judgement = check(path);
    if (judgement !== undefined) {
      const outcome = judged(judgement, site, arguments, path, undefined, hook);
      if (outcome !== PASS) return outcome;
    }
    try {
      return apply(original, this, arguments);
    } catch (error) {
      throw retrace(error, hook);
    }
  });
}

function twoPaths(binding, name, check, site) {
  const original = binding[name];
  replace(binding, name, function hook(from, to) {
    if (typeof from !== 'string') arguments[0] = from = native.copy(from);
    if (typeof to !== 'string') arguments[1] = to = native.copy(to);
    const judgement = check(from, to);
    if (judgement !== undefined) {
      const outcome = judged(judgement, site, arguments, from, to, hook);
      if (outcome !== PASS) return outcome;
    }
    try {
      return apply(original, this, arguments);
    } catch (error) {
      throw retrace(error, hook);
    }
  });
}

// What libuv does to a copy beside writing it, as parts of the one call: mode; from 1.49 on owner and times too.
const COPY_PARTS = parseInt(process.versions.uv.split('.')[1], 10) >= 49 ? 3 : 1;

// Reads one path and makes another: two operations.
function copying(binding, name, site) {
  const original = binding[name];
  const {read, create} = native;
  replace(binding, name, function hook(from, to) {
    if (typeof from !== 'string') arguments[0] = from = native.copy(from);
    if (typeof to !== 'string') arguments[1] = to = native.copy(to);
    const reading = read(from);
    const creating = create(to);
    // A refused half means that nothing happens at all: the other half is not counted.
    if (creating !== undefined && native.denies(creating) && !(reading !== undefined && native.denies(reading))) {
      const outcome = judged(creating, site, arguments, from, to, hook);
      if (outcome !== PASS) return outcome;
    } else {
      if (reading !== undefined) {
        const outcome = judged(reading, site, arguments, from, to, hook);
        if (outcome !== PASS) return outcome;
      }
      if (creating !== undefined) {
        const outcome = judged(creating, site, arguments, from, to, hook);
        if (outcome !== PASS) return outcome;
        if (name === 'copyFile') native.markParts(creating, isAsync(arguments), COPY_PARTS);
      }
    }
    try {
      return apply(original, this, arguments);
    } catch (error) {
      throw retrace(error, hook);
    }
  });
}

function installBinding(binding) {
  kinds.kUsePromises = binding.kUsePromises;
  kinds.requestPrototype = binding.FSReqCallback.prototype;
  const {read, create, remove, metadata, rename, link, symlink} = native;
  const stat = remember(native.stat);
  const list = remember(native.list);
  const open = remember(native.open, O_RDONLY);

  // Written out, each with code of its own: these are the hot ones, and a shared body would make V8's call sites megamorphic.
  {
    const original = binding.open;
    const site = {__proto__: null, api: 'fs.open', syscall: 'open', loader: 'read'};
    replace(binding, 'open', function hook(path, flags) {
      if (typeof path !== 'string') arguments[0] = path = native.copy(path);
      const judgement = open(path, flags);
      if (judgement !== undefined) {
        const outcome = judged(judgement, site, arguments, path, undefined, hook);
        if (outcome !== PASS) return outcome;
      }
      try {
        return apply(original, this, arguments);
      } catch (error) {
        throw retrace(error, hook);
      }
    });
  }
  {
    const original = binding.openFileHandle;
    const site = {__proto__: null, api: 'fs.promises.open', syscall: 'open', loader: 'read'};
    replace(binding, 'openFileHandle', function hook(path, flags) {
      if (typeof path !== 'string') arguments[0] = path = native.copy(path);
      const judgement = open(path, flags);
      if (judgement !== undefined) {
        const outcome = judged(judgement, site, arguments, path, undefined, hook);
        if (outcome !== PASS) return outcome;
      }
      try {
        return apply(original, this, arguments);
      } catch (error) {
        throw retrace(error, hook);
      }
    });
  }
  if (binding.readFileUtf8) {
    const original = binding.readFileUtf8; // (path or descriptor, flags)
    const site = {__proto__: null, api: 'fs.readFileSync', syscall: 'open', loader: 'read'};
    replace(binding, 'readFileUtf8', function hook(path, flags) {
      if (typeof path !== 'string') arguments[0] = path = native.copy(path);
      const judgement = open(path, flags);
      if (judgement !== undefined) {
        const outcome = judged(judgement, site, arguments, path, undefined, hook);
        if (outcome !== PASS) return outcome;
      }
      try {
        return apply(original, this, arguments);
      } catch (error) {
        throw retrace(error, hook);
      }
    });
  }
  if (binding.writeFileUtf8) {
    const original = binding.writeFileUtf8; // (path or descriptor, data, flags, mode)
    const site = {__proto__: null, api: 'fs.writeFileSync', syscall: 'open', loader: undefined};
    replace(binding, 'writeFileUtf8', function hook(path, data, flags) {
      if (typeof path !== 'string') arguments[0] = path = native.copy(path);
      const judgement = open(path, flags);
      if (judgement !== undefined) {
        const outcome = judged(judgement, site, arguments, path, undefined, hook);
        if (outcome !== PASS) return outcome;
      }
      try {
        return apply(original, this, arguments);
      } catch (error) {
        throw retrace(error, hook);
      }
    });
  }
  if (binding.existsSync) {
    const original = binding.existsSync; // a file that must not be seen is not there
    const site = {__proto__: null, api: 'fs.existsSync', syscall: 'access', loader: 'stat'};
    replace(binding, 'existsSync', function hook(path) {
      if (typeof path !== 'string') arguments[0] = path = native.copy(path);
      const judgement = stat(path);
      if (judgement !== undefined) {
        const who = require('../attribution').capture();
        if (!code.excusesStat(who, path) && report(judgement, site.api, false, who) !== undefined) return false;
      }
      try {
        return apply(original, this, arguments);
      } catch (error) {
        throw retrace(error, hook);
      }
    });
  }

  for (const [name, check, syscall, loader] of [
    ['access', stat, 'access', 'stat'],
    ['stat', stat, 'stat', 'stat'],
    ['lstat', stat, 'lstat', 'stat'],
    ['statfs', stat, 'statfs'],
    ['readlink', stat, 'readlink', 'stat'],
    ['readdir', list, 'scandir'],
    ['unlink', remove, 'unlink'],
    ['rmdir', remove, 'rmdir'],
    ['rmSync', remove, 'rm'],
    ['chmod', metadata, 'chmod'],
    ['chown', metadata, 'chown'],
    ['lchown', metadata, 'lchown'],
    ['utimes', metadata, 'utime'],
    ['lutimes', metadata, 'lutime'],
  ]) {
    if (typeof binding[name] === 'function') {
      onePath(binding, name, check, {__proto__: null, api: `fs.${name}`, syscall, loader});
    }
  }
  for (const [name, check, syscall] of [
    ['rename', rename, 'rename'],
    ['link', link, 'link'],
    ['symlink', symlink, 'symlink'],
  ]) {
    twoPaths(binding, name, check, {__proto__: null, api: `fs.${name}`, syscall});
  }
  copying(binding, 'copyFile', {__proto__: null, api: 'fs.copyFile', syscall: 'copyfile'});
  for (const name of ['cpSyncCopyDir', 'cpSyncOverrideFile']) {
    if (binding[name]) copying(binding, name, {__proto__: null, api: 'fs.cpSync', syscall: 'cp'});
  }

  if (binding.cpSyncCheckPaths) {
    // The first step of cpSync: looks at both and may make the target's parents. The copying itself is counted, this only
    // refuses early what will be refused.
    const original = binding.cpSyncCheckPaths;
    const site = {__proto__: null, api: 'fs.cpSync', syscall: 'cp'};
    replace(binding, 'cpSyncCheckPaths', function hook(from, to) {
      if (typeof from !== 'string') arguments[0] = from = native.copy(from);
      if (typeof to !== 'string') arguments[1] = to = native.copy(to);
      const reading = read(from);
      const judgement = reading !== undefined && native.denies(reading) ? reading : create(to);
      if (judgement !== undefined && native.denies(judgement)) {
        const outcome = judged(judgement, site, arguments, from, to, hook);
        if (outcome !== PASS) return outcome;
      }
      try {
        return apply(original, this, arguments);
      } catch (error) {
        throw retrace(error, hook);
      }
    });
  }

  {
    const original = binding.realpath;
    const site = {__proto__: null, api: 'fs.realpath', syscall: 'realpath', loader: 'stat'};
    replace(binding, 'realpath', function hook(path) {
      if (typeof path !== 'string') arguments[0] = path = native.copy(path);
      const judgement = stat(path);
      if (judgement !== undefined) {
        const outcome = judged(judgement, site, arguments, path, undefined, hook);
        if (outcome !== PASS) return outcome;
        native.markAncestors(path, isAsync(arguments));
      }
      try {
        return apply(original, this, arguments);
      } catch (error) {
        throw retrace(error, hook);
      }
    });
  }
  {
    const original = binding.mkdir; // (path, mode, recursive): the recursive form tries the whole path twice
    const site = {__proto__: null, api: 'fs.mkdir', syscall: 'mkdir'};
    replace(binding, 'mkdir', function hook(path, mode, recursive) {
      if (typeof path !== 'string') arguments[0] = path = native.copy(path);
      const judgement = create(path);
      if (judgement !== undefined) {
        const outcome = judged(judgement, site, arguments, path, undefined, hook);
        if (outcome !== PASS) return outcome;
        if (recursive === true) native.mark(judgement, isAsync(arguments));
      }
      try {
        return apply(original, this, arguments);
      } catch (error) {
        throw retrace(error, hook);
      }
    });
  }
  {
    // The name is made up in C++: judge prefix + XXXXXX. What is observed is counted by line 2, which sees the real name.
    const original = binding.mkdtemp;
    const site = {__proto__: null, api: 'fs.mkdtemp', syscall: 'mkdtemp'};
    replace(binding, 'mkdtemp', function hook(prefix) {
      if (typeof prefix !== 'string') arguments[0] = prefix = native.copy(prefix);
      const judgement = create(`${prefix}XXXXXX`);
      if (judgement !== undefined && native.denies(judgement)) {
        const outcome = judged(judgement, site, arguments, `${prefix}XXXXXX`, undefined, hook);
        if (outcome !== PASS) return outcome;
      }
      try {
        return apply(original, this, arguments);
      } catch (error) {
        throw retrace(error, hook);
      }
    });
  }
  if (binding.internalModuleReadJSON) {
    const original = binding.internalModuleReadJSON; // gives back any file's text
    const site = {__proto__: null, api: 'require', syscall: 'open'};
    replace(binding, 'internalModuleReadJSON', function hook(path) {
      const judgement = read(path);
      if (judgement !== undefined) {
        if (code.isManifest(path)) native.allowCode(path);
        else {
          const outcome = judged(judgement, site, arguments, path, undefined, hook);
          if (outcome !== PASS) return outcome;
        }
      }
      try {
        return apply(original, this, arguments);
      } catch (error) {
        throw retrace(error, hook);
      }
    });
  }
}

// A path as the public functions take it, made a plain string or private bytes; undefined: not a path, Node will complain.
function pathOf(value, fileURLToPath) {
  if (typeof value === 'string') return value;
  const copy = native.copy(value);
  if (copy !== value) return copy;
  if (typeof value !== 'object' || value === null) return undefined;
  try {
    return fileURLToPath(value);
  } catch {
    return undefined;
  }
}

function installPublic(loads) {
  const fs = require('fs');
  const {fileURLToPath} = require('url');
  // Judges `path` for a function that takes one first; deny(error) is how this function fails.
  const path = (check, api, syscall, isAsync, deny) =>
    function before(self, given, second, third) {
      const callback = typeof second === 'function' ? second : third;
      if (isAsync === 'callback' && typeof callback !== 'function') return undefined; // Node says so itself
      const copy = pathOf(given, fileURLToPath);
      if (copy === undefined) return undefined;
      const judgement = check(copy);
      if (judgement !== undefined) {
        const rule = settle(judgement, api, isAsync !== undefined);
        if (rule !== undefined)
          return deny(require('./file_refusals').errorOf(rule, syscall, copy, undefined, before), callback);
      }
      return copy === given ? undefined : {__proto__: null, first: copy};
    };
  const raise = (error) => {
    throw error;
  };
  const reject = (error) => ({__proto__: null, result: promiseReject(error)});
  const callBack = (error, callback) => {
    callLater(callback, error);
    return {__proto__: null, result: undefined};
  };

  expose(fs, 'opendirSync', path(native.list, 'fs.opendirSync', 'opendir', undefined, raise));
  expose(fs, 'opendir', path(native.list, 'fs.opendir', 'opendir', 'callback', callBack));
  loads.when('internal/fs/promises', () =>
    expose(fs.promises, 'opendir', path(native.list, 'fs.promises.opendir', 'opendir', 'promise', reject)),
  );
  expose(fs, 'openAsBlob', path(native.read, 'fs.openAsBlob', 'open', 'promise', reject));
  const loadEnvFile = path(native.read, 'process.loadEnvFile', 'open', undefined, raise);
  expose(process, 'loadEnvFile', (self, given) =>
    loadEnvFile(self, given === undefined || given === null ? '.env' : given),
  );
}

function install({binding, Module, loads, syncExports}) {
  code.install(Module);
  const internal = binding('fs');
  if (internal === undefined)
    health('node_binding', 'process.binding("fs") is not available: file hooks are public functions and line 2 only');
  else installBinding(internal);
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

module.exports = {install};
