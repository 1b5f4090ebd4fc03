// SPDX-License-Identifier: Apache-2.0
//
// User code that tries to get around the hooks. Each row must fail to get the text of a file that it gets without us; where
// it breaks Node itself, breaking is as good as being refused.
'use strict';

const test = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const {run, folder, stage, major, lacks, workerArgs} = require('./protected');

const home = folder();
const secret = path.join(home, 'secret');
const open = path.join(home, 'open');
fs.writeFileSync(secret, 'SECRET');
fs.writeFileSync(open, 'open');
const policy = {schema: 1, name: 'a', files: {rules: [{path: secret, read: 'deny', write: 'deny'}]}};

const S = JSON.stringify(secret);
const READ = `require('fs').readFileSync(${S}, 'utf8')`;

const ROWS = {
  'our variables edited': `for (const k of Object.keys(process.env)) if (/^(TREND_AP|ES_|LD_)/.test(k)) delete process.env[k]; process.env.TREND_AP_AGENT_ENABLED = 'false'; process.env.TREND_AP_POLICY = '{"schema":1}'; return ${READ};`,
  'NODE_OPTIONS and LD_PRELOAD edited': `process.env.NODE_OPTIONS = ''; process.env.LD_PRELOAD = ''; return require('child_process').execFileSync('cat', [${S}], { encoding: 'utf8', stdio: 'pipe' });`,
  'an emptied environment for a child': `return require('child_process').execFileSync('/bin/cat', [${S}], { encoding: 'utf8', env: {}, stdio: 'pipe' });`,
  'the package required again': `delete require.cache[require.resolve(${JSON.stringify(path.join(stage, 'app_protect/node.js'))})]; try { require(${JSON.stringify(path.join(stage, 'app_protect/node.js'))}).attach(); } catch {} return ${READ};`,
  'the binding': `const b = process.binding('fs'); const fd = b.open.length >= 0 && b.open(${S}, 0, 0o666, ...(parseInt(process.versions.node) < 20 ? [undefined, {}] : [])); const t = Buffer.alloc(6); require('fs').readSync(fd, t, 0, 6, 0); return t.toString();`,
  'the binding replaced': `const b = process.binding('fs'); try { b.open = b.stat; } catch {} delete b.open; try { Object.defineProperty(b, 'open', { value: () => 3 }); } catch {} return ${READ};`,
  'Buffer path': `return require('fs').readFileSync(Buffer.from(${S}), 'utf8');`,
  'dots and doubled slashes': `return require('fs').readFileSync(${S}.replace(/\\/([^/]+)$/, '/.//../' + require('path').basename(require('path').dirname(${S})) + '//$1'), 'utf8');`,
  'a symlink': `const l = require('path').join(__dirname, 'l'); require('fs').symlinkSync(${S}, l); return require('fs').readFileSync(l, 'utf8');`,
  'a hard link': `const l = ${S} + '.hard'; require('fs').linkSync(${S}, l); return require('fs').readFileSync(l, 'utf8');`,
  'a renamed file': `const l = ${S} + '.moved'; require('fs').renameSync(${S}, l); return require('fs').readFileSync(l, 'utf8');`,
  'a renamed folder': `const d = require('path').dirname(${S}); require('fs').renameSync(d, d + '.moved'); try { return require('fs').readFileSync(d + '.moved/secret', 'utf8'); } finally { require('fs').renameSync(d + '.moved', d); }`,
  '/proc/self/root': `return require('fs').readFileSync('/proc/self/root' + ${S}, 'utf8');`,
  'a copy': `const c = require('path').join(__dirname, 'c'); require('fs').copyFileSync(${S}, c); return require('fs').readFileSync(c, 'utf8');`,
  cpSync: `const c = require('path').join(__dirname, 'c'); require('fs').cpSync(${S}, c); return require('fs').readFileSync(c, 'utf8');`,
  'r+ and a+': `for (const f of ['r+', 'a+']) { try { const fd = require('fs').openSync(${S}, f); const t = Buffer.alloc(6); require('fs').readSync(fd, t, 0, 6, 0); return t.toString(); } catch {} } throw new Error('refused');`,
  'chdir and a relative path': `process.chdir(require('path').dirname(${S})); return require('fs').readFileSync('secret', 'utf8');`,
  'String.prototype': `for (const k of Object.getOwnPropertyNames(String.prototype)) if (!/^(constructor|length|toString|valueOf)$/.test(k)) { const o = String.prototype[k]; if (typeof o === 'function') String.prototype[k] = function (...a) { return String(this).includes === undefined ? o.apply(this, a) : o.apply(this, a); }; } String.prototype.startsWith = () => true; String.prototype.endsWith = () => true; return ${READ};`,
  'getters on Object.prototype': `for (const k of ['result', 'first', 'value', 'get', 'loader', 'api', 'stack', 'errno', 'name']) Object.defineProperty(Object.prototype, k, { configurable: true, get() { return k === 'result' ? 7 : undefined; }, set(v) { Object.defineProperty(this, k, { value: v, configurable: true, writable: true, enumerable: true }); } }); return ${READ};`,
  'setters on Array.prototype': `for (const k of ['0', '1', '2']) Object.defineProperty(Array.prototype, k, { configurable: true, get() { return undefined; }, set(v) {} }); try { return ${READ}; } finally { for (const k of ['0', '1', '2']) delete Array.prototype[k]; }`,
  'Function.prototype': `const { call, apply, bind } = Function.prototype; Function.prototype.call = function () { return undefined; }; Function.prototype.apply = function () { return undefined; }; try { return ${READ}; } finally { Object.assign(Function.prototype, { call, apply, bind }); }`,
  Reflect: `for (const k of Object.getOwnPropertyNames(Reflect)) { try { Reflect[k] = () => undefined; } catch {} } return ${READ};`,
  'a prepareStackTrace that throws': `Error.prepareStackTrace = () => { throw new Error('mine'); }; return ${READ};`,
  'a prepareStackTrace that reads': `let got; Error.prepareStackTrace = (e, sites) => { for (const s of sites) { const f = s.getFunction(); if (f) { try { got = f(${S}, 'utf8'); } catch {} } } return 'x'; }; try { ${READ}; } catch (e) { void e.stack; } if (typeof got === 'string') return got; throw new Error('refused');`,
  'a frozen Error': `Object.freeze(Error); return ${READ};`,
  'another Error': `globalThis.Error = class extends Error { static prepareStackTrace() { return { loader: 'esm' }; } }; return ${READ};`,
  'captureStackTrace replaced': `Error.captureStackTrace = (o) => { o.stack = { __proto__: null, loader: 'esm', api: 'x', stack: [] }; }; return ${READ};`,
  'CallSite patched': `Error.prepareStackTrace = (e, s) => s; const p = Object.getPrototypeOf(new Error().stack[0]); Error.prepareStackTrace = undefined; p.getFileName = () => 'node:internal/modules/esm/load'; return ${READ};`,
  'nextTick swallowed': `const t = process.nextTick; process.nextTick = () => {}; return new Promise((y, n) => { require('fs').readFile(${S}, 'utf8', (e, v) => (e ? n(e) : y(v))); setTimeout(() => n(new Error('nothing came')), 500); });`,
  'Promise replaced': `const P = Promise; globalThis.Promise = class extends P { static reject(v) { return P.resolve('x'); } }; return require('fs').promises.readFile(${S}, 'utf8');`,
  'shared memory under a path': `const shared = new SharedArrayBuffer(256); const view = new Uint8Array(shared, 0, ${JSON.stringify(Math.max(secret.length, open.length))}).fill(0x2f);
    const put = (t) => { for (let i = 0; i < view.length; i++) view[i] = i < t.length ? t.charCodeAt(i) : 0; };
    const w = new (require('worker_threads').Worker)('const { workerData: [s, a, b, n] } = require("worker_threads"); const v = new Uint8Array(s, 0, n); const put = (t) => { for (let i = 0; i < n; i++) v[i] = i < t.length ? t.charCodeAt(i) : 0; }; const end = Date.now() + 700; while (Date.now() < end) { put(a); put(b); }', { eval: true, workerData: [shared, ${S}, ${JSON.stringify(open)}, view.length] });
    put(${JSON.stringify(open)}); const end = Date.now() + 600; let got = SHORT_CUT ? 'SECRET' : undefined;
    while (Date.now() < end && got !== 'SECRET') { try { got = process.binding('fs').readFileUtf8 ? process.binding('fs').readFileUtf8(view, 0) : undefined; } catch {} } w.terminate(); if (got === 'SECRET') return got; throw new Error('refused');`,
  'a vm context': `return require('vm').runInNewContext('read(path, "utf8")', { read: require('fs').readFileSync, path: ${S} });`,
  "another realm's process": `return require('vm').runInNewContext('process.binding("fs")', { process }) && ${READ};`,
  'module.register-like re-import': `return import('node:fs').then((m) => m.readFileSync(${S}, 'utf8'));`,
  streams: `return new Promise((y, n) => { let t = ''; require('fs').createReadStream(${S}).on('data', (d) => { t += d; }).on('end', () => y(t)).on('error', n); });`,
  'a custom fs for streams': `return new Promise((y, n) => { let t = ''; const fs = require('fs'); fs.createReadStream(${S}, { fs: { open: fs.open, read: fs.read, close: fs.close } }).on('data', (d) => { t += d; }).on('end', () => y(t)).on('error', n); });`,
  'the report writer as a reader': `process.report.directory = require('path').dirname(${S}); process.report.writeReport('secret'); return ${READ};`,
};

