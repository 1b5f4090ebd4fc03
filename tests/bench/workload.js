// SPDX-License-Identifier: Apache-2.0
// Per-operation costs in one Node process, plain or protected as it was started. Prints the operations' names as JSON; then
// each line on standard input is a number, and the answer one batch of that operation: nanoseconds for each.
// usage: workload.js DIR HTTP CONNECT   (DIR: a scratch folder; ports on loopback: an HTTP server, one that hangs up)
'use strict';
const fs = require('fs');
const net = require('net');
const http = require('http');
const path = require('path');
const {spawnSync} = require('child_process');

const [, , folder, httpPort, connectPort] = process.argv;
const file = path.join(folder, '1k');

const connect = () =>
  new Promise((resolve, reject) => {
    const s = net.connect(Number(connectPort), '127.0.0.1', () => (s.destroy(), resolve()));
    s.on('error', reject);
  });
const get = () =>
  new Promise((resolve, reject) => {
    http
      .get({host: '127.0.0.1', port: httpPort, agent: false}, (r) => r.resume().on('end', resolve))
      .on('error', reject);
  });

const OPERATIONS = [
  ['readFileSync 1 KB', () => fs.readFileSync(file), 2000],
  ['openSync + closeSync', () => fs.closeSync(fs.openSync(file)), 2000],
  ['existsSync', () => fs.existsSync(file), 4000],
  ['readdirSync', () => fs.readdirSync(folder), 2000],
  ['promises.readFile', () => fs.promises.readFile(file), 300],
  ['net.connect', connect, 150],
  ['http.get', get, 60],
  ['spawnSync true', () => spawnSync('/bin/true'), 12],
];

// An eighth of the batch goes first, untimed: the other process has had the caches.
async function batch([, operation, count]) {
  let start;
  for (let i = -(count >> 3); i < count; i++) {
    if (i === 0) start = process.hrtime.bigint();
    const r = operation();
    if (r instanceof Promise) await r;
  }
  return Number(process.hrtime.bigint() - start) / count;
}

function ask() {
  const line = Buffer.alloc(16);
  const size = fs.readSync(0, line);
  return size === 0 ? undefined : Number(line.toString('utf8', 0, size));
}

(async () => {
  fs.writeSync(1, `${JSON.stringify(OPERATIONS.map(([name]) => name))}\n`);
  for (let which = ask(); which !== undefined; which = ask()) fs.writeSync(1, `${await batch(OPERATIONS[which])}\n`);
})();
