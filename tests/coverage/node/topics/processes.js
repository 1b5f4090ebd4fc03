// SPDX-License-Identifier: Apache-2.0
//
// Ways in which Node starts something. Each leaves p.marker.
'use strict';

const cp = require('child_process');
const fs = require('fs');
const {binding, callback, event, inWorker} = require('./tools');

const text = (p) => `: > ${p.marker}`;
const ended = (child) => event(child, 'exit', 'close');
const sync = (done) => {
  if (done.error) throw done.error;
  return done.status;
};
const program = (p) => {
  fs.writeFileSync(`${p.out}/child.js`, `require('fs').writeFileSync(${JSON.stringify(p.marker)}, '')`);
  return `${p.out}/child.js`;
};
const script = (p) => {
  fs.writeFileSync(`${p.out}/script`, `#!/bin/sh\n${text(p)}\n`, {mode: 0o755});
  return `${p.out}/script`;
};
const stdio = [{type: 'ignore'}, {type: 'ignore'}, {type: 'ignore'}];
const bound = (made, p) =>
  new Promise((resolve, reject) => {
    made.onexit = resolve;
    const status = made.spawn({file: '/usr/bin/touch', args: ['touch', p.marker], stdio});
    if (status) reject(new Error(`status ${status}`));
  });

module.exports = {
  title: 'Starting programs',
  kind: 'spawn',
  groups: {
    child_process: {
      spawn: (p) => ended(cp.spawn('touch', [p.marker])),
      'spawn, absolute': (p) => ended(cp.spawn('/usr/bin/touch', [p.marker])),
      'spawn, options alone': (p) => ended(cp.spawn('touch', [p.marker], {cwd: '/', env: {PATH: '/usr/bin'}})),
      'spawn, empty environment': (p) => ended(cp.spawn('/usr/bin/touch', [p.marker], {env: {}})),
      'spawn, shell': (p) => ended(cp.spawn(text(p), {shell: true})),
      'spawn, another shell': (p) => ended(cp.spawn(text(p), {shell: '/bin/bash'})),
      'spawn, argv0': (p) => ended(cp.spawn('touch', [p.marker], {argv0: 'innocent'})),
      'spawn, detached': (p) => ended(cp.spawn('touch', [p.marker], {detached: true})),
      'spawn, inherited stdio': (p) => ended(cp.spawn('touch', [p.marker], {stdio: 'inherit'})),
      'spawn, uid': (p) => ended(cp.spawn('touch', [p.marker], {uid: process.getuid(), gid: process.getgid()})),
      'spawn, signal': (p) => ended(cp.spawn('touch', [p.marker], {signal: new AbortController().signal})),
      'spawn, URL as cwd': (p) => ended(cp.spawn('touch', ['marker'], {cwd: new URL(`file://${p.out}/`)})),
      'spawn, relative': (p) => (process.chdir('/usr/bin'), ended(cp.spawn('./touch', [p.marker]))),
      'spawn, link': (p) => (fs.symlinkSync('/usr/bin/touch', `${p.out}/t`), ended(cp.spawn(`${p.out}/t`, [p.marker]))),
      'spawn, script': (p) => ended(cp.spawn(script(p))),
      'spawn, copied program': (p) => (
        fs.copyFileSync('/usr/bin/touch', `${p.out}/t`), ended(cp.spawn(`${p.out}/t`, [p.marker]))
      ),
      'spawn, the loader': (p) => ended(cp.spawn('/lib64/ld-linux-x86-64.so.2', ['/usr/bin/touch', p.marker])),
      'spawn, /proc/self/exe': (p) => ended(cp.spawn('/proc/self/exe', [program(p)])),
      'spawn, IPC channel': (p) =>
        ended(cp.spawn(process.execPath, [program(p)], {stdio: ['ignore', 'ignore', 'ignore', 'ipc']})),
      'spawn, process.execPath changed': (p) =>
        ended(cp.fork('x', [p.marker], {execPath: '/usr/bin/touch', execArgv: [p.marker], silent: true})),
      exec: (p) => callback((done) => cp.exec(text(p), done)),
      'exec, shell': (p) => callback((done) => cp.exec(text(p), {shell: '/bin/bash'}, done)),
      'exec, encoding': (p) => callback((done) => cp.exec(text(p), {encoding: 'buffer'}, done)),
      execFile: (p) => callback((done) => cp.execFile('touch', [p.marker], done)),
      'execFile, shell': (p) => callback((done) => cp.execFile(text(p), [], {shell: true}, done)),
      'util.promisify(exec)': (p) => require('util').promisify(cp.exec)(text(p)),
      'util.promisify(execFile)': (p) => require('util').promisify(cp.execFile)('touch', [p.marker]),
      fork: (p) => ended(cp.fork(program(p))),
      'fork, execPath': (p) =>
        ended(cp.fork('x', [], {execPath: '/usr/bin/touch', execArgv: [p.marker], silent: true})),
      'fork, URL': (p) => ended(cp.fork(new URL(`file://${program(p)}`))),
      'fork, advanced serialization': (p) => ended(cp.fork(program(p), {serialization: 'advanced'})),
      spawnSync: (p) => sync(cp.spawnSync('touch', [p.marker])),
      'spawnSync, shell': (p) => sync(cp.spawnSync(text(p), {shell: true})),
      'spawnSync, input': (p) => sync(cp.spawnSync('tee', [p.marker], {input: 'x'})),
      'spawnSync, empty environment': (p) => sync(cp.spawnSync('/usr/bin/touch', [p.marker], {env: {}})),
      'spawnSync, this': (p) => sync(cp.spawnSync.call({}, 'touch', [p.marker])),
      execSync: (p) => cp.execSync(text(p)),
      'execSync, stdio': (p) => cp.execSync(text(p), {stdio: 'ignore'}),
      execFileSync: (p) => cp.execFileSync('touch', [p.marker]),
      'new ChildProcess': (p) => {
        const child = new cp.ChildProcess();
        child.spawn({file: 'touch', args: ['touch', p.marker], stdio: 'ignore'});
        return ended(child);
      },
      'ChildProcess.prototype.spawn of another child': (p) => {
        const child = new cp.ChildProcess();
        cp.ChildProcess.prototype.spawn.call(child, {
          file: '/usr/bin/touch',
          args: ['touch', p.marker],
          envPairs: [],
          stdio: 'ignore',
        });
        return ended(child);
      },
      'ChildProcess subclass': (p) => {
        const child = new (class extends cp.ChildProcess {})();
        child.spawn({file: 'touch', args: ['touch', p.marker], stdio: 'ignore'});
        return ended(child);
      },
      'ChildProcess from a constructor property': {
        alone: true,
        several: true,
        run: (p) => {
          let Class = cp.ChildProcess;
          try {
            Class = cp.spawn('/bin/true').on('error', () => {}).constructor;
          } catch {
            // refused: the class is the same
          }
          const child = new Class();
          child.spawn({file: 'touch', args: ['touch', p.marker], stdio: 'ignore'});
          return ended(child);
        },
      },
      "import('child_process')": async (p) => (await import('child_process')).execFileSync('touch', [p.marker]),
      'process.getBuiltinModule': (p) => process.getBuiltinModule('child_process').execFileSync('touch', [p.marker]),
      'process.mainModule.require': (p) =>
        process.mainModule.require('child_process').execFileSync('touch', [p.marker]),
      'process.mainModule.constructor._load': (p) =>
        process.mainModule.constructor._load('child_process').execFileSync('touch', [p.marker]),
      'vm.runInNewContext': (p) => require('vm').runInNewContext('e("touch", [m])', {e: cp.execFileSync, m: p.marker}),
    },
    'other modules': {
      'cluster.fork': {
        alone: true,
        run: (p) => {
          const cluster = require('cluster');
          cluster.setupPrimary({exec: program(p), silent: true});
          return event(cluster.fork(), 'exit');
        },
      },
      'cluster.fork, execArgv': {
        alone: true,
        run: (p) => {
          const cluster = require('cluster');
          cluster.setupPrimary({exec: program(p), execArgv: ['--no-warnings'], silent: true});
          return event(cluster.fork(), 'exit');
        },
      },
      'process.execve': {alone: true, run: (p) => process.execve('/usr/bin/touch', ['touch', p.marker], {})},
      'process.execve, environment': {
        alone: true,
        run: (p) => process.execve('/bin/sh', ['sh', '-c', text(p)], {LD_PRELOAD: ''}),
      },
      'node:test run': {
        alone: true,
        several: true,
        run: (p) => {
          fs.writeFileSync(`${p.out}/a.test.js`, `require('fs').writeFileSync(${JSON.stringify(p.marker)}, '')`);
          return event(
            require('node:test')
              .run({files: [`${p.out}/a.test.js`]})
              .resume(),
            'end',
          );
        },
      },
      'inspector with require': {
        alone: true,
        several: true,
        run: (p) => {
          const session = new (require('inspector').Session)();
          session.connect();
          const expression = `process.mainModule.require('child_process').execFileSync('touch', [${JSON.stringify(p.marker)}])`;
          return callback((done) => session.post('Runtime.evaluate', {expression, includeCommandLineAPI: true}, done));
        },
      },
      'worker: execFileSync': (p) => inWorker("require('child_process').execFileSync('touch', [p.marker])", p),
      'worker: spawn': (p) =>
        inWorker(
          "return new Promise((y, n) => require('child_process').spawn('touch', [p.marker]).on('exit', y).on('error', n))",
          p,
        ),
      'worker: empty execArgv and env': (p) =>
        inWorker("require('child_process').execFileSync('/usr/bin/touch', [p.marker])", p, {execArgv: [], env: {}}),
      'worker: spawn_sync': (p) =>
        inWorker(
          "const r = process.binding('spawn_sync').spawn({file: '/usr/bin/touch', args: ['touch', p.marker], stdio: [{type: 'ignore'}, {type: 'ignore'}, {type: 'ignore'}]}); if (r.error) throw new Error(r.error)",
          p,
        ),
      'worker: process.execve': {
        alone: true,
        run: (p) => inWorker("process.execve('/usr/bin/touch', ['touch', p.marker], {})", p),
      },
    },
    bindings: {
      'spawn_sync.spawn': (p) => {
        const {error} = binding('spawn_sync').spawn({file: '/usr/bin/touch', args: ['touch', p.marker], stdio});
        if (error) throw new Error(`status ${error}`);
      },
      'spawn_sync.spawn, getter for the file': (p) => {
        let asked = 0;
        const {error} = binding('spawn_sync').spawn({
          get file() {
            return asked++ ? '/usr/bin/touch' : '/bin/true';
          },
          args: ['touch', p.marker],
          stdio,
        });
        if (error) throw new Error(`status ${error}`);
        if (!fs.existsSync(p.marker)) fs.writeFileSync(`${p.out}/other`, 'the first file ran');
      },
      'process_wrap.Process': (p) => bound(new (binding('process_wrap').Process)(), p),
      'process_wrap.Process, from another realm': (p) =>
        bound(require('vm').runInNewContext('new P()', {P: binding('process_wrap').Process}), p),
      'process_wrap.Process subclass': (p) => bound(new (class extends binding('process_wrap').Process {})(), p),
      'process_wrap.Process of a child': {
        alone: true,
        several: true,
        run: (p) => {
          const child = new cp.ChildProcess();
          return bound(new child._handle.constructor(), p);
        },
      },
      'Reflect.construct of Process': (p) => bound(Reflect.construct(binding('process_wrap').Process, []), p),
    },
  },
};
