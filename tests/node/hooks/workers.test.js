// SPDX-License-Identifier: Apache-2.0
//
// A worker has the hooks of its own, whatever its options, however Worker was obtained. The name of the error tells: line 2
// alone would give Node's own EPERM.
'use strict';

const test = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const {run, folder, has, lacks, workerArgs, major} = require('../protected');

const home = folder();
const secret = path.join(home, 'secret');
fs.writeFileSync(secret, 'secret');
const policy = {schema: 1, name: 'w', files: {rules: [{path: secret, read: 'deny'}]}};

const BODY = `
  const { parentPort, workerData } = require('worker_threads');
  let name = 'read';
  try { require('fs').readFileSync(${JSON.stringify(secret)}); } catch (e) { name = e.name; }
  parentPort.postMessage({ name, execArgv: process.execArgv, argv: process.argv.slice(2), data: workerData });`;
const EVAL = JSON.stringify(BODY);

const collect =
  'worker.on("message", (m) => console.log(JSON.stringify(m))).on("error", (e) => console.log(JSON.stringify({ error: e.message })));';
const get = "const { Worker, SHARE_ENV } = require('worker_threads');";

const programs = {
  'default options': `${get} const worker = new Worker(${EVAL}, { eval: true }); ${collect}`,
  'a file': `${get} const worker = new Worker(require('path').join(__dirname, 'worker.js'), { argv: ['a'], workerData: 7 }); ${collect}`,
  'execArgv: []': `${get} const worker = new Worker(${EVAL}, { eval: true, execArgv: [] }); ${collect}`,
  'execArgv of its own': `${get} const worker = new Worker(${EVAL}, { eval: true, execArgv: ['--no-warnings'] }); ${collect}`,
  'env: {}': `${get} const worker = new Worker(${EVAL}, { eval: true, env: {} }); ${collect}`,
  'env and execArgv': `${get} const worker = new Worker(${EVAL}, { eval: true, env: {}, execArgv: [] }); ${collect}`,
  SHARE_ENV: `${get} const worker = new Worker(${EVAL}, { eval: true, env: SHARE_ENV }); ${collect}`,
  'edited environment': `${get} for (const k of Object.keys(process.env)) delete process.env[k]; process.env.NODE_OPTIONS = ''; process.execArgv.length = 0;
    const worker = new Worker(${EVAL}, { eval: true }); ${collect}`,
  resourceLimits: `${get} const worker = new Worker(${EVAL}, { eval: true, resourceLimits: { maxOldGenerationSizeMb: 64 }, execArgv: [] }); ${collect}`,
  'a subclass': `${get} class Mine extends Worker { constructor() { super(${EVAL}, { eval: true, execArgv: [], env: {} }); } }
    const worker = new Mine(); if (!(worker instanceof Worker)) throw 1; ${collect}`,
  'the constructor of another': `${get} const first = new Worker('0', { eval: true }); const worker = new first.constructor(${EVAL}, { eval: true, execArgv: [], env: {} }); ${collect}`,
  "the prototype's constructor": `${get} const worker = new Worker.prototype.constructor(${EVAL}, { eval: true, execArgv: [], env: {} }); ${collect}`,
  'the parent class of ours': `${get} const worker = new Worker(${EVAL}, { eval: true, execArgv: [] });
    if (Object.getPrototypeOf(Worker) !== require('events')) throw new Error('the original is there'); ${collect}`,
  'the worker event': `${get} process.on('worker', (w) => { if (process.once) { process.removeAllListeners('worker');
    const worker = new w.constructor(${EVAL}, { eval: true, execArgv: [], env: {} }); ${collect} } }); new Worker('0', { eval: true });`,
  'options with getters': `${get} let n = 0; const worker = new Worker(${EVAL}, { eval: true, get execArgv() { return n++ ? [] : ['--no-warnings']; }, get env() { return {}; } }); ${collect}`,
  'a worker in a worker': `${get} const worker = new Worker(${JSON.stringify(`const { Worker, parentPort } = require('worker_threads'); new Worker(${EVAL}, { eval: true, execArgv: [], env: {} }).on('message', (m) => parentPort.postMessage(m));`)}, { eval: true }); ${collect}`,
  getBuiltinModule: `const { Worker } = process.getBuiltinModule ? process.getBuiltinModule('worker_threads') : require('worker_threads');
    const worker = new Worker(${EVAL}, { eval: true, execArgv: [], env: {} }); ${collect}`,
  "a require of one's own": `const Module = require('module'); const { require: original } = Module.prototype; const _load = Module._load; let depth = 0;
    Module.prototype.require = function (id) { return depth++ ? { Worker: class {} } : original.call(this, id); }; Module._load = function (id, ...rest) { return _load.call(this, id, ...rest); };
    const { Worker } = require('worker_threads'); const worker = new Worker(${EVAL}, { eval: true, execArgv: [], env: {} }); ${collect}`,
  'dynamic import': `import('node:worker_threads').then(({ Worker }) => { const worker = new Worker(${EVAL}, { eval: true, execArgv: [], env: {} }); ${collect} });`,
};
const modules = {
  'import { Worker }': `import { Worker } from 'worker_threads'; const worker = new Worker(${EVAL}, { eval: true, execArgv: [], env: {} }); ${collect}`,
  'import default': `import threads from 'node:worker_threads'; const worker = new threads.Worker(${EVAL}, { eval: true, execArgv: [], env: {} }); ${collect}`,
};

