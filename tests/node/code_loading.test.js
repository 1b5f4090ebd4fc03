// SPDX-License-Identifier: Apache-2.0
//
// Under `application.read: deny` (and observe) code is loaded as ever, silently; the same files cannot be read as data.
'use strict';

const test = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const {run, folder, count, has, lacks, major} = require('./protected');

const policy = (action) => ({schema: 1, name: 'code', files: {application: {read: action, write: 'grant'}}});

const files = {
  'lib/a.js': "exports.a = 'a'; exports.b = require('./b.cjs').b;",
  'lib/b.cjs': "exports.b = 'b';",
  'lib/m.mjs': "import { c } from './c.mjs'; import cjs from './b.cjs'; export const m = 'm' + c + cjs.b;",
  'lib/c.mjs': "export const c = 'c';",
  'node_modules/dep/package.json': '{"name":"dep","version":"2.0.1","main":"main/index.js"}',
  'node_modules/dep/main/index.js':
    "exports.dep = 'dep'; exports.read = (file) => require('fs').readFileSync(file, 'utf8');",
  'node_modules/esm-dep/package.json': '{"name":"esm-dep","version":"1.0.0","type":"module","exports":"./x.js"}',
  'node_modules/esm-dep/x.js': "export const x = 'x';",
  'data.json': '{"secret":1}',
  'lib/secret.js': "'secret'",
};

const LOAD = `(async () => {
  const { a, b } = require('./lib/a');
  const { m } = ${has['ES modules'] ? "await import('./lib/m.mjs')" : "{ m: 'mcb' }"};
  const { dep } = require('dep');
  const { x } = ${has['ES modules'] ? "await import('esm-dep')" : "{ x: 'x' }"};
  const lazily = (require('module').createRequire || require('module').createRequireFromPath)(__filename)('./lib/b.cjs').b;
  const resolved = require('path').basename(require.resolve('dep'));
  console.log(JSON.stringify([a, b, m, dep, x, lazily, resolved]));
})()`;

for (const action of ['deny', 'observe']) {
  test(`code is loaded under application.read: ${action}`, async () => {
    const expected = ['a', 'b', 'mcb', 'dep', 'x', 'b', 'index.js'];
    assert.deepEqual((await run(LOAD, {attach: 'plain', files})).value, expected);
    const result = await run(LOAD, {policy: policy(action), files});
    assert.equal(result.status, 0, result.about());
    assert.deepEqual(result.value, expected);
    assert.deepEqual(result.events, [], result.about());
  });
}

test('a main program that is an ES module, and a worker, are loaded too', {skip: lacks('ES modules')}, async () => {
  const program =
    "import { m } from './lib/m.mjs'; import { Worker } from 'worker_threads'; new Worker(new URL('./w.js', import.meta.url)).on('message', (w) => console.log(JSON.stringify([m, w])));";
  const worker = "require('worker_threads').parentPort.postMessage(require('./lib/a').a)";
  const result = await run(program, {policy: policy('deny'), files: {...files, 'w.js': worker}, name: 'main.mjs'});
  assert.deepEqual(result.value, ['mcb', 'a'], result.about());
  assert.deepEqual(result.events, []);
});