// Rows that do not read the file without us either: what they try is to turn our own code, not Node's.
const BREAKS_NODE = [
  'a prepareStackTrace that reads',
  'nextTick swallowed',
  'the report writer as a reader',
  'Function.prototype',
  'Reflect',
  'the binding replaced',
  'String.prototype',
  'getters on Object.prototype',
];

// What a row needs that not every Node has.
const NEEDS = {
  'another Error': ['globalThis'],
  'Promise replaced': ['globalThis'],
  cpSync: ['fs.cpSync'],
  'module.register-like re-import': ['ES modules'],
  'the report writer as a reader': ['process.report'],
  'shared memory under a path': ['worker_threads'],
};

for (const [name, body] of Object.entries(ROWS)) {
  test(name, {skip: NEEDS[name] !== undefined && lacks(...NEEDS[name])}, async () => {
    const program = (plain) =>
      `(async () => { try { console.log(JSON.stringify({ text: String(await (async () => { ${body.replace('SHORT_CUT', plain)} })()) })); } catch (e) { console.log(JSON.stringify({ refused: String(e && e.code) })); } })();`;
    fs.writeFileSync(secret, 'SECRET');
    const options = {nodeArgs: name === 'shared memory under a path' ? workerArgs : []};
    const plain = await run(program(true), {attach: 'plain', ...options});
    const works = plain.stdout.includes('"text":"SECRET');
    fs.rmSync(`${secret}.hard`, {force: true});
    fs.rmSync(`${secret}.moved`, {force: true});
    fs.writeFileSync(secret, 'SECRET');
    const result = await run(program(false), {policy, ...options});
    assert.ok(!result.stdout.includes('SECRET'), result.about());
    assert.equal(fs.readFileSync(secret, 'utf8'), 'SECRET', 'the file was changed');
    assert.ok(works || BREAKS_NODE.includes(name), `the row gets nothing without us: ${plain.about()}`);
  });
}

