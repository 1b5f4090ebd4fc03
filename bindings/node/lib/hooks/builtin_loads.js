// SPDX-License-Identifier: Apache-2.0
//
// Tells when a built-in module or internal binding has been loaded, before the code that asked for it gets it.
//
//   const loads = watch();
//   loads.when('worker_threads', () => ...);         // at once if it is loaded already
//   loads.whenBinding('udp_wrap', () => ...);
//
// What must be hooked costs milliseconds of a cold start that most functions never need (worker_threads brings streams,
// fs/promises a good deal, each binding a template for every class in it). require(), process.getBuiltinModule and import have nothing in common that could be
// hooked, except that Node appends the name to process.moduleLoadList once a module is ready: a setter on that array's
// prototype sees it. The array itself is then taken out of reach: process.moduleLoadList gives copies.
'use strict';

const {
  apply,
  arrayIncludes,
  arraySlice,
  defineProperty,
  deleteProperty,
  nodeMajor,
  setPrototypeOf,
} = require('../primordials');

function watch(Module) {
  const list = process.moduleLoadList;
  const waiting = {__proto__: null}; // "NativeModule <id>" or "Internal Binding <name>" -> callback
  const now = (name, callback) => callback();
  if (!Array.isArray(list)) return {isLoaded: () => false, when: now, whenBinding: now};
  const isLoaded = (id) => arrayIncludes(list, `NativeModule ${id}`);
  // Node 10 adds a name before the module is there: what there is of what we ask for is loaded now.
  if (nodeMajor < 12)
    return {isLoaded, when: (id, use) => Module.builtinModules.includes(id) && use(), whenBinding: now};

  const prototype = new Proxy(Array.prototype, {
    __proto__: null,
    set(target, key, value, receiver) {
      defineProperty(receiver, key, {__proto__: null, value, writable: true, enumerable: true, configurable: true});
      const callback = typeof value === 'string' ? waiting[value] : undefined;
      if (callback !== undefined) {
        deleteProperty(waiting, value);
        callback();
      }
      return true;
    },
  });
  let armed = false;
  const arm = () => {
    if (armed) return;
    armed = true;
    setPrototypeOf(list, prototype);
    defineProperty(process, 'moduleLoadList', {
      __proto__: null,
      configurable: true,
      enumerable: true,
      get: () => apply(arraySlice, list, []),
      set: undefined,
    });
  };

  const wait = (entry, callback) => {
    if (arrayIncludes(list, entry)) return callback();
    const earlier = waiting[entry];
    waiting[entry] =
      earlier === undefined
        ? callback
        : () => {
            earlier();
            callback();
          };
    return arm();
  };
  return {
    isLoaded,
    when: (id, callback) => wait(`NativeModule ${id}`, callback),
    whenBinding: (name, callback) => wait(`Internal Binding ${name}`, callback),
  };
}

module.exports = {watch};
