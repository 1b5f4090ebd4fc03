// SPDX-License-Identifier: Apache-2.0
//
// Mechanics of the hooks: how a function is replaced, and how a denial reaches the caller.
//
// replace()  a method of an internal binding: for good. Node's internals call it through the object, so one replacement
//            stands under callback, sync, promise, stream, CommonJS and ESM forms. Not writable, not configurable.
// expose()   a public function, where the binding behind it cannot be reached: before(self, ...arguments) is called first (see
//            preceded.hpp for what it returns). Keeps the property's own attributes, since tools patch public functions; line 2
//            stands behind these.
// retrace()  what an original throws has no frame of ours on its stack.
//
// A hook must not keep an "inside" flag that user code could meet, and must copy what could change between the check and the
// call (bytes of a view, an options object) once, judge the copy and pass the copy on.
'use strict';

const {
  apply,
  captureStackTrace,
  defineProperty,
  getOwnPropertyDescriptor,
  getOwnPropertySymbols,
  getPrototypeOf,
  nextTick,
  process,
  symbolDescription,
} = require('../primordials');
const native = require('../binding');

// Runs now or never: what a hook returns when the original is to be called.
const PASS = Symbol('pass');

// isShadowed: Node itself assigns to the property of instances, which a prototype that cannot be written would forbid. (Writing
// to the prototype gains nothing: the original is not there.)
function replace(object, name, replacement, isShadowed = false) {
  const sealed = {__proto__: null, value: replacement, writable: isShadowed, configurable: false, enumerable: true};
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

function retrace(error, hook) {
  if (typeof error === 'object' && error !== null) captureStackTrace(error, hook);
  return error;
}

// Makes a bare request object complete with an error in the next tick, as an asynchronous failure would.
function completeLater(request, error) {
  apply(nextTick, process, [complete, request, error]);
}

function complete(request, error) {
  const oncomplete = request.oncomplete;
  if (typeof oncomplete === 'function') apply(oncomplete, request, [error]);
}

// Calls `callback(error)` in the next tick.
function callLater(callback, error, self) {
  apply(nextTick, process, [invoke, callback, error, self]);
}

function invoke(callback, error, self) {
  apply(callback, self, [error]);
}

// The public object (net.Socket, dgram.Socket, ChildProcess) that a handle belongs to.
function ownerOf(handle) {
  for (let object = handle, depth = 0; object !== null && depth < 2; object = getPrototypeOf(object), depth++) {
    const symbols = getOwnPropertySymbols(object);
    for (let i = 0; i < symbols.length; i++) {
      if (symbolDescription(symbols[i]) === 'owner_symbol') return handle[symbols[i]];
    }
  }
  return undefined;
}

// Shadows a method of one object until `handler` says it is done (returns the arguments to go on with).
function interceptOnce(object, name, handler) {
  const original = object[name];
  if (typeof original !== 'function') return;
  defineProperty(object, name, {
    __proto__: null,
    configurable: true,
    enumerable: false,
    writable: true,
    value: function () {
      const done = handler(arguments);
      if (done) delete object[name];
      return apply(original, this, arguments);
    },
  });
}

module.exports = {PASS, replace, expose, retrace, completeLater, callLater, ownerOf, interceptOnce};