// Line 1 by itself: what it reads of its own arrays is nobody else's to give.
for (const [name, trick] of Object.entries({
  'an iterator of arrays':
    "Array.prototype[Symbol.iterator] = function* () { yield 'fs.x'; yield 'open'; yield 'stat'; };",
  'elements of arrays':
    "Object.defineProperty(Array.prototype, 0, {configurable: true, get: () => '/x/package.json', set() {}}); Object.defineProperty(Array.prototype, 2, {configurable: true, get: () => 'stat', set() {}});",
})) {
  const skip = major < 14 && name.includes('iterator') && 'it breaks this Node itself';
  test(`line 1 alone, ${name} replaced`, {skip}, async () => {
    const program = `
      const fs = require('fs'), text = require('path').join(__dirname, 'secret.txt'), json = require('path').join(__dirname, 'secret.json');
      const binding = process.binding('fs'), read = binding.internalModuleReadJSON;
      fs.writeFileSync(text, 'SECRET text');
      fs.writeFileSync(json, '{"name": "SECRET"}');
      let restore = () => {};
      ${trick}
      let shown = '';
      try { require(text); } catch (e) { shown += e.stack; }
      try { if (read) shown += JSON.stringify(binding.internalModuleReadJSON(json)); } catch (e) { shown += e.code; }
      restore();
      fs.writeSync(1, shown.includes('SECRET') ? '"shown"' : '"hidden"');`;
    const closed = {schema: 1, name: 'a', files: {application: {read: 'deny', write: 'grant'}}, native_code: 'grant'};
    const env = {TREND_AP_PLUGINS_DISABLED: 'interpose'};
    const plain = await run(program, {attach: 'plain'});
    assert.equal(plain.value, 'shown', plain.about());
    const result = await run(program, {policy: closed, env});
    assert.equal(result.value, 'hidden', result.about());
  });
}

