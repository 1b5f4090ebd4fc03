// SPDX-License-Identifier: Apache-2.0
//
// One row per way to a file. Each works in a folder of its own, place.folder/<name>, where `file` holds "data" and `sub` is a
// folder; what is to be made is `new`. `events` (files.test.js) says how many operations a row is.
'use strict';

const path = require('path');

const at = (place, name) => path.join(place.folder, place.name.replace(/\W/g, '_'), name);
const callback = (start) =>
  new Promise((resolve, reject) => start((error, value) => (error ? reject(error) : resolve(value))));
const text = (value) => (Buffer.isBuffer(value) ? value.toString() : value);
const stream = (s) =>
  new Promise((resolve, reject) => {
    let all = '';
    s.on('error', reject)
      .on('data', (d) => {
        all += d;
      })
      .on('close', () => resolve(all));
  });
const written = (s) => new Promise((resolve, reject) => s.on('error', reject).on('close', resolve).end('more'));

module.exports = {
  'readFile callback': ({fs}, p) => callback((done) => fs.readFile(at(p, 'file'), 'utf8', done)),
  'readFileSync utf8': ({fs}, p) => fs.readFileSync(at(p, 'file'), 'utf8'),
  'readFileSync Buffer path': ({fs}, p) => text(fs.readFileSync(Buffer.from(at(p, 'file')))),
  'readFileSync URL': ({fs}, p) => text(fs.readFileSync(new URL(`file://${at(p, 'file')}`))),
  'promises.readFile': async ({fs}, p) => text(await fs.promises.readFile(at(p, 'file'))),
  'fs/promises readFile': (api, p) => api['fs/promises'].readFile(at(p, 'file'), 'utf8'),
  'openSync read': ({fs}, p) => {
    const fd = fs.openSync(at(p, 'file'));
    fs.closeSync(fd);
    return 'open';
  },
  'open r+ callback': async ({fs}, p) => {
    const fd = await callback((done) => fs.open(at(p, 'file'), 'r+', done));
    fs.closeSync(fd);
    return 'open';
  },
  FileHandle: async ({fs}, p) => {
    const handle = await fs.promises.open(at(p, 'file'), 'r+');
    await handle.write('more', 0);
    const stat = await handle.stat();
    await handle.close();
    return stat.size;
  },
  createReadStream: ({fs}, p) => stream(fs.createReadStream(at(p, 'file'), 'utf8')),
  createWriteStream: async ({fs}, p) => {
    await written(fs.createWriteStream(at(p, 'new')));
    return 'written';
  },
  'writeFileSync string': ({fs}, p) => fs.writeFileSync(at(p, 'new'), 'more'),
  'writeFileSync Buffer': ({fs}, p) => fs.writeFileSync(at(p, 'new'), Buffer.from('more')),
  'writeFile callback': ({fs}, p) => callback((done) => fs.writeFile(at(p, 'new'), 'more', done)),
  'promises.writeFile': ({fs}, p) => fs.promises.writeFile(at(p, 'new'), 'more'),
  appendFileSync: ({fs}, p) => fs.appendFileSync(at(p, 'file'), 'more'),
  truncateSync: ({fs}, p) => fs.truncateSync(at(p, 'file'), 1),
  statSync: ({fs}, p) => fs.statSync(at(p, 'file')).size,
  'statSync without error': ({fs}, p) => fs.statSync(at(p, 'file'), {throwIfNoEntry: false}).size,
  'stat callback': async ({fs}, p) => (await callback((done) => fs.stat(at(p, 'file'), done))).size,
  'promises.lstat': async ({fs}, p) => (await fs.promises.lstat(at(p, 'file'))).size,
  accessSync: ({fs}, p) => fs.accessSync(at(p, 'file')),
  'access callback': ({fs}, p) => callback((done) => fs.access(at(p, 'file'), done)),
  readdirSync: ({fs}, p) => fs.readdirSync(at(p, 'sub')),
  'readdir callback': ({fs}, p) => callback((done) => fs.readdir(at(p, 'sub'), done)),
  'promises.readdir': ({fs}, p) =>
    fs.promises.readdir(at(p, 'sub'), {withFileTypes: true}).then((all) => all.map((e) => e.name)),
  opendirSync: ({fs}, p) => {
    const d = fs.opendirSync(at(p, 'sub'));
    const first = d.readSync();
    d.closeSync();
    return first.name;
  },
  'opendir callback': async ({fs}, p) => {
    const d = await callback((done) => fs.opendir(at(p, 'sub'), done));
    d.closeSync();
    return 'open';
  },
  'promises.opendir': async ({fs}, p) => {
    const d = await fs.promises.opendir(at(p, 'sub'));
    await d.close();
    return 'open';
  },
  mkdirSync: ({fs}, p) => fs.mkdirSync(at(p, 'new')),
  'promises.mkdir': ({fs}, p) => fs.promises.mkdir(at(p, 'new')),
  mkdtempSync: ({fs}, p) => fs.mkdtempSync(at(p, 'new')).length,
  renameSync: ({fs}, p) => fs.renameSync(at(p, 'file'), at(p, 'new')),
  'rename callback': ({fs}, p) => callback((done) => fs.rename(at(p, 'file'), at(p, 'new'), done)),
  'promises.rename': ({fs}, p) => fs.promises.rename(at(p, 'file'), at(p, 'new')),
  linkSync: ({fs}, p) => fs.linkSync(at(p, 'file'), at(p, 'new')),
  symlinkSync: ({fs}, p) => fs.symlinkSync('/etc/hostname', at(p, 'new')),
  'promises.symlink': ({fs}, p) => fs.promises.symlink('/etc/hostname', at(p, 'new')),
  readlinkSync: ({fs}, p) => fs.readlinkSync(at(p, 'symlink')),
  'realpathSync.native': ({fs}, p) => path.basename(fs.realpathSync.native(at(p, 'file'))),
  unlinkSync: ({fs}, p) => fs.unlinkSync(at(p, 'file')),
  'unlink callback': ({fs}, p) => callback((done) => fs.unlink(at(p, 'file'), done)),
  'promises.unlink': ({fs}, p) => fs.promises.unlink(at(p, 'file')),
  rmdirSync: ({fs}, p) => fs.rmdirSync(at(p, 'empty')),
  copyFileSync: ({fs}, p) => fs.copyFileSync(at(p, 'file'), at(p, 'new')),
  'promises.copyFile': ({fs}, p) => fs.promises.copyFile(at(p, 'file'), at(p, 'new')),
  chmodSync: ({fs}, p) => fs.chmodSync(at(p, 'file'), 0o600),
  'promises.chmod': ({fs}, p) => fs.promises.chmod(at(p, 'file'), 0o600),
  utimesSync: ({fs}, p) => fs.utimesSync(at(p, 'file'), 1, 1),
  lchownSync: ({fs}, p) => fs.lchownSync(at(p, 'file'), process.getuid(), process.getgid()),
  'process.binding open': (api, p) => {
    const context = parseInt(process.versions.node, 10) < 20 ? [undefined, {}] : [];
    const fd = process.binding('fs').open(at(p, 'file'), 0, 0o666, ...context);
    if (context.length && context[1].errno !== undefined)
      throw Object.assign(new Error(context[1].message), context[1], {
        message: `EPERM: ${context[1].message}, open '${at(p, 'file')}'`,
        path: at(p, 'file'),
      });
    require('fs').closeSync(fd);
    return 'open';
  },
};
