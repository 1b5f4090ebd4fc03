// SPDX-License-Identifier: Apache-2.0
//
// Mechanics of the hooks: how a function is replaced.
//
// native.hook()  most methods of internal bindings (src/hooks.hpp): Node's internals call them through the object, so one
//            replacement stands under callback, sync, promise, stream, CommonJS and ESM forms. Not writable, not configurable.
// onRefusal()  what such a hook calls when something is not granted. hide: the function above which an error's stack begins.
// replace()  the same for a method whose arguments need JavaScript.
// expose()   a public function, where the binding behind it cannot be reached: before(self, ...arguments) is called first (see
//            preceded.hpp for what it returns). Keeps the property's own attributes, since tools patch public functions; line 2
//            stands behind these.
//
// A hook must not keep an "inside" flag that user code could meet, and must copy what could change between the check and the
// call (bytes of a view, an options object) once, judge the copy and pass the copy on.
'use strict';

const {defineProperty, getOwnPropertyDescriptor, getOwnPropertySymbols} = require('../primordials');
const native = require('../binding');

// load(): the module that knows what to do, read when it is first needed. On a stack that has no room for that, what is
// denied fails, and what is observed goes on: line 2 counts it.
function onRefusal(load) {
  const {denies} = native;
  return function hook(name, judgement, other, self, values, hide = hook) {
    let refusals;
    try {
      refusals = load();
    } catch (error) {
      if (denies(judgement) || denies(other)) throw error;
      return undefined;
    }
    return refusals.refused(name, judgement, other, self, values, hide);
  };
}

function replace(object, name, replacement) {
  const sealed = {__proto__: null, value: replacement, writable: false, configurable: false, enumerable: true};
  return typeof object[name] === 'function' && defineProperty(object, name, sealed);
}

function expose(object, name, before) {
  void object[name]; // some are lazy: reading makes them plain
  const descriptor = getOwnPropertyDescriptor(object, name);
  if (descriptor === undefined || typeof descriptor.value !== 'function') return undefined;
  const original = descriptor.value;
  const replacement = native.precede(original, before);
  // Symbols such as util.promisify.custom, and the rest of what callers see of a function.
  const symbols = getOwnPropertySymbols(original);
  for (let i = 0; i < symbols.length; i++) {
    defineProperty(replacement, symbols[i], {__proto__: null, ...getOwnPropertyDescriptor(original, symbols[i])});
  }
  defineProperty(replacement, 'name', {__proto__: null, value: original.name, configurable: true});
  defineProperty(replacement, 'length', {__proto__: null, value: original.length, configurable: true});
  defineProperty(object, name, {__proto__: null, ...descriptor, value: replacement});
  return original;
}

module.exports = {onRefusal, replace, expose};
