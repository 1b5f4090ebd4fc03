// SPDX-License-Identifier: Apache-2.0
//
// Ways to start, what is said when it cannot be, and that a program under us is otherwise the same.
'use strict';

const test = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const {spawnSync} = require('node:child_process');
const {run, folder, count, has, lacks, root, stage, preload, node, nodePath, major} = require('./protected');

const policy = {schema: 1, name: 'start', files: {tmp: 'deny'}};
const READ =
  "let name = 'read'; try { require('fs').readFileSync('/tmp/never'); } catch (e) { name = e.name; } console.log(JSON.stringify(name));";

test('every way to attach enforces', async (t) => {
  const esm =
    "import fs from 'fs'; let name = 'read'; try { fs.readFileSync('/tmp/never'); } catch (e) { name = e.name; } console.log(JSON.stringify(name));";
  const ways = {
    require: [READ, {attach: 'import'}],
    import: [esm, {attach: 'import', name: 'main.mjs'}],
    '--require of the package': [
      READ,
      {attach: 'none', nodeArgs: ['--require', path.join(nodePath, 'trend_app_protect')]},
    ],
    '--import of the package': [
      READ,
      {attach: 'none', nodeArgs: ['--import', path.join(nodePath, 'trend_app_protect/index.js')]},
    ],
    NODE_OPTIONS: [READ, {attach: 'none', env: {NODE_OPTIONS: `--require ${preload}`}}],
    preload: [READ, {}],
    'preload, main in ESM': [esm, {name: 'main.mjs'}],
  };
  for (const [name, [program, options]] of Object.entries(ways)) {
    const needed = name === '--import of the package' ? ['--import'] : /import|ESM/.test(name) ? ['ES modules'] : [];
    await t.test(name, {skip: lacks(...needed)}, async () => {
      const result = await run(program, {policy, ...options});
      assert.equal(result.value, 'TrendAppProtectDenied', result.about());
      assert.equal(count(result.events), 1, result.about());
      assert.match(
        result.stderr,
        /^\[INFO\] \[app_protect\] \d+\.\d+\.\d+ enforcing "start" from TREND_AP_POLICY: .*\n$/,
      );
    });
  }
});

test('the API', async () => {
  const program = `
    const known = require('trend_app_protect');
    const { EventEmitter } = require('events');
    const { agent } = known;
    let inside;
    const value = agent.withTransaction('t', () => { inside = agent.currentTransaction().type; return 5; });
    console.log(JSON.stringify([Object.keys(known).sort(), agent instanceof EventEmitter, agent.enabled, agent.start() === agent, value, inside,
      agent.currentTransaction(), agent.ignoreHooks(() => 6), typeof known.status(), require('trend_app_protect') === known]));`;
  const result = await run(program, {policy, attach: 'import'});
  assert.deepEqual(
    result.value,
    [['agent', 'api', 'status'], true, true, true, 5, 't', null, 6, 'object', true],
    result.about(),
  );
  if (!has['ES modules']) return;
  const named = await run(
    "import { api, agent, status } from 'trend_app_protect'; console.log(JSON.stringify([typeof api, typeof agent, typeof status]))",
    {policy, attach: 'import', name: 'main.mjs'},
  );
  assert.deepEqual(named.value, ['object', 'object', 'function']);
});

test('ignoreHooks relaxes nothing', async () => {
  const result = await run(`const { agent } = require('trend_app_protect'); agent.ignoreHooks(() => { ${READ} })`, {
    policy,
    attach: 'import',
  });
  assert.equal(result.value, 'TrendAppProtectDenied');
});

test('a policy that cannot be used ends the start with what is wrong', async (t) => {
  const bad = {
    'broken JSON': ['{', /TREND_AP_POLICY/],
    'an unknown key': ['{"schema":1,"outbund":"deny"}', /outbund.*outbound/],
    'a bad action': ['{"schema":1,"outbound":"perhaps"}', /outbound.*perhaps|perhaps/],
  };
  for (const [name, [text, message]] of Object.entries(bad)) {
    for (const attach of ['preload', 'import']) {
      await t.test(`${name}, ${attach}`, async () => {
        const result = await run("console.log('started')", {policy: text, attach});
        assert.notEqual(result.status, 0);
        assert.equal(result.stdout, '');
        assert.match(result.stderr, /ConfigError: /);
        assert.match(result.stderr, message);
      });
    }
  }
  await t.test('a policy file that is not there', async () => {
    const result = await run("console.log('started')", {env: {TREND_AP_POLICY_FILE: '/nowhere/p.json'}});
    assert.notEqual(result.status, 0);
    assert.match(result.stderr, /ConfigError: .*\/nowhere\/p\.json/);
  });
});

