// SPDX-License-Identifier: Apache-2.0
//
// Ways in which Node changes files: content, names, modes, times, owners.
'use strict';

const fs = require('fs');
const v8 = require('v8');
const {binding, callback, childSays, event, inWorker, url} = require('./tools');

const made = (p) => `${p.dir}/new`;
const older = () => (parseInt(process.versions.node, 10) < 20 ? [undefined, {}] : []);
const given = (p) => (fs.writeFileSync(`${p.out}/given`, 'given'), `${p.out}/given`);
const reading = (p) => fs.openSync(p.secret, 'r');
const O_PATH = 0o10000000;
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const finished = (stream) => event(stream.end('x'), 'finish');
const worker = (p, execArgv) =>
  inWorker('return 1', p, {execArgv})
    .catch((e) => e)
    .then(() => sleep(50));

module.exports = {
  title: 'Changing files',
  kind: 'write',
  groups: {
    'content, synchronous': {
      writeFileSync: (p) => fs.writeFileSync(made(p), 'x'),
      'writeFileSync, over': (p) => fs.writeFileSync(p.secret, 'x'),
      'writeFileSync, Buffer content': (p) => fs.writeFileSync(made(p), Buffer.from('x')),
      'writeFileSync, Buffer path': (p) => fs.writeFileSync(Buffer.from(made(p)), 'x'),
      'writeFileSync, Uint8Array path': (p) => fs.writeFileSync(new Uint8Array(Buffer.from(made(p))), 'x'),
      'writeFileSync, URL': (p) => fs.writeFileSync(url(made(p)), 'x'),
      'writeFileSync, flag a': (p) => fs.writeFileSync(p.secret, 'x', {flag: 'a'}),
      'writeFileSync, flag r+': (p) => fs.writeFileSync(p.secret, 'x', {flag: 'r+'}),
      'writeFileSync, flag wx': (p) => fs.writeFileSync(made(p), 'x', {flag: 'wx'}),
      'writeFileSync, flush': (p) => fs.writeFileSync(made(p), 'x', {flush: true}),
      'writeFileSync, relative': (p) => (process.chdir(p.dir), fs.writeFileSync('new', 'x')),
      'writeFileSync, symbolic link': (p) => (
        fs.symlinkSync(p.secret, `${p.out}/l`), fs.writeFileSync(`${p.out}/l`, 'x')
      ),
      'writeFileSync, dangling link': (p) => (
        fs.symlinkSync(made(p), `${p.out}/l`), fs.writeFileSync(`${p.out}/l`, 'x')
      ),
      'writeFileSync, link to the folder': (p) => (
        fs.symlinkSync(p.dir, `${p.out}/l`), fs.writeFileSync(`${p.out}/l/new`, 'x')
      ),
      'writeFileSync, /proc/self/root': (p) => fs.writeFileSync(`/proc/self/root${made(p)}`, 'x'),
      'writeFileSync, /proc/self/fd of a read descriptor': (p) => fs.writeFileSync(`/proc/self/fd/${reading(p)}`, 'x'),
      'writeFileSync, /dev/fd of O_PATH': (p) => fs.writeFileSync(`/dev/fd/${fs.openSync(p.secret, O_PATH)}`, 'x'),
      appendFileSync: (p) => fs.appendFileSync(p.secret, 'x'),
      'openSync w': (p) => fs.openSync(made(p), 'w'),
      'openSync r+ and writeSync': (p) => fs.writeSync(fs.openSync(p.secret, 'r+'), 'x'),
      'openSync r+ and writevSync': (p) => fs.writevSync(fs.openSync(p.secret, 'r+'), [Buffer.from('x')]),
      'openSync O_CREAT alone': (p) => fs.openSync(made(p), fs.constants.O_CREAT),
      'openSync O_TRUNC alone': (p) => fs.openSync(p.secret, fs.constants.O_TRUNC),
      'openSync access mode 3': (p) => fs.ftruncateSync(fs.openSync(p.secret, 3), 0),
      'openSync O_TMPFILE and linkSync': (p) => {
        const fd = fs.openSync(p.out, fs.constants.O_RDWR | 0o20200000);
        fs.linkSync(`/proc/self/fd/${fd}`, made(p));
      },
      truncateSync: (p) => fs.truncateSync(p.secret, 0),
      'ftruncateSync of r+': (p) => fs.ftruncateSync(fs.openSync(p.secret, 'r+'), 0),
      mkdtempSync: (p) => fs.mkdtempSync(made(p)),
      mkdtempDisposableSync: (p) => fs.mkdtempDisposableSync(made(p)),
      copyFileSync: (p) => fs.copyFileSync(given(p), made(p)),
      'copyFileSync, over': (p) => fs.copyFileSync(given(p), p.secret),
      cpSync: {several: true, run: (p) => fs.cpSync(given(p), made(p))},
      'cpSync, folder': {several: true, run: (p) => (given(p), fs.cpSync(p.out, made(p), {recursive: true}))},
      'cpSync, folder into its own': {
        several: true,
        run: (p) => (given(p), fs.cpSync(p.out, p.dir, {recursive: true})),
      },
    },
    'content, callbacks, promises, streams': {
      writeFile: (p) => callback((done) => fs.writeFile(made(p), 'x', done)),
      appendFile: (p) => callback((done) => fs.appendFile(p.secret, 'x', done)),
      truncate: (p) => callback((done) => fs.truncate(p.secret, 0, done)),
      open: (p) => callback((done) => fs.open(made(p), 'w', done)),
      copyFile: (p) => callback((done) => fs.copyFile(given(p), made(p), done)),
      cp: {several: true, run: (p) => callback((done) => fs.cp(given(p), made(p), done))},
      mkdtemp: (p) => callback((done) => fs.mkdtemp(made(p), done)),
      'promises.writeFile': (p) => fs.promises.writeFile(made(p), 'x'),
      'promises.writeFile, iterable': (p) => fs.promises.writeFile(made(p), ['x']),
      'promises.appendFile': (p) => fs.promises.appendFile(p.secret, 'x'),
      'promises.truncate': (p) => fs.promises.truncate(p.secret, 0),
      'promises.copyFile': (p) => fs.promises.copyFile(given(p), made(p)),
      'promises.cp': {several: true, run: (p) => fs.promises.cp(given(p), made(p))},
      'promises.mkdtemp': (p) => fs.promises.mkdtemp(made(p)),
      'promises.mkdtempDisposable': (p) => fs.promises.mkdtempDisposable(made(p)),
      'FileHandle.write': async (p) => (await fs.promises.open(p.secret, 'r+')).write('x'),
      'FileHandle.writeFile': async (p) => (await fs.promises.open(made(p), 'w')).writeFile('x'),
      'FileHandle.appendFile': async (p) => (await fs.promises.open(p.secret, 'a')).appendFile('x'),
      'FileHandle.writev': async (p) => (await fs.promises.open(p.secret, 'r+')).writev([Buffer.from('x')]),
      'FileHandle.truncate': async (p) => (await fs.promises.open(p.secret, 'r+')).truncate(0),
      'FileHandle.createWriteStream': async (p) => finished((await fs.promises.open(made(p), 'w')).createWriteStream()),
      createWriteStream: (p) => finished(fs.createWriteStream(made(p))),
      'createWriteStream, flags a': (p) => finished(fs.createWriteStream(p.secret, {flags: 'a'})),
      'new WriteStream': (p) => finished(new fs.WriteStream(made(p))),
      FileWriteStream: (p) => finished(new fs.FileWriteStream(made(p))),
      'createWriteStream, own fs functions': (p) =>
        finished(fs.createWriteStream(made(p), {fs: {open: fs.open, write: fs.write, close: fs.close}})),
      Utf8Stream: (p) => event(new fs.Utf8Stream({dest: made(p), sync: true}), 'ready'),
      'stream.pipeline': (p) =>
        require('stream').promises.pipeline(fs.createReadStream(given(p)), fs.createWriteStream(made(p))),
    },
    names: {
      mkdirSync: (p) => fs.mkdirSync(made(p)),
      'mkdirSync, recursive': (p) => fs.mkdirSync(`${made(p)}/er`, {recursive: true}),
      'mkdirSync, recursive, many': (p) => fs.mkdirSync(`${made(p)}/a/b/c/d`, {recursive: true}),
      mkdir: (p) => callback((done) => fs.mkdir(made(p), done)),
      'promises.mkdir': (p) => fs.promises.mkdir(made(p)),
      rmdirSync: (p) => fs.rmdirSync(`${p.dir}/empty`),
      rmdir: (p) => callback((done) => fs.rmdir(`${p.dir}/empty`, done)),
      'promises.rmdir': (p) => fs.promises.rmdir(`${p.dir}/empty`),
      rmSync: {several: true, run: (p) => fs.rmSync(p.secret)},
      'rmSync, recursive': {several: true, run: (p) => fs.rmSync(`${p.dir}/sub`, {recursive: true})},
      'rmSync, force': {several: true, run: (p) => fs.rmSync(p.secret, {force: true})},
      rm: {several: true, run: (p) => callback((done) => fs.rm(p.secret, done))},
      'rm, recursive': {several: true, run: (p) => callback((done) => fs.rm(`${p.dir}/sub`, {recursive: true}, done))},
      'promises.rm': {several: true, run: (p) => fs.promises.rm(p.secret)},
      'promises.rm, recursive': {several: true, run: (p) => fs.promises.rm(`${p.dir}/sub`, {recursive: true})},
      unlinkSync: (p) => fs.unlinkSync(p.secret),
      unlink: (p) => callback((done) => fs.unlink(p.secret, done)),
      'promises.unlink': (p) => fs.promises.unlink(p.secret),
      renameSync: (p) => fs.renameSync(p.secret, made(p)),
      'renameSync out': (p) => fs.renameSync(p.secret, `${p.out}/new`),
      'renameSync in': (p) => fs.renameSync(given(p), made(p)),
      'renameSync over': (p) => fs.renameSync(given(p), p.secret),
      'renameSync of a folder': (p) => fs.renameSync(`${p.dir}/sub`, `${p.out}/sub`),
      rename: (p) => callback((done) => fs.rename(p.secret, made(p), done)),
      'promises.rename': (p) => fs.promises.rename(p.secret, made(p)),
      linkSync: (p) => fs.linkSync(p.secret, made(p)),
      'linkSync out': (p) => fs.linkSync(p.secret, `${p.out}/new`),
      'linkSync out, then written': (p) => (
        fs.linkSync(p.secret, `${p.out}/new`), fs.writeFileSync(`${p.out}/new`, 'x')
      ),
      'linkSync in': (p) => fs.linkSync(given(p), made(p)),
      link: (p) => callback((done) => fs.link(p.secret, made(p), done)),
      'promises.link': (p) => fs.promises.link(p.secret, made(p)),
      symlinkSync: (p) => fs.symlinkSync('x', made(p)),
      'symlinkSync, Buffer': (p) => fs.symlinkSync('x', Buffer.from(made(p))),
      symlink: (p) => callback((done) => fs.symlink('x', made(p), done)),
      'promises.symlink': (p) => fs.promises.symlink('x', made(p)),
      'net server on a path': (p) => event(require('net').createServer().listen(made(p)), 'listening'),
      'net server on a relative path': (p) => (
        process.chdir(p.dir), event(require('net').createServer().listen('new'), 'listening')
      ),
      'http server on a path': (p) => event(require('http').createServer().listen(made(p)), 'listening'),
      'net server, readableAll': (p) =>
        event(
          require('net')
            .createServer()
            .listen({path: made(p), readableAll: true}),
          'listening',
        ),
    },
    'about a file': {
      chmodSync: (p) => fs.chmodSync(p.secret, 0o640),
      'chmodSync of the folder': (p) => fs.chmodSync(p.dir, 0o700),
      'chmodSync through /proc/self/fd': (p) => fs.chmodSync(`/proc/self/fd/${fs.openSync(p.secret, O_PATH)}`, 0o640),
      'chmodSync through a link': (p) => (fs.symlinkSync(p.secret, `${p.out}/l`), fs.chmodSync(`${p.out}/l`, 0o640)),
      chmod: (p) => callback((done) => fs.chmod(p.secret, 0o640, done)),
      'promises.chmod': (p) => fs.promises.chmod(p.secret, 0o640),
      'fchmodSync of a read descriptor': {source: 'CVE-2024-36137', run: (p) => fs.fchmodSync(reading(p), 0o640)},
      'fchmod of a read descriptor': {
        source: 'CVE-2024-36137',
        run: (p) => callback((done) => fs.fchmod(reading(p), 0o640, done)),
      },
      'FileHandle.chmod of a read handle': {
        source: 'CVE-2024-36137',
        run: async (p) => (await fs.promises.open(p.secret)).chmod(0o640),
      },
      chownSync: (p) => fs.chownSync(p.secret, 1, 1),
      chown: (p) => callback((done) => fs.chown(p.secret, 1, 1, done)),
      lchownSync: (p) => fs.lchownSync(`${p.dir}/link`, 1, 1),
      'promises.lchown': (p) => fs.promises.lchown(`${p.dir}/link`, 1, 1),
      'fchownSync of a read descriptor': {source: 'CVE-2024-36137', run: (p) => fs.fchownSync(reading(p), 1, 1)},
      'FileHandle.chown of a read handle': {
        source: 'CVE-2024-36137',
        run: async (p) => (await fs.promises.open(p.secret)).chown(1, 1),
      },
      utimesSync: (p) => fs.utimesSync(p.secret, 1, 1),
      utimes: (p) => callback((done) => fs.utimes(p.secret, 1, 1, done)),
      'promises.utimes': (p) => fs.promises.utimes(p.secret, 1, 1),
      lutimesSync: (p) => fs.lutimesSync(`${p.dir}/link`, 1, 1),
      'promises.lutimes': (p) => fs.promises.lutimes(`${p.dir}/link`, 1, 1),
      'futimesSync of a read descriptor': {source: 'CVE-2025-55132', run: (p) => fs.futimesSync(reading(p), 1, 1)},
      'futimes of a read descriptor': {
        source: 'CVE-2025-55132',
        run: (p) => callback((done) => fs.futimes(reading(p), 1, 1, done)),
      },
      'FileHandle.utimes of a read handle': {
        source: 'CVE-2025-55132',
        run: async (p) => (await fs.promises.open(p.secret)).utimes(1, 1),
      },
    },
    bindings: {
      "process.binding('fs').open": (p) => binding('fs').open(made(p), 0o101, 0o644, ...older()),
      "process.binding('fs').writeFileUtf8": (p) => binding('fs').writeFileUtf8(made(p), 'x', 0o101, 0o644),
      "process.binding('fs').mkdir": (p) => binding('fs').mkdir(made(p), 0o755, false, ...older()),
      "process.binding('fs').unlink": (p) => binding('fs').unlink(p.secret, ...older()),
      "process.binding('fs').rename": (p) => binding('fs').rename(p.secret, made(p), ...older()),
      "process.binding('fs').chmod": (p) => binding('fs').chmod(p.secret, 0o600, ...older()),
      "process.binding('fs').symlink": (p) => binding('fs').symlink('x', made(p), 0, ...older()),
      "process.binding('fs').rmSync": (p) => binding('fs').rmSync(p.secret, 0, false, 0),
      "process.binding('fs').cpSyncCopyDir": (p) => (
        given(p), binding('fs').cpSyncCopyDir(p.out, p.dir, true, false, false, false, false)
      ),
      "process.binding('pipe_wrap').Pipe.bind": (p) => {
        const {Pipe, constants} = binding('pipe_wrap');
        const status = new Pipe(constants.SERVER).bind(made(p));
        if (status) throw new Error(`status ${status}`);
      },
    },
    'other modules': {
      'process.report.writeReport': (p) => process.report.writeReport(made(p)),
      'process.report.writeReport, directory': (p) => {
        process.report.directory = p.dir;
        return process.report.writeReport('new');
      },
      'process.report on a signal': {
        alone: true,
        several: true,
        run: async (p) => {
          process.report.directory = p.dir;
          process.report.reportOnSignal = true;
          process.kill(process.pid, 'SIGUSR2');
          await sleep(700);
        },
      },
      'process.report on an uncaught exception': {
        alone: true,
        several: true,
        options: ['--report-uncaught-exception'],
        run: async (p) => {
          process.report.directory = p.dir;
          process.removeAllListeners('uncaughtException');
          setTimeout(() => {
            throw new Error('x');
          });
          await sleep(500);
        },
      },
      'v8.writeHeapSnapshot': {several: true, run: (p) => v8.writeHeapSnapshot(made(p))},
      'v8.writeHeapSnapshot, working folder': {
        several: true,
        run: (p) => (process.chdir(p.dir), v8.writeHeapSnapshot()),
      },
      'v8.setHeapSnapshotNearHeapLimit': {
        alone: true,
        several: true,
        options: ['--max-old-space-size=24'],
        run: (p) => {
          process.chdir(p.dir);
          v8.setHeapSnapshotNearHeapLimit(1);
          const held = [];
          for (;;) held.push(new Array(1000).fill({}));
        },
      },
      '--heapsnapshot-near-heap-limit': {
        alone: true,
        several: true,
        options: ['--max-old-space-size=24', '--heapsnapshot-near-heap-limit=1', '--diagnostic-dir={dir}'],
        run: () => {
          const held = [];
          for (;;) held.push(new Array(1000).fill({}));
        },
      },
      '--cpu-prof': {alone: true, several: true, options: ['--cpu-prof', '--cpu-prof-dir={dir}'], run: () => 1},
      '--heap-prof': {alone: true, several: true, options: ['--heap-prof', '--heap-prof-dir={dir}'], run: () => 1},
      '--redirect-warnings': {
        alone: true,
        several: true,
        options: ['--redirect-warnings={dir}/new'],
        run: async () => {
          process.emitWarning('x');
          await sleep(100);
        },
      },
      '--trace-event-categories': {
        alone: true,
        several: true,
        options: ['--trace-event-categories=v8', '--trace-event-file-pattern={dir}/new'],
        run: () => sleep(300),
      },
      '--tls-keylog': {
        alone: true,
        several: true,
        options: ['--tls-keylog={dir}/new'],
        run: () =>
          callback((done) =>
            require('tls')
              .connect({port: 9, host: '127.0.0.1'})
              .on('error', () => done()),
          ),
      },
      NODE_V8_COVERAGE: {
        alone: true,
        several: true,
        environment: {NODE_V8_COVERAGE: '{dir}/new'},
        run: () => v8.takeCoverage(),
      },
      'v8.takeCoverage': {
        alone: true,
        several: true,
        environment: {NODE_V8_COVERAGE: '{dir}/new'},
        run: () => v8.takeCoverage(),
      },
      'v8.setFlagsFromString --logfile': {alone: true, several: true, run: (p) => inVmLog(p)},
      'trace_events.createTracing': {
        finding: 'Node itself waits without end for a trace file that it cannot open',
        alone: true,
        several: true,
        run: async (p) => {
          process.chdir(p.dir);
          require('trace_events')
            .createTracing({categories: ['node']})
            .enable();
          await sleep(500);
        },
      },
      'module.enableCompileCache': {
        alone: true,
        several: true,
        run: (p) => {
          const Module = require('module');
          Module.enableCompileCache(made(p));
          fs.writeFileSync(`${p.out}/x.js`, `module.exports = () => ${'1 +'.repeat(500)} 1;`);
          require(`${p.out}/x.js`)();
          Module.flushCompileCache();
        },
      },
      NODE_COMPILE_CACHE: {
        open: 'the folder of a variable is made before the policy starts',
        alone: true,
        several: true,
        environment: {NODE_COMPILE_CACHE: '{dir}/new'},
        run: (p) => {
          fs.writeFileSync(`${p.out}/x.js`, 'module.exports = 1');
          require(`${p.out}/x.js`);
        },
      },
      'node:sqlite': (p) => new (require('node:sqlite').DatabaseSync)(made(p)).exec('create table t(a)'),
      'node:sqlite, URL': (p) => new (require('node:sqlite').DatabaseSync)(url(made(p))).exec('create table t(a)'),
      'node:sqlite, Buffer': (p) =>
        new (require('node:sqlite').DatabaseSync)(Buffer.from(made(p))).exec('create table t(a)'),
      'node:sqlite, ATTACH': (p) =>
        new (require('node:sqlite').DatabaseSync)(':memory:').exec(`attach '${made(p)}' as x; create table x.t(a)`),
      'node:sqlite, VACUUM INTO': (p) =>
        new (require('node:sqlite').DatabaseSync)(':memory:').exec(`create table t(a); vacuum into '${made(p)}'`),
      'node:sqlite, backup': async (p) => {
        const {DatabaseSync, backup} = require('node:sqlite');
        await backup(new DatabaseSync(':memory:'), made(p));
      },
      'node:sqlite, prepared ATTACH': (p) =>
        new (require('node:sqlite').DatabaseSync)(':memory:').prepare('attach ? as x').run(made(p)),
      'node:wasi': (p) => wasi(p),
      'repl .save': (p) => {
        const {PassThrough} = require('stream');
        const repl = require('repl').start({input: new PassThrough(), output: new PassThrough()});
        repl.commands.save.action.call(repl, made(p));
        repl.close();
      },
      'repl setupHistory': {
        several: true,
        run: (p) => {
          const {PassThrough} = require('stream');
          const repl = require('repl').start({input: new PassThrough(), output: new PassThrough()});
          return callback((done) => repl.setupHistory(made(p), done)).finally(() => repl.close());
        },
      },
      'inspector HeapProfiler into a stream': (p) =>
        require('stream').promises.pipeline(v8.getHeapSnapshot(), fs.createWriteStream(made(p))),
      'console.Console to a stream': (p) => {
        const stream = fs.createWriteStream(made(p));
        new console.Console(stream).log('x');
        return event(stream, 'open');
      },
      'test reporter destination': {
        alone: true,
        several: true,
        run: (p) => {
          const {run} = require('node:test');
          fs.writeFileSync(`${p.out}/a.test.js`, '');
          const {tap} = require('node:test/reporters');
          return event(
            run({files: [`${p.out}/a.test.js`]})
              .compose(tap)
              .pipe(fs.createWriteStream(made(p))),
            'finish',
          );
        },
      },
    },
    workers: {
      'worker: writeFileSync': (p) => inWorker("require('fs').writeFileSync(p.dir + '/new', 'x')", p),
      'worker: promises.writeFile': (p) => inWorker("await require('fs').promises.writeFile(p.dir + '/new', 'x')", p),
      'worker: empty execArgv and env': (p) =>
        inWorker("require('fs').writeFileSync(p.dir + '/new', 'x')", p, {execArgv: [], env: {}}),
      'worker: execArgv --cpu-prof': {several: true, run: (p) => worker(p, ['--cpu-prof', `--cpu-prof-dir=${p.dir}`])},
      'worker: execArgv --heap-prof': {
        several: true,
        run: (p) => worker(p, ['--heap-prof', `--heap-prof-dir=${p.dir}`]),
      },
      'worker: execArgv --redirect-warnings': {
        several: true,
        run: (p) =>
          inWorker("process.emitWarning('x'); await new Promise((y) => setTimeout(y, 100))", p, {
            execArgv: [`--redirect-warnings=${p.dir}/new`],
          }).then(() => sleep(50)),
      },
      'worker: report': (p) => inWorker("process.report.writeReport(p.dir + '/new')", p),
      'worker: heap snapshot': {
        several: true,
        run: (p) => inWorker("require('v8').writeHeapSnapshot(p.dir + '/new')", p),
      },
    },
    children: {
      'child: shell redirection': (p) => childSays('sh', ['-c', `echo x > ${made(p)}`]),
      'child: touch': {several: true, run: (p) => childSays('touch', [made(p)])},
      'child: rm': (p) => childSays('rm', ['-f', p.secret]),
      'child: mv': {several: true, run: (p) => childSays('mv', [p.secret, `${p.out}/new`])},
      'child: chmod': (p) => childSays('chmod', ['600', p.secret]),
      'child: env -i tee': (p) => childSays('env', ['-i', '/usr/bin/tee', made(p)], {input: 'x', stdio: 'pipe'}),
      'child: node': (p) =>
        childSays(process.execPath, ['-e', `require('fs').writeFileSync(${JSON.stringify(made(p))}, 'x')`]),
      'child: node --cpu-prof': {
        several: true,
        run: (p) => childSays(process.execPath, ['--cpu-prof', `--cpu-prof-dir=${p.dir}`, '-e', '1']),
      },
      'child: node, NODE_OPTIONS report': {
        several: true,
        run: (p) =>
          childSays(process.execPath, ['-e', 'process.report.writeReport()'], {
            env: {NODE_OPTIONS: `--report-directory=${p.dir}`},
          }),
      },
      'child: stdio to a file': (p) => {
        const out = fs.openSync(made(p), 'w');
        require('child_process').spawnSync('echo', ['x'], {stdio: ['ignore', out, 'ignore']});
      },
    },
  },
};

function wasi(p) {
  const {WASI} = require('node:wasi');
  const wasiMade = new WASI({version: 'preview1', preopens: {'/s': p.dir}, returnOnExit: true});
  const bytes = Uint8Array.from([
    0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 5, 3, 1, 0, 2, 7, 19, 2, 6, 109, 101, 109, 111, 114,
    121, 2, 0, 6, 95, 115, 116, 97, 114, 116, 0, 0, 10, 4, 1, 2, 0, 11,
  ]);
  const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), {});
  wasiMade.start(instance);
  Buffer.from(instance.exports.memory.buffer).write('new', 100);
  return `status ${wasiMade.wasiImport.path_open(3, 0, 100, 3, 1, 64n, 0n, 0, 200)}`;
}

function inVmLog(p) {
  process.chdir(p.dir);
  v8.setFlagsFromString(`--logfile=${made(p)}`);
  v8.setFlagsFromString('--no-logfile-per-isolate');
  v8.setFlagsFromString('--log-all');
  return new Promise((resolve) =>
    new (require('worker_threads').Worker)('1', {eval: true}).on('exit', resolve).on('error', resolve),
  );
}
