// SPDX-License-Identifier: Apache-2.0
//
// Ways in which Node gets native code into its process. p.library lies in a writable place and leaves p.marker when it is loaded.
'use strict';

const cp = require('child_process');
const fs = require('fs');
const {callback, inWorker} = require('./tools');

const renamed = (p, name) => (fs.renameSync(p.library, `${p.out}/${name}`), `${p.out}/${name}`);
const linked = (p, name) => (fs.symlinkSync(p.library, `${p.out}/${name}`), `${p.out}/${name}`);
const load = (name) => process.dlopen({exports: {}}, name);
const value = (run, about = {}) => ({kind: 'value', alone: true, run, ...about});
const child = (p, environment, words = ['/bin/true']) =>
  cp.spawnSync(words[0], words.slice(1), {
    env: {PATH: process.env.PATH, COVERAGE_MARKER: p.marker, ...environment},
    stdio: 'ignore',
  });
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

module.exports = {
  title: 'Loading and making native code',
  kind: 'load',
  groups: {
    loading: {
      'process.dlopen': (p) => load(p.library),
      'process.dlopen, flags': (p) => process.dlopen({exports: {}}, p.library, require('os').constants.dlopen.RTLD_NOW),
      'process.dlopen, link': (p) => load(linked(p, 'l.so')),
      'process.dlopen, relative': (p) => (process.chdir(p.out), load('./library.so')),
      'process.dlopen, /proc/self/root': (p) => load(`/proc/self/root${p.library}`),
      'process.dlopen, /proc/self/fd': {
        alone: true,
        environment: {COVERAGE_MARKER: '{marker}'},
        run: (p) => load(`/proc/self/fd/${fs.openSync(p.library)}`),
      },
      'process.dlopen, /dev/shm': {
        alone: true,
        environment: {COVERAGE_MARKER: '{marker}'},
        run: (p) => {
          const name = `/dev/shm/${p.tag}-${process.pid}.node`;
          fs.copyFileSync(p.library, name);
          try {
            load(name);
          } finally {
            fs.unlinkSync(name);
          }
        },
      },
      'process.dlopen, deleted file': {
        alone: true,
        environment: {COVERAGE_MARKER: '{marker}'},
        run: (p) => {
          const fd = fs.openSync(p.library);
          fs.unlinkSync(p.library);
          load(`/proc/self/fd/${fd}`);
        },
      },
      'process.dlopen.call': (p) => Reflect.apply(process.dlopen, undefined, [{exports: {}}, p.library]),
      'process.dlopen in a vm context': (p) =>
        require('vm').runInNewContext('d({exports: {}}, l)', {d: process.dlopen, l: p.library}),
      'require of .node': (p) => require(renamed(p, 'x.node')),
      'require.extensions.node': (p) => require.extensions['.node']({exports: {}}, p.library),
      'Module._extensions.node': (p) => require('module')._extensions['.node']({exports: {}}, p.library),
      'Module._load of .node': (p) => require('module')._load(renamed(p, 'x.node')),
      'createRequire of .node': (p) => require('module').createRequire(`${p.out}/`)(renamed(p, 'x.node')),
      'import of .node': {
        alone: true,
        options: ['--experimental-addon-modules'],
        run: (p) => import(renamed(p, 'x.node')),
      },
      'package.json main .node': (p) => {
        fs.mkdirSync(`${p.out}/package`);
        fs.copyFileSync(p.library, `${p.out}/package/x.node`);
        process.env.COVERAGE_MARKER = p.marker;
        fs.writeFileSync(`${p.out}/package/package.json`, '{"main": "x.node"}');
        try {
          return require(`${p.out}/package`);
        } finally {
          delete process.env.COVERAGE_MARKER;
        }
      },
      'crypto.setEngine': {several: true, run: (p) => require('crypto').setEngine(p.library)},
      'crypto.setEngine, flags': {
        several: true,
        run: (p) => require('crypto').setEngine(p.library, require('crypto').constants.ENGINE_METHOD_ALL),
      },
      'tls clientCertEngine': {
        several: true,
        run: (p) => require('tls').createSecureContext({clientCertEngine: p.library}),
      },
      'tls privateKeyEngine': {
        several: true,
        run: (p) => require('tls').createSecureContext({privateKeyEngine: p.library, privateKeyIdentifier: 'x'}),
      },
      'https clientCertEngine': {
        several: true,
        run: (p) =>
          callback((done) =>
            require('https').get({host: '127.0.0.1', port: 9, clientCertEngine: p.library}).on('error', done),
          ),
      },
      'node:sqlite loadExtension': {
        several: true,
        run: (p) =>
          new (require('node:sqlite').DatabaseSync)(':memory:', {allowExtension: true}).loadExtension(p.library),
      },
      'node:sqlite load_extension by SQL': (p) => {
        const made = new (require('node:sqlite').DatabaseSync)(':memory:', {allowExtension: true});
        made.enableLoadExtension(true);
        made.prepare('select load_extension(?)').get(p.library);
      },
      '--openssl-config': {
        alone: true,
        several: true,
        environment: {COVERAGE_MARKER: '{marker}'},
        options: ['--openssl-config={out}/openssl.cnf', '--openssl-shared-config'],
        run: (p) => (openssl(p), require('crypto').getCiphers()),
      },
      'worker: process.dlopen': (p) => inWorker('process.dlopen({exports: {}}, p.library)', p),
      'worker: require of .node': (p) => (renamed(p, 'x.node'), inWorker("require(p.out + '/x.node')", p)),
      'worker: empty execArgv and env': (p) =>
        inWorker('process.dlopen({exports: {}}, p.library)', p, {execArgv: [], env: {}}),
      'child: LD_PRELOAD': {
        finding: 'taken from the child, and not counted',
        run: (p) => child(p, {LD_PRELOAD: p.library}),
      },
      'child: LD_AUDIT': {
        finding: 'taken from the child, and not counted',
        never_granted: 'taken from every child',
        run: (p) => child(p, {LD_AUDIT: p.library}),
      },
      'child: LD_LIBRARY_PATH': {
        finding: 'taken from the child, and not counted',
        run: (p) => (renamed(p, 'libselinux.so.1'), child(p, {LD_LIBRARY_PATH: p.out}, ['ls', '/'])),
      },
      'child: OPENSSL_CONF': (p) => (
        openssl(p), child(p, {OPENSSL_CONF: `${p.out}/openssl.cnf`}, ['openssl', 'version'])
      ),
      'child: node dlopen': (p) =>
        child(p, {}, [process.execPath, '-e', `process.dlopen({exports: {}}, ${JSON.stringify(p.library)})`]),
      'child: node --require .node': (p) =>
        child(p, {}, [process.execPath, '--require', renamed(p, 'x.node'), '-e', '1']),
      'child: NODE_OPTIONS --require': (p) =>
        child(p, {NODE_OPTIONS: `--require ${renamed(p, 'x.node')}`}, [process.execPath, '-e', '1']),
      'child: perl dl_load_file': (p) =>
        child(p, {}, ['perl', '-MDynaLoader', '-e', `DynaLoader::dl_load_file('${p.library}')`]),
    },
    'the engine opened up': {
      'v8.setFlagsFromString --allow-natives-syntax': value(() => {
        require('v8').setFlagsFromString('--allow-natives-syntax');
        return new Function('return %GetOptimizationStatus(function () {})')() === undefined ? 'no' : 'happened';
      }),
      'v8.setFlagsFromString, import': value(async () => {
        (await import('v8')).setFlagsFromString('--allow_natives_syntax');
        return new Function('return %GetOptimizationStatus(function () {})')() === undefined ? 'no' : 'happened';
      }),
      'v8.setFlagsFromString --expose-gc': value(() => {
        require('v8').setFlagsFromString('--expose-gc');
        return require('vm').runInNewContext('typeof gc') === 'function' ? 'happened' : 'no';
      }),
      'v8 flags: WebAssembly without bounds': value(() => {
        require('v8').setFlagsFromString('--no-wasm-bounds-checks');
        return 'happened';
      }),
      "process.binding('v8').setFlagsFromString": value(() => {
        process.binding('v8').setFlagsFromString('--expose-gc');
        return require('vm').runInNewContext('typeof gc') === 'function' ? 'happened' : 'no';
      }),
      'inspector.Session': value(() =>
        callback((done) => {
          const session = new (require('inspector').Session)();
          session.connect();
          session.post('Runtime.evaluate', {expression: "'happened'"}, (error, found) =>
            done(error, found && found.result.value),
          );
        }),
      ),
      'inspector.Session, import': value(async () => {
        const {Session} = await import('inspector');
        const session = new Session();
        session.connect();
        return 'happened';
      }),
      'inspector/promises': value(async () => {
        const session = new (require('inspector/promises').Session)();
        session.connect();
        return (await session.post('Runtime.evaluate', {expression: "'happened'"})).result.value;
      }),
      'inspector.open': value(() => {
        const inspector = require('inspector');
        inspector.open(0);
        try {
          return inspector.url() ? 'happened' : 'no';
        } finally {
          inspector.close();
        }
      }),
      "process.binding('inspector').Connection": value(
        () => (new (process.binding('inspector').Connection)(() => {}), 'happened'),
      ),
      'process._debugProcess': value(
        async () => {
          process._debugProcess(process.pid);
          await sleep(600);
          return require('inspector').url() ? 'happened' : 'no';
        },
        {options: ['--inspect-port=0'], several: true},
      ),
      SIGUSR1: value(
        async () => {
          process.kill(process.pid, 'SIGUSR1');
          await sleep(600);
          return require('inspector').url() ? 'happened' : 'no';
        },
        {options: ['--inspect-port=0'], silent: "a signal is nobody's call", several: true},
      ),
      'worker: inspector.Session': value((p) =>
        inWorker("const s = new (require('inspector').Session)(); s.connect(); return 'happened'", p),
      ),
      'worker: connectToMainThread': value((p) =>
        inWorker("const s = new (require('inspector').Session)(); s.connectToMainThread(); return 'happened'", p),
      ),
      'worker: --expose-internals': value(
        (p) =>
          inWorker("require('internal/bootstrap/realm'); return 'happened'", p, {execArgv: ['--expose-internals']}),
        {several: true, silent: 'the option is taken away'},
      ),
      'child: --inspect': {
        kind: 'value',
        alone: true,
        open: 'SECURITY.md: a granted Python or Node child',
        run: () =>
          cp.spawnSync(process.execPath, ['--inspect=0', '-e', '1']).stderr.includes('listening') ? 'happened' : 'no',
      },
    },
    'the walls themselves': {
      '/proc/self/mem written': value(() => memory('/proc/self/mem'), {never_granted: "our own pages and libc's"}),
      '/proc/thread-self/mem written': value(() => memory('/proc/thread-self/mem'), {
        never_granted: "our own pages and libc's",
      }),
      '/proc/<pid>/mem written': value(() => memory(`/proc/${process.pid}/mem`), {
        never_granted: "our own pages and libc's",
      }),
      '/proc/self/mem through a descriptor': value(
        () => memory(`/proc/self/fd/${fs.openSync('/proc/self', 0o10000000)}/mem`),
        {never_granted: "our own pages and libc's"},
      ),
      '/proc/self/mem, promises': value(
        async () => {
          const file = await fs.promises.open('/proc/self/mem', 'r+');
          return (await file.write(Buffer.alloc(1), 0, 0, 0).catch((e) => e.code)) && 'happened';
        },
        {never_granted: "our own pages and libc's"},
      ),
    },
  },
};

// That it can be opened for writing is the effect: an error about an address comes from the memory, not from the door.
function memory(name) {
  const fd = fs.openSync(name, 'r+');
  try {
    fs.writeSync(fd, Buffer.alloc(1), 0, 1, 0);
  } catch {
    // nothing is mapped there
  }
  return 'happened';
}

function openssl(p) {
  fs.writeFileSync(
    `${p.out}/openssl.cnf`,
    `openssl_conf = a\nnodejs_conf = a\n[a]\nengines = b\nproviders = d\n[b]\nx = c\n[c]\nengine_id = x\ndynamic_path = ${p.library}\ninit = 1\n[d]\ny = e\n[e]\nmodule = ${p.library}\nactivate = 1\n`,
  );
}
