// SPDX-License-Identifier: Apache-2.0
//
// Starts programs one after another: starter.js CASES RESULTS; under us when our preload stands before it.
'use strict';

const fs = require('fs');
const {spawnSync} = require('child_process');

const cases = JSON.parse(fs.readFileSync(process.argv[2], 'utf8'));
for (const one of cases) {
  const out = fs.openSync(`${one.folder}.out`, 'w');
  const err = fs.openSync(`${one.folder}.err`, 'w');
  const done = spawnSync(one.words[0], one.words.slice(1), {
    cwd: one.folder,
    stdio: ['ignore', out, err],
    timeout: 60_000,
  });
  one.status = done.error ? done.error.message : (done.status ?? done.signal);
  fs.closeSync(out);
  fs.closeSync(err);
}
fs.writeFileSync(process.argv[3], JSON.stringify(cases));
