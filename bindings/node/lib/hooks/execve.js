// SPDX-License-Identifier: Apache-2.0
//
// process.execve (Node 22.15 and newer) replaces this process; what it hands over to the program, line 2 sees to.
'use strict';

const {isArray, process} = require('../primordials');
const native = require('../binding');
const {settle} = require('../settle');
const {expose} = require('./hook');
const {copyTexts, run} = require('./program');

function install() {
  const original = expose(process, 'execve', function execve(self, file, args, env) {
    if (typeof file !== 'string' || !isArray(args)) return undefined;
    const own = copyTexts(args);
    const judgement = native.spawn(file, own);
    if (judgement !== undefined) {
      const rule = settle(judgement, 'process.execve', false);
      if (rule !== undefined)
        throw require('../denied').denied(
          rule,
          'execve',
          `'${file}'`,
          {__proto__: null, path: file, spawnargs: own},
          execve,
        );
    }
    // The arguments that were judged, and no others, go on.
    return {__proto__: null, result: run(original, self, env === undefined ? [file, own] : [file, own, env])};
  });
}

module.exports = {install};
