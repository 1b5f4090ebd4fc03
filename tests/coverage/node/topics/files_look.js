// SPDX-License-Identifier: Apache-2.0
//
// Ways in which Node learns what is in a folder, and of what kind it is.
'use strict';

const fs = require('fs');
const path = require('path');
const {binding, callback, childSays, inWorker, url} = require('./tools');

const sub = (p) => `${p.dir}/sub`;
const older = () => (parseInt(process.versions.node, 10) < 20 ? [undefined, {}] : []);
const O_PATH = 0o10000000;

/** Which of twenty names are there: what a guess cannot give. */
const bits = (p, tell) =>
  Array.from({length: 20}, (_, number) => (tell(`${p.dir}/maybe/${number}`) ? '1' : '0')).join('');
const bitsLater = async (p, tell) => {
  let found = '';
  for (let number = 0; number < 20; number++) found += (await tell(`${p.dir}/maybe/${number}`)) ? '1' : '0';
  return found;
};
const works = (work) => (name) => {
  try {
    work(name);
    return true;
  } catch {
    return false;
  }
};
const worksLater = (work) => async (name) => {
  try {
    await work(name);
    return true;
  } catch {
    return false;
  }
};
const seconds = (stat) => Math.round(Number(stat.mtimeMs) / 1000);
const many = (run, kind = 'stat') => ({kind, several: true, run});
const open = (run) => ({
  ...many(run),
  open: 'chdir reads nothing and is not guarded; its error tells which names exist',
});
const one = (run) => ({kind: 'stat', run});

