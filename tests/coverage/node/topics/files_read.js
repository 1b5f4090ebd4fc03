// SPDX-License-Identifier: Apache-2.0
//
// Ways in which Node gets the content of a file.
'use strict';

const fs = require('fs');
const path = require('path');
const {binding, callback, childSays, inWorker, streamed, url} = require('./tools');

const link = (p, target, name = 'link') => {
  fs.symlinkSync(target, path.join(p.out, name));
  return path.join(p.out, name);
};
const read = (name) => fs.readFileSync(name, 'utf8');
const readFd = (fd) => {
  const buffer = Buffer.alloc(64);
  return buffer.toString('latin1', 0, fs.readSync(fd, buffer, 0, 64, 0));
};
const O_PATH = 0o10000000;

module.exports = {
  title: 'Reading a file',
  kind: 'read',
  groups: {
    'fs, synchronous': {
      readFileSync: (p) => fs.readFileSync(p.secret),
      'readFileSync, utf8': (p) => fs.readFileSync(p.secret, 'utf8'),
      'readFileSync, latin1': (p) => fs.readFileSync(p.secret, 'latin1'),
      'readFileSync, flag r+': (p) => fs.readFileSync(p.secret, {flag: 'r+', encoding: 'utf8'}),
      'readFileSync, flag a+': (p) => readFd(fs.openSync(p.secret, 'a+')),
      'readFileSync, flag as+': (p) => readFd(fs.openSync(p.secret, 'as+')),
      'readFileSync, flag rs': (p) => fs.readFileSync(p.secret, {flag: 'rs'}),
      'readFileSync, Buffer': (p) => fs.readFileSync(Buffer.from(p.secret)),
      'readFileSync, Buffer and utf8': (p) => fs.readFileSync(Buffer.from(p.secret), 'utf8'),
      'readFileSync, Uint8Array': (p) => fs.readFileSync(new Uint8Array(Buffer.from(p.secret))),
      'readFileSync, URL': (p) => fs.readFileSync(url(p.secret)),
      'readFileSync, URL with %': (p) => fs.readFileSync(new URL(`file://${p.dir}/%73ecret`)),
      'readFileSync, descriptor': (p) => fs.readFileSync(fs.openSync(p.secret)),
      'openSync and readSync': (p) => readFd(fs.openSync(p.secret, 'r')),
      'openSync, number flags': (p) => readFd(fs.openSync(p.secret, fs.constants.O_RDWR)),
      'openSync, access mode 3': (p) => read(`/proc/self/fd/${fs.openSync(p.secret, 3)}`),
      'openSync and readvSync': (p) => {
        const buffer = Buffer.alloc(64);
        fs.readvSync(fs.openSync(p.secret), [buffer]);
        return buffer;
      },
      'relative path': (p) => (process.chdir(p.dir), read('secret')),
      'relative path, Buffer': (p) => (process.chdir(p.dir), fs.readFileSync(Buffer.from('secret'))),
      'dots in the path': (p) => read(`${p.out}/../../out/./${p.tag}/../../guarded//${p.tag}/secret`),
      '1,900 times ./': (p) => read(`${p.dir}/${'./'.repeat(1900)}secret`),
      '3,000 slashes': (p) => read('/'.repeat(3000) + p.secret.slice(1)),
      'symbolic link': (p) => read(link(p, p.secret)),
      'symbolic link to the folder': (p) => read(`${link(p, p.dir)}/secret`),
      'chain of 30 links': (p) => {
        let last = p.secret;
        for (let i = 0; i < 30; i++) last = link(p, last, String(i));
        return read(last);
      },
      'link with a name that is not UTF-8': (p) => {
        const name = Buffer.concat([Buffer.from(`${p.out}/`), Buffer.from([0xff, 0xfe])]);
        fs.symlinkSync(p.secret, name);
        return fs.readFileSync(name);
      },
      'hard link made first': (p) => {
        fs.linkSync(p.secret, `${p.out}/hard`);
        return read(`${p.out}/hard`);
      },
      'renamed file': {
        files: ['x.txt'],
        run: (p) => {
          fs.renameSync(`${p.dir}/x.txt`, `${p.out}/x.txt`);
          return read(`${p.out}/x.txt`);
        },
      },
      'renamed folder': (p) => {
        fs.renameSync(p.dir, `${p.out}/moved`);
        try {
          return read(`${p.out}/moved/secret`);
        } finally {
          fs.renameSync(`${p.out}/moved`, p.dir);
        }
      },
      '/proc/self/root': (p) => read(`/proc/self/root${p.secret}`),
      '/proc/thread-self/root': (p) => read(`/proc/thread-self/root${p.secret}`),
      '/proc/<pid>/root': (p) => read(`/proc/${process.pid}/root${p.secret}`),
      '/proc/self/cwd': (p) => (process.chdir(p.dir), read('/proc/self/cwd/secret')),
      '/proc/self/fd of a folder above': (p) =>
        read(`/proc/self/fd/${fs.openSync(path.dirname(p.dir), fs.constants.O_DIRECTORY)}/${p.tag}/secret`),
      '/dev/fd of a folder above': (p) =>
        read(`/dev/fd/${fs.openSync(path.dirname(p.dir), fs.constants.O_DIRECTORY)}/${p.tag}/secret`),
      'O_PATH, then /proc/self/fd': (p) => read(`/proc/self/fd/${fs.openSync(p.secret, O_PATH)}`),
      'O_PATH of the folder, then /proc/self/fd': (p) => read(`/proc/self/fd/${fs.openSync(p.dir, O_PATH)}/secret`),
      copyFileSync: (p) => (fs.copyFileSync(p.secret, `${p.out}/copy`), read(`${p.out}/copy`)),
      'copyFileSync, FICLONE': (p) => (
        fs.copyFileSync(p.secret, `${p.out}/copy`, fs.constants.COPYFILE_FICLONE), read(`${p.out}/copy`)
      ),
      cpSync: {several: true, run: (p) => (fs.cpSync(p.secret, `${p.out}/copy`), read(`${p.out}/copy`))},
      'cpSync, folder': {
        several: true,
        run: (p) => (fs.cpSync(p.dir, `${p.out}/tree`, {recursive: true}), read(`${p.out}/tree/secret`)),
      },
      'cpSync, folder, filter': {
        several: true,
        run: (p) => (
          fs.cpSync(p.dir, `${p.out}/tree`, {recursive: true, filter: () => true}), read(`${p.out}/tree/secret`)
        ),
      },
      'cpSync, folder, dereference': {
        several: true,
        run: (p) => (
          fs.cpSync(link(p, p.dir), `${p.out}/tree`, {recursive: true, dereference: true}), read(`${p.out}/tree/secret`)
        ),
      },
      'all descriptors in use': {
        alone: true,
        never_granted: 'following a link takes a descriptor',
        run: (p) => {
          const name = link(p, p.secret);
          const held = [];
          try {
            for (;;) held.push(fs.openSync('/dev/null'));
          } catch {
            fs.closeSync(held.pop());
          }
          return read(name);
        },
      },
    },
    'fs, callbacks and promises': {
      readFile: (p) => callback((done) => fs.readFile(p.secret, done)),
      'readFile, signal': (p) =>
        callback((done) => fs.readFile(p.secret, {signal: new AbortController().signal}, done)),
      'open and read': async (p) => {
        const fd = await callback((done) => fs.open(p.secret, done));
        return callback((done) => fs.read(fd, Buffer.alloc(64), 0, 64, 0, (e, n, b) => done(e, b)));
      },
      copyFile: async (p) => (
        await callback((done) => fs.copyFile(p.secret, `${p.out}/copy`, done)), read(`${p.out}/copy`)
      ),
      cp: {
        several: true,
        run: async (p) => (await callback((done) => fs.cp(p.secret, `${p.out}/copy`, done)), read(`${p.out}/copy`)),
      },
      'util.promisify(readFile)': (p) => require('util').promisify(fs.readFile)(p.secret),
      'promises.readFile': (p) => fs.promises.readFile(p.secret),
      'promises.readFile, utf8': (p) => fs.promises.readFile(p.secret, 'utf8'),
      'promises.readFile, URL': (p) => fs.promises.readFile(url(p.secret)),
      'promises.copyFile': async (p) => (await fs.promises.copyFile(p.secret, `${p.out}/copy`), read(`${p.out}/copy`)),
      'promises.cp': {
        several: true,
        run: async (p) => (
          await fs.promises.cp(p.dir, `${p.out}/tree`, {recursive: true}), read(`${p.out}/tree/secret`)
        ),
      },
      'FileHandle.read': async (p) => (await (await fs.promises.open(p.secret)).read(Buffer.alloc(64))).buffer,
      'FileHandle.readFile': async (p) => (await fs.promises.open(p.secret)).readFile('utf8'),
      'FileHandle.readv': async (p) => (await (await fs.promises.open(p.secret)).readv([Buffer.alloc(64)])).buffers[0],
      'FileHandle.readLines': async (p) => {
        for await (const line of (await fs.promises.open(p.secret)).readLines()) return line;
      },
      'FileHandle.createReadStream': async (p) => streamed((await fs.promises.open(p.secret)).createReadStream()),
      'FileHandle.readableWebStream': async (p) => {
        for await (const part of (await fs.promises.open(p.secret)).readableWebStream()) return Buffer.from(part);
      },
      'FileHandle of a link': async (p) => (await fs.promises.open(link(p, p.secret))).readFile('utf8'),
      openAsBlob: async (p) => (await fs.openAsBlob(p.secret)).text(),
      'openAsBlob, stream': async (p) => {
        for await (const part of (await fs.openAsBlob(p.secret)).stream()) return Buffer.from(part);
      },
      'openAsBlob, slice and Response': async (p) => new Response((await fs.openAsBlob(p.secret)).slice(0, 40)).text(),
      'openAsBlob, cloned': async (p) => structuredClone(await fs.openAsBlob(p.secret)).text(),
      'nextTick, setImmediate, microtask': (p) =>
        new Promise((resolve, reject) =>
          process.nextTick(() =>
            setImmediate(() =>
              queueMicrotask(() => {
                try {
                  resolve(read(p.secret));
                } catch (error) {
                  reject(error);
                }
              }),
            ),
          ),
        ),
      'AsyncLocalStorage.run': (p) => new (require('async_hooks').AsyncLocalStorage)().run({}, () => read(p.secret)),
      'events listener': (p) => {
        let found;
        const emitter = new (require('events'))();
        emitter.on('x', () => {
          found = read(p.secret);
        });
        emitter.emit('x');
        return found;
      },
    },
    streams: {
      createReadStream: (p) => streamed(fs.createReadStream(p.secret)),
      'new ReadStream': (p) => streamed(new fs.ReadStream(p.secret)),
      'ReadStream without new': (p) => streamed(fs.ReadStream(p.secret)),
      FileReadStream: (p) => streamed(new fs.FileReadStream(p.secret)),
      'createReadStream, own fs functions': (p) =>
        streamed(fs.createReadStream(p.secret, {fs: {open: fs.open, read: fs.read, close: fs.close}})),
      'createReadStream, descriptor': (p) => streamed(fs.createReadStream(null, {fd: fs.openSync(p.secret)})),
      'stream.pipeline': (p) =>
        require('stream')
          .promises.pipeline(fs.createReadStream(p.secret), fs.createWriteStream(`${p.out}/copy`))
          .then(() => read(`${p.out}/copy`)),
      'readline of a stream': async (p) => {
        for await (const line of require('readline').createInterface({input: fs.createReadStream(p.secret)}))
          return line;
      },
      'zlib of a stream': {
        files: ['x.gz'],
        run: async (p) => {
          const {gunzipSync} = require('zlib');
          const packed = await streamed(fs.createReadStream(`${p.dir}/x.gz`), true);
          return gunzipSync(packed);
        },
      },
    },
    'code loading': {
      require: {files: ['x.js'], several: true, run: (p) => require(`${p.dir}/x.js`)},
      'require, json': {files: ['x.json'], several: true, run: (p) => require(`${p.dir}/x.json`)},
      'require, syntax error': {
        files: ['bad.js'],
        several: true,
        run: (p) => {
          try {
            return require(`${p.dir}/bad.js`);
          } catch (error) {
            return error.stack;
          }
        },
      },
      'require of a link': {
        several: true,
        run: (p) => {
          try {
            return require(link(p, p.secret, 'x.js'));
          } catch (error) {
            return error.stack;
          }
        },
      },
      'require.extensions.js': {
        run: (p) => {
          try {
            return require.extensions['.js'](module, p.secret);
          } catch (error) {
            return error.stack || error.message;
          }
        },
      },
      'require.extensions of another suffix': {
        files: ['x.txt'],
        several: true,
        run: (p) => {
          let found;
          require.extensions['.txt'] = (_, name) => {
            found = read(name);
          };
          try {
            require(`${p.dir}/x.txt`);
          } finally {
            delete require.extensions['.txt'];
          }
          return found;
        },
      },
      'Module._load': {files: ['x.js'], several: true, run: (p) => require('module')._load(`${p.dir}/x.js`, module)},
      'Module.prototype.load': {
        several: true,
        files: ['x.js'],
        run: (p) => {
          const made = new (require('module'))(`${p.dir}/x.js`);
          made.load(`${p.dir}/x.js`);
          return made.exports;
        },
      },
      'Module.prototype._compile replaced': {
        files: ['x.js'],
        several: true,
        run: (p) => {
          const Module = require('module');
          const before = Module.prototype._compile;
          let found;
          Module.prototype._compile = (content) => {
            found = content;
          };
          try {
            require(`${p.dir}/x.js`);
          } finally {
            Module.prototype._compile = before;
          }
          return found;
        },
      },
      createRequire: {
        files: ['x.js'],
        several: true,
        run: (p) => require('module').createRequire(`${p.dir}/`)('./x.js'),
      },
      'package.json main': {
        files: ['package/package.json', 'package/x.js'],
        several: true,
        run: (p) => require(`${p.dir}/package`),
      },
      'import()': {files: ['x.mjs'], several: true, run: async (p) => (await import(`${p.dir}/x.mjs`)).NAME},
      'import() of CommonJS': {
        files: ['x.js'],
        several: true,
        run: async (p) => (await import(`${p.dir}/x.js`)).default,
      },
      'import() of JSON': {
        files: ['x.json'],
        several: true,
        run: async (p) =>
          new Function('u', "return import(u, {with: {type: 'json'}})")(`${p.dir}/x.json`).then((m) => m.default),
      },
      'import() of a syntax error': {
        several: true,
        run: async (p) => {
          try {
            return await import(link(p, p.secret, 'x.mjs'));
          } catch (error) {
            return error.stack;
          }
        },
      },
      'import() of a URL with a query': {
        files: ['x.mjs'],
        several: true,
        run: async (p) => (await import(`file://${p.dir}/x.mjs?1`)).NAME,
      },
      'import() in a data: module': {
        run: async (p) =>
          (
            await import(
              `data:text/javascript,import fs from 'fs';export default fs.readFileSync(${JSON.stringify(p.secret)},'utf8')`
            )
          ).default,
      },
      'module.registerHooks load': {
        files: ['x.mjs'],
        several: true,
        run: async (p) => {
          let found;
          const hooks = require('module').registerHooks({
            load(name, context, next) {
              const result = next(name, context);
              if (name.includes('x.mjs')) found = String(result.source);
              return result;
            },
          });
          try {
            await import(`${p.dir}/x.mjs`);
          } finally {
            hooks.deregister();
          }
          return found;
        },
      },
      'module.register hooks thread': {
        alone: true,
        run: async (p) => {
          const text = `import fs from 'fs'; console.log(fs.readFileSync(${JSON.stringify(p.secret)}, 'utf8')); export const x = 1;`;
          require('module').register(`data:text/javascript,${encodeURIComponent(text)}`);
          await new Promise((resolve) => setTimeout(resolve, 300));
        },
      },
      'vm.Script with importModuleDynamically': {
        several: true,
        files: ['x.mjs'],
        run: async (p) => {
          const vm = require('vm');
          const script = new vm.Script(`import(${JSON.stringify(`${p.dir}/x.mjs`)})`, {
            importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
          });
          return (await script.runInThisContext()).NAME;
        },
      },
      'vm.runInNewContext': (p) => require('vm').runInNewContext('read(name)', {read, name: p.secret}),
      'new Function': (p) =>
        new Function('require', 'name', 'return require("fs").readFileSync(name, "utf8")')(require, p.secret),
      'process.mainModule.require': (p) => process.mainModule.require('fs').readFileSync(p.secret, 'utf8'),
      'process.getBuiltinModule': (p) => process.getBuiltinModule('fs').readFileSync(p.secret, 'utf8'),
      "import('fs')": async (p) => (await import('fs')).readFileSync(p.secret, 'utf8'),
      "import('fs/promises')": async (p) => (await import('fs/promises')).readFile(p.secret, 'utf8'),
      syncBuiltinESMExports: async (p) => (
        require('module').syncBuiltinESMExports(), (await import('fs')).readFileSync(p.secret, 'utf8')
      ),
      'repl .load': {run: (p) => repl(p, 'load')},
      'repl history': {run: (p) => replHistory(p), several: true},
    },
    bindings: {
      "process.binding('fs').open": (p) => readFd(binding('fs').open(p.secret, 0, 0o666, ...older())),
      "process.binding('fs').readFileUtf8": (p) => binding('fs').readFileUtf8(p.secret, 0),
      "process.binding('fs').openFileHandle": (p) =>
        readFd(binding('fs').openFileHandle(p.secret, 0, 0o666, ...older()).fd),
      "process.binding('fs').internalModuleReadJSON": {
        files: ['x.json'],
        run: (p) => binding('fs').internalModuleReadJSON(`${p.dir}/x.json`),
      },
      "process.binding('fs').copyFile": (p) => (
        binding('fs').copyFile(p.secret, `${p.out}/copy`, 0, ...older()), read(`${p.out}/copy`)
      ),
      'binding reached through a vm context': (p) =>
        require('vm').runInNewContext("p.binding('fs').readFileUtf8(n, 0)", {p: process, n: p.secret}),
      'process._linkedBinding': (p) => process._linkedBinding('fs').readFileUtf8(p.secret, 0),
      'a path whose toString changes': (p) => binding('fs').readFileUtf8({toString: () => p.secret}, 0),
    },
    'other modules': {
      'process.loadEnvFile': {files: ['x.env'], run: (p) => loadedEnv(`${p.dir}/x.env`)},
      'process.loadEnvFile, URL': {files: ['x.env'], run: (p) => loadedEnv(url(`${p.dir}/x.env`))},
      'node:sqlite': {files: ['data.sqlite'], run: (p) => sqlite(`${p.dir}/data.sqlite`)},
      'node:sqlite, read-only': {files: ['data.sqlite'], run: (p) => sqlite(`${p.dir}/data.sqlite`, {readOnly: true})},
      'node:sqlite, ATTACH': {files: ['data.sqlite'], run: (p) => attach(`${p.dir}/data.sqlite`)},
      'node:sqlite, open later': {
        files: ['data.sqlite'],
        run: (p) => {
          const made = new (require('node:sqlite').DatabaseSync)(`${p.dir}/data.sqlite`, {open: false});
          made.open();
          return made.prepare('select * from t').all();
        },
      },
      'node:sqlite, backup': {
        files: ['data.sqlite'],
        run: async (p) => {
          const {DatabaseSync, backup} = require('node:sqlite');
          await backup(new DatabaseSync(`${p.dir}/data.sqlite`), `${p.out}/copy`);
          return sqlite(`${p.out}/copy`);
        },
      },
      'node:wasi': {run: (p) => wasi(p), source: 'WASI preopens: C++ opens the folder'},
      'new WASI, preopened folder': {kind: 'list', run: (p) => wasi(p, true)},
      'tls ca file through createSecureContext': (p) =>
        require('tls').createSecureContext({ca: fs.readFileSync(p.secret)}) && read(p.secret),
      'crypto hash stream': async (p) => {
        const hash = require('crypto').createHash('sha256');
        await require('stream').promises.pipeline(fs.createReadStream(p.secret), hash);
        return hash.digest('hex');
      },
      'http2 respondWithFile': {run: (p) => respond(p, 'file'), several: true},
      'http2 respondWithFD': {run: (p) => respond(p, 'fd')},
      'worker_threads file': {run: (p) => inWorker("return require('fs').readFileSync(p.secret, 'utf8')", p)},
      'worker_threads, resourceLimits': {
        run: (p) =>
          inWorker("return require('fs').readFileSync(p.secret, 'utf8')", p, {resourceLimits: {stackSizeMb: 1}}),
      },
      'worker_threads, empty execArgv and env': {
        run: (p) => inWorker("return require('fs').readFileSync(p.secret, 'utf8')", p, {execArgv: [], env: {}}),
      },
      'worker_threads, promises': {run: (p) => inWorker("return require('fs').promises.readFile(p.secret, 'utf8')", p)},
      'worker_threads in a worker': {
        run: (p) =>
          inWorker(
            `return new Promise((y, n) => new (require('worker_threads').Worker)("require('worker_threads').parentPort.postMessage(require('fs').readFileSync(require('worker_threads').workerData, 'utf8'))", {eval: true, workerData: p.secret, execArgv: [], env: {}}).on('message', y).on('error', n))`,
            p,
          ),
      },
      'worker_threads, --env-file': {
        files: ['x.env'],
        run: (p) => inWorker('return process.env.COVERAGE_SECRET', p, {execArgv: [`--env-file=${p.dir}/x.env`]}),
      },
      'worker_threads, --require': {
        files: ['x.js'],
        several: true,
        run: (p) =>
          inWorker(`return require.cache[p.dir + '/x.js'].exports`, p, {execArgv: ['--require', `${p.dir}/x.js`]}),
      },
      'worker_threads, a file as its program': {
        files: ['bad.js'],
        several: true,
        run: (p) =>
          new Promise((y) =>
            new (require('worker_threads').Worker)(`${p.dir}/bad.js`).on('error', (e) => y(e.stack)).on('exit', y),
          ),
      },
      'inspector Runtime.evaluate': {alone: true, run: (p) => inspected(p)},
      'test runner': {run: (p) => testRun(p), alone: true, several: true},
      'heap of a mapped blob, v8.deserialize': (p) =>
        require('v8').deserialize(require('v8').serialize(read(p.secret))),
      'NODE_EXTRA_CA_CERTS-like tls.getCACertificates': {
        files: ['certificate.pem'],
        alone: true,
        environment: {NODE_EXTRA_CA_CERTS: '{dir}/certificate.pem'},
        open: 'read by the runtime before the policy starts',
        run: () => {
          const {X509Certificate} = require('crypto');
          return require('tls')
            .getCACertificates('extra')
            .map((c) => new X509Certificate(c).subject);
        },
      },
    },
    children: {
      'child: cat': (p) => childSays('cat', [p.secret]),
      'child: shell': (p) => childSays('sh', ['-c', `cat ${p.secret}`]),
      'child: shell redirection': (p) => childSays('sh', ['-c', `read x < ${p.secret}; echo $x`]),
      'child: empty environment': (p) => childSays('/bin/cat', [p.secret], {env: {}}),
      'child: LD_PRELOAD emptied': (p) => childSays('cat', [p.secret], {env: {LD_PRELOAD: '', NODE_OPTIONS: ''}}),
      'child: env -i': (p) => childSays('env', ['-i', '/bin/cat', p.secret]),
      'child: the loader': {
        several: true,
        run: (p) => childSays('/lib64/ld-linux-x86-64.so.2', ['/bin/cat', p.secret]),
      },
      'child: node': (p) =>
        childSays(process.execPath, ['-p', `require('fs').readFileSync(${JSON.stringify(p.secret)}, 'utf8')`]),
      'child: node, empty environment': (p) =>
        childSays(process.execPath, ['-p', `require('fs').readFileSync(${JSON.stringify(p.secret)}, 'utf8')`], {
          env: {},
        }),
      'child: node --env-file': {
        files: ['x.env'],
        run: (p) => childSays(process.execPath, [`--env-file=${p.dir}/x.env`, '-p', 'process.env.COVERAGE_SECRET']),
      },
      'child: node on the file': {
        files: ['bad.js'],
        several: true,
        run: (p) => require('child_process').spawnSync(process.execPath, [`${p.dir}/bad.js`]).stderr,
      },
      'child: perl syscall': (p) =>
        childSays('perl', ['-e', `my $f='${p.secret}'; my $d=syscall(2,$f,0); open(F,'<&=',$d); print <F>`]),
      'child: stdin from a descriptor': (p) =>
        require('child_process').spawnSync('cat', {stdio: [fs.openSync(p.secret), 'pipe', 'ignore']}).stdout,
      'fork with a module': {
        run: (p) => {
          fs.writeFileSync(`${p.out}/child.js`, `process.send(require('fs').readFileSync(process.argv[2], 'utf8'))`);
          return new Promise((y) =>
            require('child_process')
              .fork(`${p.out}/child.js`, [p.secret], {stdio: 'ignore'})
              .on('message', y)
              .on('exit', () => setTimeout(y, 50)),
          );
        },
      },
      cluster: {alone: true, run: (p) => clustered(p)},
    },
  },
};

