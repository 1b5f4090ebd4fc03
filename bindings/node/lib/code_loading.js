// SPDX-License-Identifier: Apache-2.0
//
// Reading code is not reading data: under `application.read: deny`, require() and import go on.
//
// A read is the loader's own when Node's module loader stands directly below it, no user frame between. For CommonJS that is
// not enough (Module._extensions['.js'] can be called with a fake module that collects the source): the extension functions
// are wrapped, and leave the file name of a genuine module for one read. The core has the last word: only names with
// a code suffix are code. Looking for modules (stat, realpath) is the loader's own as well.
'use strict';

const {endsWith, getOwnPropertyDescriptor, getPrototypeOf, hasOwn, nodeMajor, startsWith} = require('./primordials');
const native = require('./binding');

// Module of the realm we run in: the constructor of our own module object, before anybody could have changed it.
const ownHandler = `${__dirname}/handler`; // .mjs, and the other suffixes that the client tries first
let expected = null; // file name that a genuine module is about to read

function isGenuine(Module, compile, module) {
  if (typeof module !== 'object' || module === null || hasOwn(module, '_compile')) return false;
  for (let p = getPrototypeOf(module); p !== null; p = getPrototypeOf(p)) {
    if (p === Module.prototype) {
      const descriptor = getOwnPropertyDescriptor(p, '_compile');
      return descriptor !== undefined && descriptor.value === compile;
    }
    if (hasOwn(p, '_compile')) return false;
  }
  return false;
}

// Wraps Module._extensions. They stay ordinary, replaceable properties: tools rely on that.
function install(Module) {
  const compile = Module.prototype._compile;
  const extensions = Module._extensions;
  for (const suffix of Object.keys(extensions)) {
    if (suffix === '.json' || suffix === '.node') continue;
    extensions[suffix] = native.precede(extensions[suffix], (self, module, filename) => {
      expected = typeof filename === 'string' && isGenuine(Module, compile, module) ? filename : null;
    });
  }
}

// Is this read of `path` the loader reading code? Then line 2 has been told as well.
function excusesRead(who, path) {
  if (typeof path !== 'string') return false;
  if (who.loader === 'cjs') {
    const isExpected = expected === path;
    if (isExpected) expected = null;
    // require() of a package's manifest: Node 18 and 20 read it here, later versions in C++
    return isExpected && native.allowCode(path);
  }
  return who.loader === 'esm' && native.allowCode(path);
}

// Is this look-up the loader finding its way, or the runtime client looking for our handler module? It reveals no content.
function excusesStat(who, path) {
  return who.loader !== undefined || (typeof path === 'string' && startsWith(path, ownHandler));
}

// Node 18 and 20 read manifests through the binding (internalModuleReadJSON): those are read on every require().
function isManifest(path) {
  return nodeMajor < 22 && typeof path === 'string' && endsWith(path, '/package.json');
}

module.exports = {install, excusesRead, excusesStat, isManifest};