// Each gives back the text of lib/secret.js (or another file) if it can.
const STEAL = {
  readFileSync: "require('fs').readFileSync(secret, 'utf8')",
  'readFileSync of itself': "require('fs').readFileSync(__filename, 'utf8')",
  promises: "require('fs').promises.readFile(secret, 'utf8')",
  'of data': "require('fs').readFileSync(require('path').join(__dirname, 'data.json'), 'utf8')",
  'require of JSON': "JSON.stringify(require('./data.json'))",
  'import of JSON':
    major >= 20
      ? "import('./data.json', { with: { type: 'json' } }).then((m) => JSON.stringify(m.default))"
      : "JSON.stringify(require('./data.json'))",
  'a fake module': `new Promise((resolve, reject) => { try { require('module')._extensions['.js']({ _compile: resolve, paths: [], filename: secret, loaded: false, exports: {} }, secret); } catch (e) { reject(e); } })`,
  'a module with its own _compile': `new Promise((resolve, reject) => { const Module = require('module'); const m = new Module(secret); m._compile = resolve; try { Module._extensions['.js'](m, secret); } catch (e) { reject(e); } })`,
  'a patched _compile': `new Promise((resolve, reject) => { const Module = require('module'); const original = Module.prototype._compile; Module.prototype._compile = function (text) { resolve(text); };
    try { require(secret); } catch (e) { reject(e); } finally { Module.prototype._compile = original; } })`,
  'a subclass of Module': `new Promise((resolve, reject) => { const Module = require('module'); class Mine extends Module { _compile(text) { resolve(text); } } try { Module._extensions['.js'](new Mine(secret), secret); } catch (e) { reject(e); } })`,
  internalModuleReadJSON: `String(process.binding('fs').internalModuleReadJSON ? process.binding('fs').internalModuleReadJSON(secret) : require('fs').readFileSync(secret))`,
  'from a package': "require('dep').read(secret)",
  opendir: "require('fs').readdirSync(__dirname).join()",
  'promises.opendir': "require('fs').promises.opendir(__dirname).then((d) => d.read()).then((e) => e.name)",
  'inside require()':
    "(() => { const ext = require('module')._extensions; let text; Object.defineProperty(Object.prototype, 'x', { configurable: true, get() { return 1; } }); try { text = require('fs').readFileSync(secret, 'utf8'); } finally { delete Object.prototype.x; } return text; })()",
  openAsBlob:
    "(require('fs').openAsBlob ? require('fs').openAsBlob(secret).then((b) => b.text()) : require('fs').promises.readFile(secret, 'utf8'))",
  loadEnvFile:
    "(process.loadEnvFile ? (process.loadEnvFile(require('path').join(__dirname, '.env')), process.env.FROM_ENV_FILE) : require('fs').readFileSync(secret, 'utf8'))",
};

for (const [name, steal] of Object.entries(STEAL)) {
  test(
    `what is not loading is refused: ${name}`,
    {skip: steal.includes('opendir(') && lacks('fs.opendir')},
    async () => {
      const program = `const secret = require('path').join(__dirname, 'lib/secret.js'); require('dep');
      (async () => { try { console.log(JSON.stringify({ text: String(await ${steal}) })); } catch (e) { console.log(JSON.stringify({ name: e.name, code: e.code, message: e.message })); } })()`;
      const own = {...files, '.env': 'FROM_ENV_FILE=secret\n'};
      const plain = await run(program, {attach: 'plain', files: own});
      assert.ok(plain.value.text, `the row gets nothing without us: ${plain.about()}`);
      const result = await run(program, {policy: policy('deny'), files: own});
      assert.equal(result.value.text, undefined, result.about());
      assert.equal(result.value.code, 'EPERM', result.about());
      assert.equal(count(result.events), 1, result.about());
      const observed = await run(program, {policy: policy('observe'), files: own});
      assert.equal(observed.value.text, plain.value.text, observed.about());
      assert.equal(count(observed.events), 1, observed.about());
      if (name === 'from a package') assert.equal(result.events[0].package, 'dep@2.0.1');
    },
  );
}

test("a script that calls itself one of Node's loaders reads code at most", async () => {
  const program = `
    const steal = (file) => new (require('vm').Script)('(read, f) => read(f)', { filename: 'node:internal/modules/esm/load' }).runInThisContext()(require('fs').readFileSync, file);
    const results = ['data.json', 'lib/secret.js'].map((f) => { try { return String(steal(require('path').join(__dirname, f))); } catch (e) { return e.code; } });
    console.log(JSON.stringify(results));`;
  const result = await run(program, {policy: policy('deny'), files});
  assert.equal(result.value[0], 'EPERM', result.about());
});