function loadedEnv(name) {
  try {
    process.loadEnvFile(name);
    return process.env.COVERAGE_SECRET;
  } finally {
    delete process.env.COVERAGE_SECRET;
  }
}

function older() {
  return parseInt(process.versions.node, 10) < 20 ? [undefined, {}] : [];
}

function sqlite(name, options = {}) {
  const {DatabaseSync} = require('node:sqlite');
  return new DatabaseSync(name, options).prepare('select * from t').all();
}

function attach(name) {
  const made = new (require('node:sqlite').DatabaseSync)(':memory:');
  made.exec(`attach '${name}' as x`);
  return made.prepare('select * from x.t').all();
}

// What a WebAssembly program would do with its preopened folder, without one: the import object is called by hand.
function wasi(p, listing = false) {
  const {WASI} = require('node:wasi');
  const made = new WASI({version: 'preview1', preopens: {'/s': p.dir}, returnOnExit: true});
  const memory = new WebAssembly.Memory({initial: 2});
  const imports = made.wasiImport;
  // An instance that has nothing but memory and a start function.
  const bytes = Uint8Array.from([
    0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 5, 3, 1, 0, 2, 7, 19, 2, 6, 109, 101, 109, 111, 114,
    121, 2, 0, 6, 95, 115, 116, 97, 114, 116, 0, 0, 10, 4, 1, 2, 0, 11,
  ]);
  const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), {});
  made.start(instance);
  void memory;
  const view = Buffer.from(instance.exports.memory.buffer);
  if (listing) {
    view.write('sub', 100);
    const status = imports.path_open(3, 0, 100, 3, 2, 0x4000n | 0x2000n, 0n, 0, 200);
    if (status) return `status ${status}`;
    imports.fd_readdir(view.readUInt32LE(200), 1000, 4000, 0n, 204);
    return view.toString('latin1', 1000, 5000);
  }
  view.write('secret', 100);
  const status = imports.path_open(3, 0, 100, 6, 0, 2n, 0n, 0, 200);
  if (status) return `status ${status}`;
  view.writeUInt32LE(1000, 300);
  view.writeUInt32LE(64, 304);
  imports.fd_read(view.readUInt32LE(200), 300, 1, 308);
  return view.toString('latin1', 1000, 1064);
}

