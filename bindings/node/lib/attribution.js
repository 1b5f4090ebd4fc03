// SPDX-License-Identifier: Apache-2.0
//
// Who did it: the public API that was called, the user's frames, the nearest installed package. Only for operations that
// are observed or denied; a granted one never comes here, and a start without one does not read this file.
//
// The stack is read through Error.prepareStackTrace, which user code may have replaced: ours is put in its place for the one
// capture and the former descriptor put back. If that is not possible (frozen intrinsics), there is no stack. Nothing here
// decides anything, but for `loader`: which part of Node's own module loader stands directly below the call, with no user
// frame in between (see code_loading.js).
'use strict';

const {
  apply,
  captureStackTrace,
  defineProperty,
  deleteProperty,
  endsWith,
  Error,
  getOwnPropertyDescriptor,
  getPrototypeOf,
  indexOf,
  jsonParse,
  lastIndexOf,
  nodeMajor,
  slice,
  startsWith,
} = require('./primordials');
const native = require('./binding');
const known = require('./call_sites');

const {callSite, ownDirectory} = known;
const FRAMES = 40; // captured
const SHOWN = 12; // reported

// Node's files that stand for a public module. The outermost one before the user's code names the call.
const PUBLIC = {
  __proto__: null,
  'node:fs': 'fs',
  'node:internal/fs/promises': 'fs.promises',
  'node:internal/fs/dir': 'fs',
  'node:internal/fs/cp/cp-sync': 'fs',
  'node:internal/fs/cp/cp': 'fs.promises',
  'node:net': 'net',
  'node:dgram': 'dgram',
  'node:dns': 'dns',
  'node:internal/dns/promises': 'dns.promises',
  'node:internal/dns/callback_resolver': 'dns',
  'node:internal/dns/utils': 'dns',
  'node:child_process': 'child_process',
  'node:internal/child_process': 'child_process',
  'node:cluster': 'cluster',
  'node:internal/cluster/primary': 'cluster',
  'node:http': 'http',
  'node:_http_client': 'http',
  'node:_http_agent': 'http',
  'node:https': 'https',
  'node:tls': 'tls',
  'node:_tls_wrap': 'tls',
  'node:internal/tls/wrap': 'tls',
  'node:http2': 'http2',
  'node:internal/http2/core': 'http2',
  'node:internal/deps/undici/undici': '',
  'node:internal/process/per_thread': 'process',
};

const nothing = {__proto__: null, api: undefined, stack: undefined, package: undefined, loader: undefined};

// Before Node 16 its own files have neither a scheme nor a folder: "fs.js", "internal/fs/promises.js".
function isBuiltin(name) {
  return name[0] !== '/' && name[0] !== '[' && endsWith(name, '.js');
}

function fileOf(site) {
  const name = apply(callSite.fileName, site, []);
  if (typeof name === 'string') {
    if (startsWith(name, 'file://')) return slice(name, 7);
    return nodeMajor < 16 && isBuiltin(name) ? `node:${slice(name, 0, name.length - 3)}` : name;
  }
  const origin = apply(callSite.evalOrigin, site, []);
  return typeof origin === 'string' ? origin : undefined;
}

function loaderOf(file) {
  if (!startsWith(file, 'node:internal/modules/')) return undefined;
  const part = slice(file, 22);
  if (part === 'cjs/loader') return 'cjs';
  if (part === 'esm/load' || part === 'esm/translators' || part === 'esm/get_source') return 'esm';
  return 'resolve';
}

function nameOf(file, site) {
  const module = PUBLIC[file];
  const name = apply(callSite.functionName, site, []);
  if (module === undefined || typeof name !== 'string' || name === '') return undefined;
  const dot = lastIndexOf(name, '.');
  const bare = dot < 0 ? name : slice(name, dot + 1);
  return module === '' ? bare : `${module}.${bare}`;
}