module.exports = {
  title: 'Listing and asking',
  kind: 'list',
  groups: {
    'listing: fs': {
      readdirSync: (p) => fs.readdirSync(sub(p)),
      'readdirSync, Buffer': (p) => fs.readdirSync(Buffer.from(sub(p))),
      'readdirSync, Uint8Array': (p) => fs.readdirSync(new Uint8Array(Buffer.from(sub(p)))),
      'readdirSync, URL': (p) => fs.readdirSync(url(sub(p))),
      'readdirSync, withFileTypes': (p) => fs.readdirSync(sub(p), {withFileTypes: true}).map((e) => e.name),
      'readdirSync, recursive': (p) => fs.readdirSync(sub(p), {recursive: true}),
      'readdirSync, recursive above': many(
        (p) => fs.readdirSync(path.dirname(p.dir), {recursive: true}).filter((x) => x.includes('inner')),
        'list',
      ),
      'readdirSync, encoding': (p) => fs.readdirSync(sub(p), 'latin1'),
      'readdirSync, relative': (p) => (process.chdir(sub(p)), fs.readdirSync('.')),
      'readdirSync, link': (p) => (fs.symlinkSync(sub(p), `${p.out}/l`), fs.readdirSync(`${p.out}/l`)),
      'readdirSync, /proc/self/root': (p) => fs.readdirSync(`/proc/self/root${sub(p)}`),
      'readdirSync, /proc/self/fd': (p) => fs.readdirSync(`/proc/self/fd/${fs.openSync(sub(p), O_PATH)}`),
      readdir: (p) => callback((done) => fs.readdir(sub(p), done)),
      'readdir, recursive': (p) => callback((done) => fs.readdir(sub(p), {recursive: true}, done)),
      'promises.readdir': (p) => fs.promises.readdir(sub(p)),
      'promises.readdir, withFileTypes': async (p) =>
        (await fs.promises.readdir(sub(p), {withFileTypes: true})).map((e) => e.name),
      opendirSync: (p) => fs.opendirSync(sub(p)).readSync().name,
      'opendirSync, recursive': (p) => fs.opendirSync(sub(p), {recursive: true}).readSync().name,
      opendir: async (p) => (await (await callback((done) => fs.opendir(sub(p), done))).read()).name,
      'promises.opendir': async (p) => {
        for await (const entry of await fs.promises.opendir(sub(p))) return entry.name;
      },
      'new Dir over opendirSync': (p) => {
        const folder = fs.opendirSync(sub(p));
        return fs.Dir.prototype.readSync.call(folder).name;
      },
      globSync: many((p) => fs.globSync(`${sub(p)}/*`), 'list'),
      'globSync, cwd': many((p) => fs.globSync('*', {cwd: sub(p)}), 'list'),
      glob: many((p) => callback((done) => fs.glob(`${sub(p)}/inner*`, done)), 'list'),
      'promises.glob': many(async (p) => {
        for await (const name of fs.promises.glob(`${sub(p)}/*`)) return name;
      }, 'list'),
      'cpSync of the folder': many(
        (p) => (fs.cpSync(sub(p), `${p.out}/tree`, {recursive: true}), fs.readdirSync(`${p.out}/tree`)),
        'list',
      ),
      'fs.watch': {stirred: true, run: (p) => watched(p, sub(p)), source: 'names without a listing'},
      'fs.watch, recursive': {stirred: true, several: true, run: (p) => watched(p, sub(p), {recursive: true})},
      'promises.watch': {stirred: true, run: (p) => watchedLater(p)},
      "process.binding('fs').readdir": (p) => binding('fs').readdir(sub(p), 'utf8', false, ...older()),
    },
    'listing: other modules, children': {
      worker_threads: (p) => inWorker("return require('fs').readdirSync(p.dir + '/sub')", p),
      'module.findPackageJSON-free require.resolve': {
        kind: 'stat',
        several: true,
        run: (p) =>
          bits(
            p,
            works((n) => require.resolve(n)),
          ),
      },
      'child: ls': {several: true, run: (p) => childSays('ls', [sub(p)])},
      'child: find': {several: true, run: (p) => childSays('find', [sub(p)])},
      'child: shell pattern': (p) => childSays('sh', ['-c', `echo ${sub(p)}/*`]),
      'child: node': (p) => childSays(process.execPath, ['-p', `require('fs').readdirSync(${JSON.stringify(sub(p))})`]),
    },
    'asking: fs': {
      statSync: one((p) => seconds(fs.statSync(p.secret))),
      'statSync, Buffer': one((p) => seconds(fs.statSync(Buffer.from(p.secret)))),
      'statSync, bigint': one((p) => seconds(fs.statSync(p.secret, {bigint: true}))),
      'statSync, throwIfNoEntry': one((p) => seconds(fs.statSync(p.secret, {throwIfNoEntry: false}))),
      'statSync, link': one((p) => (fs.symlinkSync(p.secret, `${p.out}/l`), seconds(fs.statSync(`${p.out}/l`)))),
      lstatSync: one((p) => seconds(fs.lstatSync(p.secret))),
      'fstatSync of O_PATH': one((p) => seconds(fs.fstatSync(fs.openSync(p.secret, O_PATH)))),
      'statSync of /proc/self/fd': one((p) => seconds(fs.statSync(`/proc/self/fd/${fs.openSync(p.secret, O_PATH)}`))),
      stat: one(async (p) => seconds(await callback((done) => fs.stat(p.secret, done)))),
      lstat: one(async (p) => seconds(await callback((done) => fs.lstat(p.secret, done)))),
      'promises.stat': one(async (p) => seconds(await fs.promises.stat(p.secret))),
      'promises.lstat': one(async (p) => seconds(await fs.promises.lstat(p.secret))),
      'FileHandle.stat': one(async (p) => seconds(await (await fs.promises.open(p.secret)).stat())),
      existsSync: many((p) => bits(p, fs.existsSync)),
      'existsSync, Buffer': many((p) => bits(p, (n) => fs.existsSync(Buffer.from(n)))),
      exists: many((p) => bitsLater(p, (n) => new Promise((y) => fs.exists(n, y)))),
      accessSync: many((p) => bits(p, works(fs.accessSync))),
      access: many((p) =>
        bitsLater(
          p,
          worksLater((n) => callback((done) => fs.access(n, done))),
        ),
      ),
      'promises.access': many((p) => bitsLater(p, worksLater(fs.promises.access))),
      statfsSync: many((p) => bits(p, works(fs.statfsSync))),
      'promises.statfs': many((p) => bitsLater(p, worksLater(fs.promises.statfs))),
      realpathSync: {several: true, run: (p) => fs.realpathSync(`${p.dir}/link`)},
      'realpathSync.native': {several: true, run: (p) => fs.realpathSync.native(`${p.dir}/link`)},
      realpath: {several: true, run: (p) => callback((done) => fs.realpath(`${p.dir}/link`, done))},
      'promises.realpath': {several: true, run: (p) => fs.promises.realpath(`${p.dir}/link`)},
      readlinkSync: (p) => fs.readlinkSync(`${p.dir}/link`),
      readlink: (p) => callback((done) => fs.readlink(`${p.dir}/link`, done)),
      'promises.readlink': (p) => fs.promises.readlink(`${p.dir}/link`),
      'readlinkSync of files': many((p) =>
        bits(p, (n) => {
          try {
            fs.readlinkSync(n);
          } catch (error) {
            return error.code === 'EINVAL';
          }
          return true;
        }),
      ),
      'openSync, error number': many((p) =>
        bits(
          p,
          works((n) => fs.closeSync(fs.openSync(n, O_PATH))),
        ),
      ),
      'process.chdir': open((p) =>
        bits(p, (n) => {
          try {
            process.chdir(n);
          } catch (error) {
            return error.code === 'ENOTDIR';
          }
          return true;
        }),
      ),
      watchFile: {...many((p) => watchFile(p)), several: 'polls', stirred: true},
      'fs.watch of a name': many((p) =>
        bits(
          p,
          works((n) => fs.watch(n).close()),
        ),
      ),
      "process.binding('fs').internalModuleStat": many((p) =>
        bits(p, (n) => {
          try {
            return binding('fs').internalModuleStat(n) >= 0;
          } catch {
            return binding('fs').internalModuleStat(binding('fs'), n) >= 0;
          }
        }),
      ),
      'require.resolve': many((p) => bits(p, works(require.resolve))),
      'import.meta.resolve-like import()': many((p) =>
        bitsLater(p, async (n) => {
          try {
            await import(n);
            return true;
          } catch (error) {
            return error.code !== 'ERR_MODULE_NOT_FOUND' && error.code !== 'EPERM';
          }
        }),
      ),
      'child_process cwd': open((p) =>
        bits(p, (n) => {
          const {error} = require('child_process').spawnSync('true', {cwd: n});
          return error && error.code === 'ENOTDIR';
        }),
      ),
      'worker_threads: statSync': one((p) =>
        inWorker("return Math.round(require('fs').statSync(p.secret).mtimeMs / 1000)", p),
      ),
      'child: stat': one((p) => childSays('stat', ['-c', '%Y', p.secret])),
      'child: test -e': many((p) => bits(p, (n) => require('child_process').spawnSync('test', ['-e', n]).status === 0)),
    },
  },
};

function watched(p, name, options = {}) {
  return new Promise((resolve, reject) => {
    const watcher = fs.watch(name, options, (_, file) => {
      watcher.close();
      resolve(file);
    });
    watcher.on('error', reject);
    setTimeout(() => (watcher.close(), resolve('nothing')), 1500);
  });
}

async function watchedLater(p) {
  const given = new AbortController();
  setTimeout(() => given.abort(), 1500);
  for await (const {filename} of fs.promises.watch(sub(p), {signal: given.signal})) return filename;
}

// The runner changes the file's mode: what is told is its time.
function watchFile(p) {
  return new Promise((resolve) => {
    fs.watchFile(p.secret, {interval: 20}, (now) => {
      fs.unwatchFile(p.secret);
      resolve(`${seconds(now)}`);
    });
    setTimeout(() => {
      fs.unwatchFile(p.secret);
      resolve('nothing');
    }, 600);
  });
}
