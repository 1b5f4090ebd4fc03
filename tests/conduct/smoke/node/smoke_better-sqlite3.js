// SPDX-License-Identifier: Apache-2.0
'use strict';

const fs = require('fs');
const os = require('os');
const path = require('path');
const Database = require('better-sqlite3');

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'smoke-'));
const nativeBinding = path.join(__dirname, `better_sqlite3-${process.versions.node.split('.')[0]}.node`);
const base = new Database(path.join(folder, 'x.db'), {nativeBinding});
base.pragma('journal_mode = WAL');
base.exec('create table t (a integer primary key, b text)');
const insert = base.prepare('insert into t (b) values (?)');
base.transaction(() => {
  for (let i = 0; i < 1000; ++i) insert.run('row ' + i);
})();
base.function('twice', (x) => x * 2);
console.log(base.prepare('select count(*) n, twice(max(a)) m from t').get());
base.backup(path.join(folder, 'y.db')).then(() => {
  console.log(
    new Database(path.join(folder, 'y.db'), {nativeBinding}).prepare('select b from t where a = 7').get(),
    fs.readdirSync(folder).length,
  );
  base.close();
  fs.rmSync(folder, {recursive: true});
});