test('switched off', async () => {
  const result = await run(READ, {policy, env: {TREND_AP_AGENT_ENABLED: 'false'}});
  assert.equal(result.value, 'Error', result.about()); // ENOENT: nothing is hooked
  const api = await run(
    "const { api, agent } = require('trend_app_protect'); const f = () => 1; console.log(JSON.stringify([api.aws_lambda.protectHandler(f) === f, agent.enabled]))",
    {policy, attach: 'import', env: {TREND_AP_AGENT_ENABLED: 'false'}},
  );
  assert.deepEqual(api.value, [true, false]);
});

test('two copies of the agent are one', async () => {
  const other = folder();
  fs.cpSync(stage, path.join(other, 'opt'), {recursive: true});
  const second = path.join(other, 'opt/nodejs/node_modules/trend_app_protect');
  const result = await run(
    `const a = require('trend_app_protect'), b = require(${JSON.stringify(second)}); if (a.status !== b.status) throw 1; ${READ}`,
    {policy, attach: 'import'},
  );
  assert.equal(result.value, 'TrendAppProtectDenied', result.about());
  assert.equal(count(result.events), 1, result.about());
  assert.equal(result.stderr.match(/enforcing/g).length, 1, result.about());
});

// Threads that wait at an entry while it is replaced are not taken off their processor there.
test('starts under a real-time policy on one processor', async (t) => {
  const realtime = ['-f', '1', 'taskset', '-c', '0'];
  if (spawnSync('chrt', [...realtime, 'true']).status !== 0) return t.skip('chrt may not do that here');
  for (let i = 0; i < 5; i++) {
    const started = spawnSync('chrt', [...realtime, node, '--require', preload, '-e', '0'], {
      timeout: 10_000,
      killSignal: 'SIGKILL',
    });
    assert.equal(started.status, 0, `start ${i}: ${started.signal || started.stderr}`);
  }
  return undefined;
});

test('without native code: unprotected and said so, or not started', async () => {
  const other = folder();
  fs.cpSync(stage, path.join(other, 'opt'), {recursive: true});
  fs.rmSync(path.join(other, 'opt/app_protect/lib/libapp_protect.so'));
  const nodeArgs = ['--require', path.join(other, 'opt/app_protect/node.js')];
  const open = await run("console.log('1')", {policy, attach: 'none', nodeArgs});
  assert.equal(open.status, 0, open.about());
  assert.match(open.stderr, /\[ERROR\] \[app_protect\] not protected: .*libapp_protect\.so/);
  const closed = await run("console.log('1')", {policy, attach: 'none', nodeArgs, env: {TREND_AP_FAIL_CLOSED: 'true'}});
  assert.notEqual(closed.status, 0);
  assert.match(closed.stderr, /no native code .* tried .*libapp_protect\.so/);
});

test('without native code a handler that is named is found and called', async () => {
  const other = folder();
  fs.cpSync(stage, path.join(other, 'opt'), {recursive: true});
  fs.rmSync(path.join(other, 'opt/app_protect/lib/libapp_protect.so'));
  const shim = path.join(other, 'opt/nodejs/node_modules/trend_app_protect_handler');
  for (const [name, text] of Object.entries({
    'index.js': 'exports.handler = async (event) => event.n + 1;',
    ...(has['ES modules'] && major >= 14 && {'index.mjs': 'export const handler = async (event) => event.n + 1;'}),
  })) {
    const home = folder();
    fs.writeFileSync(path.join(home, name), text);
    const result = await run(
      `(async () => console.log(JSON.stringify(await require(${JSON.stringify(shim)}).handler({n: 1}, {}))))();`,
      {policy, attach: 'none', env: {LAMBDA_TASK_ROOT: home, TREND_AP_HANDLER: 'index.handler'}},
    );
    assert.equal(result.value, 2, result.about());
    assert.match(result.stderr, /not protected/);
  }
});

