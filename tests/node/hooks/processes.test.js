// SPDX-License-Identifier: Apache-2.0
//
// Every row of processes.table.js under plain, grant, observe and deny; and what a granted child does itself.
'use strict';

const test = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const {run, folder, count, errno} = require('../protected');
const {runRows, formLacks} = require('../rows');

const table = path.join(__dirname, 'processes.table.js');
const all = Object.keys(require('./processes.table.js'));
const markerOf = (name) => name.replace(/\W/g, '_');

function prepare() {
  const home = folder();
  fs.writeFileSync(
    path.join(home, 'touch.js'),
    "require('fs').writeFileSync(process.argv[2], ''); if (process.connected) process.disconnect();",
  );
  return home;
}

const commands = (child_processes) => ({schema: 1, name: 'children', child_processes});

for (const form of ['cjs', 'esm', 'worker']) {
  test(`processes, ${form}`, {skip: formLacks(form)}, async (t) => {
    const names = form === 'worker' ? all.filter((name) => name !== 'cluster') : all; // no cluster in a worker
    const homes = {plain: prepare(), granted: prepare(), observe: prepare(), deny: prepare()};
    const start = (mode, options) =>
      runRows(table, {folder: homes[mode], leave: form === 'worker' ? ['cluster'] : []}, form, options);
    const plain = await start('plain', {attach: 'plain'});
    const granted = await start('granted', {
      policy: commands({action: 'deny', rules: [{command: '.', action: 'grant'}]}),
    });
    const observe = await start('observe', {policy: commands({action: 'observe'})});
    const deny = await start('deny', {policy: commands({action: 'deny'})});
    const clean = (outcome, home) => JSON.parse(JSON.stringify(outcome).replaceAll(home, '/home'));
    const exists = (mode, name) => fs.existsSync(path.join(homes[mode], markerOf(name)));

    for (const name of names) {
      await t.test(name, () => {
        assert.equal(plain.outcomes[name].error, undefined, JSON.stringify(plain.outcomes[name]));
        assert.ok(exists('plain', name), 'the row leaves no marker without us');
        assert.deepEqual(
          clean(granted.outcomes[name], homes.granted),
          clean(plain.outcomes[name], homes.plain),
          granted.result.about(),
        );
        assert.ok(exists('granted', name));
        assert.deepEqual(
          clean(observe.outcomes[name], homes.observe),
          clean(plain.outcomes[name], homes.plain),
          observe.result.about(),
        );
        assert.ok(exists('observe', name));

        const {error} = deny.outcomes[name];
        assert.ok(error, `not refused: ${JSON.stringify(deny.outcomes[name])}`);
        assert.ok(!exists('deny', name), 'the child ran');
        assert.equal(error.name, 'TrendAppProtectDenied');
        assert.equal(error.code, 'EPERM');
        assert.equal(errno(error), -1);
        assert.match(error.syscall, /^spawn/);
        assert.ok(Array.isArray(error.spawnargs));

        const exact = (run, home) =>
          run.result.events.filter((event) =>
            new RegExp(`${path.join(home, markerOf(name))}(?!\\w)`).test(event.info.command),
          );
        assert.equal(count(exact(deny, homes.deny)), 1, deny.result.about());
        assert.equal(count(exact(observe, homes.observe)), 1, JSON.stringify(exact(observe, homes.observe), null, 1));
      });
    }
    await t.test('granted children are silent', () => assert.deepEqual(granted.result.events, []));
  });
}

test('a granted child does not do what its parent may not', async (t) => {
  const home = folder();
  const secret = path.join(home, 'secret');
  fs.writeFileSync(secret, 'secret');
  const policy = {
    schema: 1,
    name: 'inherited',
    files: {rules: [{path: secret, read: 'deny', write: 'deny'}]},
    child_processes: 'grant',
  };
  const rows = {
    cat: `require('child_process').execFileSync('cat', [${JSON.stringify(secret)}], { encoding: 'utf8' })`,
    'a shell': `require('child_process').execSync('read line < ${secret}; echo $line', { encoding: 'utf8', stdio: 'pipe' })`,
    node: `require('child_process').execFileSync(process.execPath, ['-e', "process.stdout.write(require('fs').readFileSync('${secret}'))"], { encoding: 'utf8', stdio: 'pipe' })`,
    'a child without environment': `require('child_process').execFileSync('/bin/cat', [${JSON.stringify(secret)}], { encoding: 'utf8', env: {}, stdio: 'pipe' })`,
    'a grandchild': `require('child_process').execSync('sh -c "cat ${secret}"', { encoding: 'utf8', stdio: 'pipe' })`,
  };
  for (const [name, row] of Object.entries(rows)) {
    await t.test(name, async () => {
      const program = `let text = ''; try { text = ${row}; } catch (e) { text = String(e.stdout || ''); } console.log(JSON.stringify(text.trim()));`;
      assert.equal((await run(program, {attach: 'plain'})).value, 'secret');
      const result = await run(program, {policy});
      assert.equal(result.value, '', result.about());
      assert.equal(count(result.events), 1, result.about());
      assert.equal(result.events[0].line, 2);
    });
  }
});

test('options are read once: a getter cannot show another program', async () => {
  const home = folder();
  const program = `
    const { ChildProcess } = require('child_process');
    let reads = 0;
    const child = new ChildProcess();
    const options = { args: ['touch', ${JSON.stringify(path.join(home, 'marker'))}], envPairs: [], stdio: 'ignore',
      get file() { return ++reads <= 2 ? '/bin/true' : '/usr/bin/touch'; } };
    try { child.spawn(options); } catch (e) { }
    child.on('error', () => {});
    setTimeout(() => console.log(JSON.stringify(require('fs').existsSync(${JSON.stringify(path.join(home, 'marker'))}))), 300);`;
  const policy = {
    schema: 1,
    name: 'p',
    child_processes: {
      action: 'deny',
      rules: [
        {command: '^/bin/true', action: 'grant'},
        {command: '^/usr/bin/true', action: 'grant'},
      ],
    },
  };
  const result = await run(program, {policy});
  assert.equal(result.value, false, result.about());
});
