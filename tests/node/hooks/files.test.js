// SPDX-License-Identifier: Apache-2.0
//
// Every row of files.table.js: works as without us where it is granted and where it is observed, is refused with an ordinary
// error and without effect where it is denied; and is counted once.
'use strict';

const test = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const {folder, count, lacks} = require('../protected');
const {runRows, formLacks} = require('../rows');

const table = path.join(__dirname, 'files.table.js');
const names = Object.keys(require('./files.table.js'));
const folderOf = (name) => name.replace(/\W/g, '_');

// What a row needs that not every Node has.
const NEEDS = {
  'fs/promises readFile': 'fs/promises',
  opendirSync: 'fs.opendir',
  'opendir callback': 'fs.opendir',
  'promises.opendir': 'fs.opendir',
};

// Operations of a row, where that is not one.
const EVENTS = {copyFileSync: 2, 'promises.copyFile': 2};

function prepare() {
  const home = folder();
  for (const name of names) {
    const own = path.join(home, folderOf(name));
    fs.mkdirSync(path.join(own, 'sub'), {recursive: true});
    fs.mkdirSync(path.join(own, 'empty'));
    fs.writeFileSync(path.join(own, 'file'), 'data');
    fs.writeFileSync(path.join(own, 'sub', 'inner'), '');
    fs.symlinkSync('/etc/hostname', path.join(own, 'symlink'));
  }
  return home;
}

// What is on the disk: names, kinds, modes, contents; made-up names and times of new files left out.
function picture(home) {
  const found = {};
  for (const entry of fs.readdirSync(home, {recursive: true}).sort()) {
    const stat = fs.lstatSync(path.join(home, entry));
    const old = stat.mtimeMs === 1000 ? ' old' : '';
    const content = stat.isFile() ? fs.readFileSync(path.join(home, entry), 'utf8') : stat.isDirectory() ? '/' : '@';
    found[entry.replace(/^(mkdtempSync\/new).*/, '$1')] = `${content} ${(stat.mode & 0o777).toString(8)}${old}`;
  }
  return found;
}

function policy(home, action) {
  return {
    schema: 1,
    name: 'files',
    files: {rules: [{path: `${home}/**`, read: action, write: action}]},
    native_code: 'grant',
  };
}

for (const form of ['cjs', 'esm', 'worker']) {
  test(`files, ${form}`, {skip: formLacks(form)}, async (t) => {
    const homes = {plain: prepare(), granted: prepare(), observe: prepare(), deny: prepare()};
    const before = picture(homes.deny);
    const plain = await runRows(table, {folder: homes.plain}, form, {attach: 'plain'});
    const granted = await runRows(table, {folder: homes.granted}, form, {policy: policy('/nowhere', 'deny')});
    const observe = await runRows(table, {folder: homes.observe}, form, {policy: policy(homes.observe, 'observe')});
    const deny = await runRows(table, {folder: homes.deny}, form, {policy: policy(homes.deny, 'deny')});
    const clean = (outcome, home) => JSON.parse(JSON.stringify(outcome).replaceAll(home, '/home'));

    for (const name of names) {
      await t.test(name, {skip: NEEDS[name] !== undefined && lacks(NEEDS[name])}, () => {
        assert.equal(
          plain.outcomes[name].error,
          undefined,
          `the row does not work without us: ${JSON.stringify(plain.outcomes[name])}`,
        );
        assert.deepEqual(clean(granted.outcomes[name], homes.granted), clean(plain.outcomes[name], homes.plain));
        assert.deepEqual(clean(observe.outcomes[name], homes.observe), clean(plain.outcomes[name], homes.plain));

        const {error} = deny.outcomes[name];
        assert.ok(error, `not refused: ${JSON.stringify(deny.outcomes[name])}`);
        assert.equal(error.name, 'TrendAppProtectDenied');
        assert.equal(error.code, 'EPERM');
        assert.equal(error.errno, -1);
        assert.ok(error.isError);
        assert.match(error.message, /^EPERM: .*\(files\.rules\[0\]\), \w+ '/);
        // a symlink's error carries the target text as path and the new name as dest, as Node's own do
        const named = name.includes('symlink') ? error.dest : error.path;
        assert.ok(named.startsWith(path.join(homes.deny, folderOf(name))), named);

        const own = (run, home) =>
          run.result.events.filter((event) => `${event.info.path}/`.startsWith(`${path.join(home, folderOf(name))}/`));
        assert.equal(count(own(deny, homes.deny)), 1, JSON.stringify(own(deny, homes.deny), null, 1));
        assert.ok(own(deny, homes.deny).every((event) => event.action === 'deny' && event.rule === 'files.rules[0]'));
        assert.equal(
          count(own(observe, homes.observe)),
          EVENTS[name] || 1,
          JSON.stringify(own(observe, homes.observe), null, 1),
        );
        assert.ok(own(observe, homes.observe).every((event) => event.action === 'observe'));
      });
    }
    await t.test('granted operations are silent', () => assert.deepEqual(granted.result.events, []));
    await t.test('effects', () => {
      assert.deepEqual(picture(homes.deny), before);
      assert.notDeepEqual(picture(homes.plain), before);
      assert.deepEqual(picture(homes.granted), picture(homes.plain));
      assert.deepEqual(picture(homes.observe), picture(homes.plain));
    });
  });
}

test('existsSync says no where it must not look', async () => {
  const home = prepare();
  const {run} = require('../protected');
  const program = `console.log(JSON.stringify(require('fs').existsSync(${JSON.stringify(path.join(home, 'statSync/file'))})))`;
  assert.equal((await run(program, {attach: 'plain'})).value, true);
  const denied = await run(program, {policy: policy(home, 'deny')});
  assert.equal(denied.value, false);
  assert.equal(count(denied.events), 1);
  const observed = await run(program, {policy: policy(home, 'observe')});
  assert.equal(observed.value, true);
  assert.equal(count(observed.events), 1);
});
