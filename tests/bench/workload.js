// SPDX-License-Identifier: Apache-2.0
// Per-operation costs in one Node process: prints {"operation": nanoseconds} for plain or protected, as it was started.
// usage: workload.js DIR PORT   (DIR: a scratch folder; PORT: an HTTP listener on loopback)
'use strict';
const fs = require('fs');
const net = require('net');
const http = require('http');
const path = require('path');
const {spawnSync} = require('child_process');

const [folder, port] = [process.argv[2], Number(process.argv[3])];
const file = path.join(folder, '1k');

const connect = () =>
  new Promise((resolve, reject) => {
    const s = net.connect(port, '127.0.0.1', () => (s.destroy(), resolve()));
    s.on('error', reject);
  });
const get = () =>
  new Promise((resolve, reject) => {
    http.get({host: '127.0.0.1', port, agent: false}, (r) => r.resume().on('end', resolve)).on('error', reject);
  });

// Median of nine batches: a batch that was preempted does not count.
async function measure(operation, count) {
  const batches = [];
  for (let b = 0; b < 9; b++) {
    const start = process.hrtime.bigint();
    for (let i = 0; i < count; i++) {
      const r = operation();
      if (r instanceof Promise) await r;
    }
    batches.push(Number(process.hrtime.bigint() - start) / count);
  }
  return batches.sort((a, b) => a - b)[4];
}

(async () => {
  const out = {};
  out['readFileSync 1 KB'] = await measure(() => fs.readFileSync(file), 2000);
  out['openSync + closeSync'] = await measure(() => fs.closeSync(fs.openSync(file)), 2000);
  out['existsSync'] = await measure(() => fs.existsSync(file), 4000);
  out['readdirSync'] = await measure(() => fs.readdirSync(folder), 2000);
  out['promises.readFile'] = await measure(() => fs.promises.readFile(file), 300);
  out['net.connect'] = await measure(connect, 150);
  out['http.get'] = await measure(get, 60);
  out['spawnSync true'] = await measure(() => spawnSync('/bin/true'), 12);
  console.log(JSON.stringify(out));
})();
