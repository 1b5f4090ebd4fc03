// SPDX-License-Identifier: Apache-2.0
//
// What the hooks that start a program share.
'use strict';

const {apply, defineProperty, isArray} = require('../primordials');
const native = require('../binding');

// A private copy of a list of strings, which user code cannot change between the check and the call.
function copyTexts(values) {
  if (!isArray(values)) return values;
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