function respond(p, how) {
  const http2 = require('http2');
  return new Promise((resolve, reject) => {
    const server = http2.createServer();
    server.on('stream', (stream) => {
      stream.on('error', reject);
      try {
        if (how === 'file') stream.respondWithFile(p.secret, {}, {onError: reject});
        else stream.respondWithFD(fs.openSync(p.secret), {});
      } catch (error) {
        reject(error);
        stream.close();
      }
    });
    server.listen(0, '127.0.0.1', () => {
      const client = http2.connect(`http://127.0.0.1:${server.address().port}`);
      client.on('error', reject);
      const request = client.request({':path': '/'});
      streamed(request).then(resolve, reject);
      request.end();
    });
  }).finally(() => {});
}

function repl(p, command) {
  const {PassThrough} = require('stream');
  const output = new PassThrough();
  let found = '';
  output.on('data', (data) => {
    found += data;
  });
  const made = require('repl').start({input: new PassThrough(), output});
  made.commands[command].action.call(made, p.secret);
  return new Promise((resolve) => setTimeout(() => resolve(found), 50)).finally(() => made.close());
}

function replHistory(p) {
  const {PassThrough} = require('stream');
  const made = require('repl').start({input: new PassThrough(), output: new PassThrough()});
  return callback((done) => made.setupHistory(p.secret, done)).then((x) => x.history || made.history);
}