const stackOf = (_, sites) => {
  const found = {__proto__: null, api: undefined, stack: [], package: undefined, loader: undefined};
  let isStream = false;
  let inside = true; // still among Node's own frames
  for (let i = 0; i < sites.length; i++) {
    const file = fileOf(sites[i]);
    if (file === undefined || startsWith(file, ownDirectory)) continue;
    if (startsWith(file, 'node:')) {
      if (!inside) continue;
      found.loader = found.loader === 'cjs' || found.loader === 'esm' ? found.loader : loaderOf(file) || found.loader;
      found.api = nameOf(file, sites[i]) || found.api;
      if (file === 'node:internal/fs/streams') {
        const type = apply(callSite.typeName, sites[i], []);
        if (type === 'ReadStream' || type === 'WriteStream') {
          found.api = `fs.create${type}`;
          isStream = true;
        }
      }
      continue;
    }
    inside = false;
    if (found.stack.length < SHOWN) {
      const {applicationDirectory} = known;
      const shown =
        applicationDirectory !== '' && startsWith(file, applicationDirectory)
          ? slice(file, applicationDirectory.length)
          : file;
      const name = apply(callSite.functionName, sites[i], []);
      const line = `${shown}:${apply(callSite.line, sites[i], [])}`;
      // Not push(): Array.prototype may carry a stranger's setter.
      defineProperty(found.stack, found.stack.length, {
        __proto__: null,
        configurable: true,
        enumerable: true,
        writable: true,
        value: typeof name === 'string' && name !== '' ? `${line} ${name}` : line,
      });
    }
    if (found.package === undefined) found.package = packageOf(file);
  }
  // Called from the event loop: the outermost function is one of Node's own steps, not what somebody called.
  if (found.stack.length === 0 && !isStream) found.api = undefined;
  return found;
};

const ours = {__proto__: null, configurable: true, enumerable: false, writable: true, value: stackOf};
const limit = {__proto__: null, configurable: true, enumerable: true, writable: true, value: FRAMES};

function restore(name, saved) {
  if (saved === undefined) deleteProperty(Error, name);
  else defineProperty(Error, name, saved);
}

// Never throws.
function capture() {
  if (callSite === undefined) return nothing;
  const savedPrepare = getOwnPropertyDescriptor(Error, 'prepareStackTrace');
  const savedLimit = getOwnPropertyDescriptor(Error, 'stackTraceLimit');
  if (savedPrepare !== undefined) savedPrepare.__proto__ = null;
  if (savedLimit !== undefined) savedLimit.__proto__ = null;
  try {
    if (!defineProperty(Error, 'prepareStackTrace', ours) || !defineProperty(Error, 'stackTraceLimit', limit))
      return nothing;
    const holder = {__proto__: null};
    captureStackTrace(holder, capture);
    const found = holder.stack; // ours has no prototype; what a user's own prepareStackTrace made of the sites has one
    return typeof found === 'object' && found !== null && getPrototypeOf(found) === null ? found : nothing;
  } catch {
    return nothing;
  } finally {
    restore('stackTraceLimit', savedLimit);
    restore('prepareStackTrace', savedPrepare);
  }
}

const versions = {__proto__: null}; // package directory -> name@version

// "/x/node_modules/@scope/name/lib/a.js" -> "@scope/name@1.2.3"
function packageOf(file) {
  const at = lastIndexOf(file, '/node_modules/');
  if (at < 0) return undefined;
  const start = at + 14;
  let end = indexOf(file, '/', start);
  if (end >= 0 && file[start] === '@') end = indexOf(file, '/', end + 1);
  if (end < 0) return undefined;
  const directory = slice(file, 0, end);
  let name = versions[directory];
  if (name === undefined) {
    name = slice(file, start, end);
    try {
      const text = native.readSmallFile(directory + '/package.json');
      const version = text === undefined ? undefined : jsonParse(text).version;
      if (typeof version === 'string') name = `${name}@${version}`;
    } catch {
      // not JSON: the name alone
    }
    versions[directory] = name;
  }
  return name;
}

module.exports = {capture};
