// SPDX-License-Identifier: Apache-2.0
//
// How a denial reaches the caller where it is not simply thrown.
'use strict';

const {
  apply,
  defineProperty,
  getOwnPropertySymbols,
  getPrototypeOf,
  nextTick,
  nodeMajor,
  process,
  symbolDescription,
} = require('../primordials');

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
      const text = symbolDescription(symbols[i]);
      if (text === 'owner_symbol' || (nodeMajor < 12 && text === 'owner')) return handle[symbols[i]];
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

module.exports = {completeLater, callLater, ownerOf, interceptOnce};
