// SPDX-License-Identifier: Apache-2.0
//
// Everything our hooks use of JavaScript itself, taken before user code runs.
//
// A hook runs in the middle of user code, which may have planted getters on Object.prototype or replaced
// String.prototype.startsWith: whatever is looked up later can be a stranger's. So hooks call only what is here, make
// descriptors with `__proto__: null`, use no spread, no for-of, no destructuring of arrays, and no method syntax on values.
'use strict';

const {bind, call} = Function.prototype;
// uncurryThis(f)(self, ...args) = f.call(self, ...args), without looking anything up when called.
const uncurryThis = bind.bind(call);

const promiseReject = Promise.reject.bind(Promise);
const promiseThen = uncurryThis(Promise.prototype.then);

const slice = uncurryThis(String.prototype.slice);
const description = Object.getOwnPropertyDescriptor(Symbol.prototype, 'description');

module.exports = {
  apply: Reflect.apply,
  construct: Reflect.construct,
  defineProperty: Reflect.defineProperty,
  deleteProperty: Reflect.deleteProperty,
  getOwnPropertyDescriptor: Reflect.getOwnPropertyDescriptor,
  getPrototypeOf: Reflect.getPrototypeOf,
  setPrototypeOf: Reflect.setPrototypeOf,
  ownKeys: Reflect.ownKeys,
  getOwnPropertySymbols: Object.getOwnPropertySymbols,
  create: Object.create,
  freeze: Object.freeze,
  Array,
  isArray: Array.isArray,
  arrayOf: Array.of,
  arrayIncludes: uncurryThis(Array.prototype.includes),
  arraySlice: Array.prototype.slice,
  hasOwn: uncurryThis(Object.prototype.hasOwnProperty),
  symbolDescription: description
    ? uncurryThis(description.get)
    : (
        (text) => (symbol) =>
          slice(text(symbol), 7, -1)
      )(uncurryThis(Symbol.prototype.toString)), // Node 10
  Error,
  captureStackTrace: Error.captureStackTrace,
  Promise,
  promiseReject,
  promiseThen,
  Map,
  mapClear: uncurryThis(Map.prototype.clear),
  mapHasMethod: Map.prototype.has,
  mapSet: uncurryThis(Map.prototype.set),
  mapSize: uncurryThis(Object.getOwnPropertyDescriptor(Map.prototype, 'size').get),
  WeakMap,
  weakMapGet: uncurryThis(WeakMap.prototype.get),
  weakMapSet: uncurryThis(WeakMap.prototype.set),
  WeakSet,
  weakSetAdd: uncurryThis(WeakSet.prototype.add),
  weakSetHas: uncurryThis(WeakSet.prototype.has),
  jsonParse: JSON.parse,
  jsonStringify: JSON.stringify,
  now: Date.now,
  nextTick: process.nextTick,
  process,
  startsWith: uncurryThis(String.prototype.startsWith),
  endsWith: uncurryThis(String.prototype.endsWith),
  slice,
  indexOf: uncurryThis(String.prototype.indexOf),
  lastIndexOf: uncurryThis(String.prototype.lastIndexOf),
  // The real one: tools replace process.binding, and user code could too.
  processBinding: typeof process.binding === 'function' ? process.binding.bind(process) : undefined,
  nodeMajor: parseInt(process.versions.node, 10),
};
