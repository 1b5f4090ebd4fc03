// SPDX-License-Identifier: Apache-2.0
//
// Tells when a built-in module has been loaded, before the code that asked for it gets it.
//
//   const loads = watch();
//   loads.when('worker_threads', () => ...);   // at once if it is loaded already
//
// Some modules must be wrapped but cost milliseconds of a cold start that most functions never need (worker_threads brings
// streams, fs/promises a good deal). require(), process.getBuiltinModule and import have nothing in common that could be
// hooked, except that Node appends the name to process.moduleLoadList once a module is ready: a setter on that array's
// prototype sees it. The array itself is then taken out of reach: process.moduleLoadList gives copies.
'use strict';

const {apply, arraySlice, defineProperty, deleteProperty, setPrototypeOf} = require('../primordials');

function watch() {
  const list = process.moduleLoadList;
  const waiting = {__proto__: null}; // "NativeModule <id>" -> callback
  if (!Array.isArray(list)) return {isLoaded: () => false, when: (id, callback) => callback()};
  const isLoaded = (id) => list.includes(`NativeModule ${id}`);

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

  return {
    isLoaded,
    when(id, callback) {
      if (isLoaded(id)) callback();
      else {
        waiting[`NativeModule ${id}`] = callback;
        arm();
      }
    },
  };
}

module.exports = {watch};