// No Node older than 10 is to be had: one that says it is.
test('an older Node than we know: not protected, said so, and otherwise the same', async () => {
  const home = folder();
  const older = path.join(home, 'older.js');
  fs.writeFileSync(older, "Object.defineProperty(process.versions, 'node', {value: '8.17.0'});");
  const shim = path.join(nodePath, 'trend_app_protect_handler');
  const program = `
    const {status, api} = require(${JSON.stringify(path.join(nodePath, 'trend_app_protect'))});
    const handler = (event, context, callback) => callback(null, event);
    console.log(JSON.stringify([status().enabled, api.aws_lambda.protectHandler(handler) === handler, require(${JSON.stringify(shim)}).handler()]));`;
  fs.writeFileSync(path.join(home, 'index.js'), "exports.handler = () => 'called';");
  const env = {LAMBDA_TASK_ROOT: home, TREND_AP_HANDLER: 'index.handler'};
  const nodeArgs = ['--require', older, '--require', preload];
  const result = await run(program, {policy, attach: 'none', nodeArgs, env, home});
  assert.deepEqual(result.value, [false, true, 'called'], result.about());
  assert.equal(result.stderr.match(/Node 8\.17\.0 is not supported by this build/g).length, 1, result.about());
  const closed = await run(program, {
    policy,
    attach: 'none',
    nodeArgs,
    env: {...env, TREND_AP_FAIL_CLOSED: 'true'},
    home,
  });
  assert.notEqual(closed.status, 0, closed.about());
  assert.equal(closed.stdout, '', closed.about());
  assert.match(closed.stderr, /Node 8\.17\.0 is not supported by this build/);
});

test("the program's options and arguments do not show us", async () => {
  const program =
    'console.log(JSON.stringify([process.execArgv, process.argv.slice(2), Object.keys(process.env).filter((k) => /^(LD_|NODE_)/.test(k))]))';
  const result = await run(program, {policy, args: ['a', 'b']});
  assert.deepEqual(result.value, [[], ['a', 'b'], []], result.about());
});

test('--pending-deprecation says nothing of ours', async () => {
  const result = await run("console.log('1')", {policy, nodeArgs: ['--pending-deprecation']});
  assert.doesNotMatch(result.stderr, /Deprecation/);
});

test('under --permission the second line goes on', {skip: major < 20}, async () => {
  const flag = major >= 24 ? '--permission' : '--experimental-permission';
  const result = await run(READ, {
    policy,
    nodeArgs: [
      flag,
      '--allow-fs-read=*',
      '--allow-fs-write=*',
      '--allow-addons',
      '--allow-worker',
      '--allow-child-process',
      '--no-warnings',
    ],
  });
  assert.notEqual(result.value, 'read', result.about());
  assert.ok(result.events.length >= 1, result.about());
  assert.ok(
    result.health.some((event) => event.info.code === 'node_binding'),
    result.about(),
  );
});