function inspected(p) {
  const session = new (require('inspector').Session)();
  session.connect();
  const expression = `process.mainModule.require('fs').readFileSync(${JSON.stringify(p.secret)}, 'utf8')`;
  return callback((done) => session.post('Runtime.evaluate', {expression, includeCommandLineAPI: true}, done));
}

function testRun(p) {
  fs.writeFileSync(
    `${p.out}/a.test.js`,
    `console.log(require('fs').readFileSync(${JSON.stringify(p.secret)}, 'utf8'))`,
  );
  return new Promise((resolve) => {
    let found = '';
    require('node:test')
      .run({files: [`${p.out}/a.test.js`]})
      .on('test:stdout', (data) => {
        found += data.message;
      })
      .on('test:diagnostic', () => {})
      .on('end', () => resolve(found))
      .resume();
  });
}

function clustered(p) {
  const cluster = require('cluster');
  fs.writeFileSync(
    `${p.out}/child.js`,
    `process.send(require('fs').readFileSync(${JSON.stringify(p.secret)}, 'utf8'), () => process.exit())`,
  );
  (cluster.setupPrimary || cluster.setupMaster).call(cluster, {exec: `${p.out}/child.js`, silent: true});
  return new Promise((resolve) =>
    cluster
      .fork()
      .on('message', resolve)
      .on('exit', () => setTimeout(resolve, 50)),
  );
}
