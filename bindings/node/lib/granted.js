// SPDX-License-Identifier: Apache-2.0
//
// Absolute paths that the core has granted once. The policy is sealed, and a path's text has one answer; to ask for it again
// would cross into native code, which is half of what a file hook costs. What is refused or observed is asked for every time:
// there is something to count. Line 2 judges the object behind the path in any case.
'use strict';

const {defineProperty, Map, mapClear, mapHasMethod, mapSet, mapSize, startsWith} = require('./primordials');

const MOST = 256,
  LONGEST = 256;

// check(path, ...) -> undefined when granted. `only`: the second argument for which answers are kept.
function remember(check, only) {
  // An own `has`: out of reach for user code like the ones of primordials.js, and V8 makes it a few instructions.
  const granted = new Map();
  defineProperty(granted, 'has', {__proto__: null, value: mapHasMethod});
  return (path, detail) => {
    if (detail === only && granted.has(path)) return undefined;
    const judgement = check(path, detail);
    if (judgement === undefined && detail === only && isLasting(path)) {
      if (mapSize(granted) === MOST) mapClear(granted);
      mapSet(granted, path, true);
    }
    return judgement;
  };
}

// What /proc says depends on who is asking, and whom the number belongs to today.
function isLasting(path) {
  return typeof path === 'string' && path.length <= LONGEST && path[0] === '/' && !startsWith(path, '/proc/');
}

module.exports = {remember};
