// SPDX-License-Identifier: Apache-2.0
//
// What programs can see is the same with us in the process, under a policy that observes everything.
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const {test} = require('node:test');
const {run, major} = require('./protected');

const OBSERVE = {
  schema: 1,
  outbound: {action: 'observe', local: 'observe'},
  files: {tmp: 'observe', application: 'observe', elsewhere: 'observe'},
  child_processes: {action: 'observe', unguarded: 'observe'},
  native_code: 'observe',
};

// Older ones abort or wait for ever at some of them, without us too.
test('odd arguments raise what they raise', {skip: major < 22}, async () => {
  const program = fs.readFileSync(path.join(__dirname, 'odd_arguments.js'), 'utf8');
  const env = {NODE_NO_WARNINGS: '1'};
  const plain = await run(program, {attach: 'plain', env});
  const observed = await run(program, {policy: OBSERVE, env});
  assert.equal(plain.status, 0, plain.about());
  assert.ok(plain.value.length > 2000 && observed.events.length > 50, observed.about());
  const differ = observed.value.filter((line, i) => line !== plain.value[i]);
  assert.deepEqual(differ.slice(0, 20), []);
  assert.equal(observed.value.length, plain.value.length);
});

test('a child finds the descriptors that it was given', async () => {
  const child = `
    const {fstatSync} = require('fs');
    const open = [];
    for (let fd = 0; fd < 1024; ++fd) try { fstatSync(fd); open.push(fd); } catch {}
    console.log(JSON.stringify([open.filter((fd) => fd < 6 || fd > 40), Object.keys(process.env).sort()]));`;
  const program = `
    const {spawnSync, fork, execFileSync} = require('child_process');
    const stdio = ['ignore', 'pipe', 'inherit', 0, 1, 'pipe'];
    const seen = [];
    for (let i = 0; i < 7; ++i) seen.push(spawnSync(process.execPath, [__dirname + '/child.js'], {stdio, env: {A: '1'}}).stdout.toString());
    const asked = fork(__dirname + '/echo.js');
    asked.on('message', (m) => { seen.push(m); asked.disconnect(); });
    asked.on('exit', (code, signal) => console.log(JSON.stringify([seen, code, signal])));
    asked.send({a: 1});`;
  const files = {
    'child.js': child,
    'echo.js': "process.on('message', (m) => process.send(m)); process.on('disconnect', () => process.exit(5));",
  };
  const plain = await run(program, {attach: 'plain', files});
  const observed = await run(program, {policy: OBSERVE, files});
  assert.equal(plain.status, 0, plain.about());
  assert.ok(observed.events.length > 0, observed.about());
  assert.deepEqual(observed.value, plain.value);
});
