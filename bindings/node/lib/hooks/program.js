// SPDX-License-Identifier: Apache-2.0
//
// What the hooks that start a program share.
'use strict';

const {Array, apply, arrayOf, defineProperty, isArray} = require('../primordials');
const native = require('../binding');

const MANY = 4096; // they are arguments for a moment

// A private copy of a list of strings, which user code cannot change between the check and the call.
function copyTexts(values) {
  if (!isArray(values)) return values;
  if (values.length > MANY) return copyMany(values);
  // Makes properties of its own (no setter of a prototype is met), without a descriptor for each.
  const copy = apply(arrayOf, Array, values);
  for (let i = 0; i < copy.length; i++) if (typeof copy[i] !== 'string') copy[i] = `${copy[i]}`;
  return copy;
}

function copyMany(values) {
  const copy = [];
  for (let i = 0; i < values.length; i++) {
    defineProperty(copy, i, {
      __proto__: null,
      configurable: true,
      enumerable: true,
      writable: true,
      value: `${values[i]}`,
    });
  }
  return copy;
}

// Calls what starts the program: meanwhile line 2 takes its exec for the one that was judged.
function run(original, self, values) {
  native.processBegin();
  try {
    return apply(original, self, values);
  } finally {
    native.processEnd();
  }
}

module.exports = {copyTexts, run};
