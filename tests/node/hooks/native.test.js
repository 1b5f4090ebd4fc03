// SPDX-License-Identifier: Apache-2.0
//
// Native code, and the doors from JavaScript to what lies behind the hooks.
'use strict';

const test = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const {run, folder, count, lacks, stage, major} = require('../protected');

const deny = {schema: 1, name: 'n', native_code: 'deny', outbound: 'grant'};
const observe = {schema: 1, name: 'n', native_code: 'observe', outbound: 'grant'};
const addon = path.join(stage, 'app_protect/node/app_protect.node');

// An addon in a writable place; it is our own, under another name.
function copy() {
  const file = path.join(folder('/tmp'), 'other.node');
  fs.copyFileSync(addon, file);
  return file;
}

const print = (expression) =>
  `(async () => { try { console.log(JSON.stringify({ value: await (${expression}) })); } catch (e) { console.log(JSON.stringify({ name: e.name, code: e.code, message: e.message, path: e.path })); } })()`;

test('process.dlopen and require of an addon from a writable place', async (t) => {
  for (const form of ['process.dlopen', 'require']) {
    await t.test(form, async () => {
      const file = copy();
      const program = print(
        form === 'require'
          ? `Object.keys(require(${JSON.stringify(file)})).length > 5`
          : `(() => { const m = { exports: {} }; process.dlopen(m, ${JSON.stringify(file)}); return Object.keys(m.exports).length > 5; })()`,
      );
      assert.equal((await run(program, {attach: 'plain'})).value.value, true);
      const observed = await run(program, {policy: observe});
      assert.equal(observed.value.value, true, observed.about());
      assert.equal(count(observed.events), 1, observed.about());
      const denied = await run(program, {policy: deny});
      assert.equal(denied.value.name, 'TrendAppProtectDenied', denied.about());
      assert.equal(denied.value.code, 'EPERM');
      assert.equal(denied.value.path, file);
      assert.equal(count(denied.events), 1, denied.about());
      assert.deepEqual(denied.events[0].info, {path: file, operation: 'load'});
    });
  }
});

const DOORS = {
  'inspector.Session':
    "(() => { const s = new (require('inspector').Session)(); s.connect(); s.disconnect(); return 'connected'; })()",
  'inspector.open': "(() => { const i = require('inspector'); i.open(0); i.close(); return 'open'; })()",
  'inspector by import':
    "import('inspector').then(({ Session }) => { const s = new Session(); s.connect(); return 'connected'; })",
  'the inspector binding': "(() => { new (process.binding('inspector').Connection)(() => {}); return 'connected'; })()",
  'process._linkedBinding':
    "(() => { try { process._linkedBinding('nothing'); } catch (e) { if (e.name === 'TrendAppProtectDenied') throw e; } return 'asked'; })()",
  'process._debugProcess': "(() => { process._debugProcess(process.pid); return 'sent'; })()",
};

for (const [name, door] of Object.entries(DOORS)) {
  test(`a door: ${name}`, {skip: door.startsWith('import(') && lacks('ES modules')}, async () => {
    const plain = await run(print(door), {attach: 'plain'});
    assert.ok(plain.value.value, `the row does not work without us: ${plain.about()}`);
    const denied = await run(print(door), {policy: deny});
    assert.equal(denied.value.name, 'TrendAppProtectDenied', denied.about());
    assert.equal(count(denied.events), 1, denied.about());
    assert.equal(denied.events[0].policy, 'native_code');
    const observed = await run(print(door), {policy: observe});
    assert.equal(observed.value.value, plain.value.value, observed.about());
    assert.equal(count(observed.events), 1, observed.about());
  });
}

test('SIGUSR1 does not open the inspector under native_code: deny', async () => {
  const program = `process.kill(process.pid, 'SIGUSR1'); setTimeout(() => { console.log(JSON.stringify(require('inspector').url() || null)); process.exit(); }, 300)`;
  assert.match((await run(program, {attach: 'plain', nodeArgs: ['--inspect-port=0']})).value, /^ws:/);
  assert.equal((await run(program, {policy: deny, nodeArgs: ['--inspect-port=0']})).value, null);
});

test("the program's end is not held up by our signal listener", async () => {
  assert.equal((await run("console.log('1')", {policy: deny})).status, 0);
});

test('process.execve', {skip: lacks('process.execve')}, async () => {
  const home = folder();
  const marker = path.join(home, 'marker');
  const program = `try { process.execve('/usr/bin/touch', ['touch', ${JSON.stringify(marker)}], {}); } catch (e) { console.log(JSON.stringify([e.name, e.code])); }`;
  const denied = await run(program, {
    policy: {schema: 1, name: 'p', child_processes: 'deny'},
    nodeArgs: ['--no-warnings'],
  });
  assert.deepEqual(denied.value, ['TrendAppProtectDenied', 'EPERM'], denied.about());
  assert.ok(!fs.existsSync(marker));
  assert.equal(count(denied.events), 1);
  const granted = await run(program, {
    policy: {schema: 1, name: 'p', child_processes: {action: 'deny', rules: [{command: 'touch', action: 'grant'}]}},
    nodeArgs: ['--no-warnings'],
  });
  assert.equal(granted.status, 0, granted.about());
  assert.ok(fs.existsSync(marker), granted.about());
});

test('v8.setFlagsFromString', async (t) => {
  const forms = {
    module: `require('v8').setFlagsFromString('--no-opt')`,
    import: `import('v8').then((v8) => v8.setFlagsFromString('--no-opt'))`,
    binding: `process.binding('v8').setFlagsFromString('--no-opt')`,
  };
  for (const [name, form] of Object.entries(forms)) {
    if (name === 'binding' && major >= 24) continue; // not there any more
    await t.test(name, {skip: name === 'import' && lacks('ES modules')}, async () => {
      const program = print(`(async () => { await ${form}; return 'done'; })()`);
      assert.equal((await run(program, {attach: 'plain'})).value.value, 'done');
      const granted = await run(program, {policy: {...deny, native_code: 'grant'}});
      assert.equal(granted.value.value, 'done', granted.about());
      const observed = await run(program, {policy: observe});
      assert.equal(observed.value.value, 'done', observed.about());
      assert.equal(count(observed.events), 1, observed.about());
      const denied = await run(program, {policy: deny});
      assert.equal(denied.value.name, 'TrendAppProtectDenied', denied.about());
      assert.equal(count(denied.events), 1, denied.about());
    });
  }
});