test('under an all-observe policy a program is the same', async (t) => {
  const observe = {
    schema: 1,
    name: 'all',
    outbound: {action: 'observe', local: 'observe'},
    files: {tmp: 'observe', application: 'observe', elsewhere: 'observe'},
    child_processes: 'observe',
    native_code: 'observe',
  };
  const programs = {
    'errors of the file system': `const fs = require('fs'); const out = [];
      for (const f of [() => fs.readFileSync('/none'), () => fs.statSync('/none'), () => fs.openSync('/none/x', 'w'), () => fs.readdirSync('/etc/passwd'), () => fs.renameSync('/none', '/x'), () => fs.readFileSync(7777), () => fs.readFileSync({}), () => fs.mkdirSync('/'), () => fs.readFileSync('a\\0b'), () => fs.copyFileSync('/none', '/none2')]) {
        try { f(); out.push('ok'); } catch (e) { out.push([e.name, e.message, e.code, e.errno, e.syscall, e.path, e.dest, e.stack.split('\\n').length]); } }
      console.log(JSON.stringify(out));`,
    'callbacks and promises of failures': `const fs = require('fs'); (async () => { const out = [];
      for (const f of [() => fs.promises.readFile('/none'), () => (fs.promises.opendir || fs.promises.readdir)('/none'), () => new Promise((y, n) => fs.stat('/none', (e) => n(e))), () => new Promise((y, n) => fs.createReadStream('/none').on('error', n))]) await f().catch((e) => out.push([e.message, e.code]));
      console.log(JSON.stringify(out)); })()`,
    'a refused connection': `require('net').connect(1, '127.0.0.1').on('error', (e) => console.log(JSON.stringify([e.name, e.message, e.code, e.address, e.port])))`,
    'a server and its client': `const http = require('http'); const s = http.createServer((q, r) => r.end('x' + q.url)).listen(0, '127.0.0.1', () => http.get('http://127.0.0.1:' + s.address().port + '/y', { agent: false }, (r) => { let t = ''; r.on('data', (d) => { t += d; }).on('end', () => { console.log(JSON.stringify(t)); s.close(); }); }))`,
    'fetch from a server': `const http = require('http'); const s = http.createServer((q, r) => r.end('x' + q.url)).listen(0, '127.0.0.1', () => fetch('http://127.0.0.1:' + s.address().port + '/y').then((r) => r.text()).then((t) => { console.log(JSON.stringify(t)); s.close(); s.closeAllConnections && s.closeAllConnections(); }))`,
    children: `const c = require('child_process'); const r = c.spawnSync('sh', ['-c', 'echo out; echo err >&2; exit 3']); let m; try { c.execFileSync('/none'); } catch (e) { m = [e.message, e.code, e.errno, e.syscall, e.path]; }
      const x = c.spawn('/none'); x.on('error', (e) => console.log(JSON.stringify([r.status, String(r.stdout), String(r.stderr), m, e.message, x.pid === undefined])))`,
    'order of events': `const out = []; const fs = require('fs'); fs.readFile(__filename, () => { out.push('file'); setImmediate(() => { out.push('immediate'); console.log(JSON.stringify(out)); }); process.nextTick(() => out.push('tick')); Promise.resolve().then(() => out.push('promise')); }); out.push('start'); process.nextTick(() => out.push('tick0'));`,
    'async local storage': `const { AsyncLocalStorage } = require('async_hooks'); const s = new AsyncLocalStorage(); s.run(7, () => require('fs').stat('/', () => require('dns').lookup('localhost', () => console.log(JSON.stringify(s.getStore())))))`,
    'an uncaught error':
      "setTimeout(() => { throw new Error('uncaught'); }, 1); process.on('uncaughtException', (e) => console.log(JSON.stringify(e.message)))",
    'a stack of its own':
      "Error.prepareStackTrace = (e, sites) => sites.length; const before = Object.getOwnPropertyDescriptor(Error, 'prepareStackTrace').value; require('fs').readFileSync('/etc/hostname'); console.log(JSON.stringify([typeof new Error().stack, Error.prepareStackTrace === before, Error.stackTraceLimit]))",
    'the shape of fs':
      "const fs = require('fs'); console.log(JSON.stringify(Object.keys(fs).map((k) => [k, typeof fs[k], fs[k] && fs[k].name, fs[k] && fs[k].length])))",
    'the shape of process':
      'console.log(JSON.stringify(Object.getOwnPropertyNames(process).filter((k) => !/moduleLoadList|_preload_modules/.test(k)).map((k) => [k, typeof Object.getOwnPropertyDescriptor(process, k).value])))',
  };
  const needs = {'fetch from a server': 'fetch', 'async local storage': 'AsyncLocalStorage'};
  for (const [name, program] of Object.entries(programs)) {
    await t.test(name, {skip: needs[name] !== undefined && lacks(needs[name])}, async () => {
      const home = folder();
      const plain = await run(program, {attach: 'plain', home});
      const ours = await run(program, {policy: observe, home});
      const clean = (value) => JSON.stringify(value).replace(/127\.0\.0\.1:\d+/g, 'ADDRESS');
      assert.equal(clean(ours.value), clean(plain.value));
      assert.equal(ours.status, plain.status, ours.about());
    });
  }
});