test('the rows read the file without us', {skip: lacks('worker_threads')}, async () => {
  const result = await run(programs['env and execArgv'], {attach: 'plain', nodeArgs: workerArgs});
  assert.equal(result.value.name, 'read', result.about());
});

for (const attach of ['preload', 'import']) {
  for (const [name, program] of [...Object.entries(programs), ...Object.entries(modules)]) {
    const needed = program.startsWith('import ') || /import\(/.test(program) ? ['ES modules'] : [];
    test(`${attach}: ${name}`, {skip: lacks('worker_threads', ...needed)}, async (t) => {
      if (name === 'the worker event') {
        const plain = await run(program, {attach: 'plain', nodeArgs: workerArgs});
        if (plain.stdout === '') return t.skip('this Node has no such event');
      }
      const result = await run(program, {
        policy,
        attach,
        nodeArgs: workerArgs,
        name: program.startsWith('import ') ? 'main.mjs' : 'main.js',
        files: {'worker.js': BODY},
      });
      assert.equal(result.value.name, 'TrendAppProtectDenied', result.about());
      assert.ok(!result.value.execArgv.some((word) => word.includes('node.js')), 'our option shows');
      if (name === 'a file')
        assert.deepEqual([result.value.argv, result.value.data], [has["a worker's execArgv"] ? ['a'] : [], 7]);
      if (name === 'execArgv of its own' && has["a worker's execArgv"])
        assert.deepEqual(result.value.execArgv, ['--no-warnings']);
    });
  }
}

test("options of the process do not stop a worker (code attachment under Lambda's command line)", async () => {
  const result = await run(programs['default options'], {
    policy,
    attach: 'import',
    nodeArgs: [
      ...workerArgs,
      '--expose-gc',
      '--max-http-header-size',
      '81920',
      '--max-old-space-size=200',
      '--no-warnings',
    ],
  });
  assert.equal(result.value.name, 'TrendAppProtectDenied', result.about());
});

test('what the user gets wrong fails as without us', async () => {
  const rows = [
    "new Worker('relative.js')",
    'new Worker(7)',
    "new Worker('0', { eval: true, execArgv: ['--max-old-space-size=9'] })",
    "new Worker('0', { eval: true, execArgv: 'no' })",
    'Worker()',
    'new Worker(__filename, null)',
    "new Worker('0', { eval: true, env: 7 })",
  ];
  const program = `const { Worker } = require('worker_threads'); console.log(JSON.stringify([${rows.map((row) => `() => ${row}`).join(', ')}].map((f) => {
    try { f(); return 'no error'; } catch (e) { return [e.name, e.code, e.message.slice(0, 60)]; } })))`;
  const nodeArgs = workerArgs;
  const [plain, ours] = [await run(program, {attach: 'plain', nodeArgs}), await run(program, {policy, nodeArgs})];
  assert.deepEqual(ours.value, plain.value);
});

test('--expose-internals is refused under native_code: deny', {skip: lacks("a worker's execArgv")}, async () => {
  const program = `${get} try { new Worker('0', { eval: true, execArgv: ['--expose-internals'] }); console.log('"started"'); } catch (e) { console.log(JSON.stringify(e.name)); }`;
  const result = await run(program, {policy});
  assert.equal(result.value, 'TrendAppProtectDenied', result.about());
  assert.equal(result.events[0].policy, 'native_code');
});

test('worker_threads is not loaded for a program that does not use it', async () => {
  const program = "console.log(JSON.stringify(process.moduleLoadList.includes('NativeModule worker_threads')))";
  const plain = await run(program, {attach: 'plain'});
  const ours = await run(program, {policy});
  assert.equal(ours.value, plain.value);
});

test('process.chdir stays what it is', {skip: lacks('worker_threads')}, async () => {
  const program = `
    const before = Object.getOwnPropertyDescriptor(process, 'chdir');
    process.chdir('/'); const own = function chdir() {}; const real = process.chdir; process.chdir = own;
    const kept = process.chdir === own; process.chdir = real;
    require('worker_threads'); process.chdir('/usr');
    console.log(JSON.stringify([kept, process.cwd(), typeof process.chdir, before.enumerable]));`;
  const nodeArgs = workerArgs;
  const [plain, ours] = [await run(program, {attach: 'plain', nodeArgs}), await run(program, {policy, nodeArgs})];
  assert.deepEqual(ours.value, plain.value);
});

test('a module that require() loads as ES module is not too early', {skip: major < 22}, async () => {
  const result = await run("require('./first.mjs')", {
    policy,
    nodeArgs: ['--experimental-require-module', '--no-warnings'],
    files: {'first.mjs': modules['import { Worker }']},
  });
  assert.equal(result.value.name, 'TrendAppProtectDenied', result.about());
});

test('process.moduleLoadList stays a list', async () => {
  const program = `
    const before = process.moduleLoadList.length; process.moduleLoadList.push('x'); require('zlib');
    console.log(JSON.stringify([Array.isArray(process.moduleLoadList), process.moduleLoadList.includes('NativeModule zlib'),
      process.moduleLoadList.length > before, Object.getPrototypeOf(process.moduleLoadList) === Array.prototype]));`;
  assert.deepEqual((await run(program, {policy})).value, [true, true, true, true]);
});