test('our own native code is given to nobody else', {skip: lacks('worker_threads')}, async () => {
  const addon = path.join(stage, 'app_protect/node/app_protect.node');
  const program = `
    const load = () => { const m = {exports: {}}; process.dlopen(m, ${JSON.stringify(addon)}); if (m.exports.complete) m.exports.complete(); return Object.keys(m.exports).length; };
    const again = () => Object.keys(require(${JSON.stringify(addon)})).length;
    const {Worker, isMainThread, parentPort} = require('worker_threads');
    const counts = [load(), load(), again()];
    if (!isMainThread) parentPort.postMessage(counts);
    else new Worker(__filename).on('message', (theirs) => console.log(JSON.stringify([counts, theirs])));`;
  const plain = await run(program, {attach: 'plain', nodeArgs: workerArgs});
  assert.ok(plain.value[0][0] > 30 && plain.value[1][0] > 30, plain.about());
  const grants = {schema: 1, name: 'own', native_code: 'grant', outbound: 'deny'};
  for (const attach of ['preload', 'import']) {
    const result = await run(program, {policy: grants, attach, nodeArgs: workerArgs});
    assert.deepEqual(
      result.value,
      [
        [0, 0, 0],
        [0, 0, 0],
      ],
      result.about(),
    );
  }
});

test('a stack that is used up at the first refusal breaks none of the next', async () => {
  const home = folder();
  const secret = path.join(home, 'secret');
  fs.writeFileSync(secret, 'secret');
  const program = `
    const fs = require('fs');
    const read = () => fs.readFileSync(${JSON.stringify(secret)}, 'utf8');
    const deep = () => { try { return deep(); } catch (e) { if (e.name === 'TrendAppProtectDenied') throw e; return read(); } };
    const said = (f) => { try { return f(); } catch (e) { return e.name; } };
    const first = said(deep);
    console.log(JSON.stringify([first, said(read), said(read)]));`;
  const rule = (read) => ({schema: 1, name: 'deep', files: {rules: [{path: secret, read}]}});
  const denied = await run(program, {policy: rule('deny')});
  assert.notEqual(denied.value[0], 'secret', denied.about());
  assert.deepEqual(denied.value.slice(1), ['TrendAppProtectDenied', 'TrendAppProtectDenied'], denied.about());
  const observed = await run(program, {policy: rule('observe')});
  assert.deepEqual(observed.value.slice(1), ['secret', 'secret'], observed.about());
});

test('our own files are not written to, so that what is read later is ours', async () => {
  const secret = path.join(folder(), 'secret');
  fs.writeFileSync(secret, 'secret');
  const program = `
    const fs = require('fs'), cp = require('child_process');
    const [opt, secret] = process.argv.slice(2);
    const later = opt + '/app_protect/node/later/hooks/connections.js', library = opt + '/app_protect/lib/libapp_protect.so';
    const said = (f) => { try { f(); return 'done'; } catch (e) { return e.code; } };
    const written = [
      said(() => fs.writeFileSync(later, "(function (get) { return (m) => { global.stolen = get('binding.js'); m.exports = {}; }; })")),
      said(() => fs.linkSync(library, opt + '/second')),
      said(() => fs.renameSync(library, library + '.old')),
      said(() => fs.renameSync(opt + '/app_protect', opt + '/away')),
    ];
    require('net');
    let child = '';
    try { child = cp.execFileSync('/bin/cat', [secret], {encoding: 'utf8', stdio: 'pipe'}); } catch { }
    console.log(JSON.stringify([written, typeof global.stolen, child]));`;
  const policy = {
    schema: 1,
    name: 'own',
    files: {rules: [{path: secret, read: 'deny'}]},
    child_processes: 'grant',
  };
  const copy = () => {
    const opt = path.join(folder(), 'opt');
    fs.cpSync(stage, opt, {recursive: true});
    return opt;
  };
  const plain = await run(program, {attach: 'plain', args: [copy(), secret]});
  assert.deepEqual(plain.value, [['done', 'done', 'done', 'done'], 'undefined', 'secret'], plain.about());
  const opt = copy();
  const nodeArgs = ['--require', path.join(opt, 'app_protect/node.js')];
  const result = await run(program, {policy, attach: 'none', nodeArgs, args: [opt, secret]});
  assert.deepEqual(result.value, [['EPERM', 'EPERM', 'EPERM', 'EPERM'], 'undefined', ''], result.about());
});
