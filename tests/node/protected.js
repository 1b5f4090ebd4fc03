// SPDX-License-Identifier: Apache-2.0
//
// Programs under a policy: each test starts one, looks at what really happened, then at the event lines.
//
//   const result = await run("require('fs').readFileSync('/tmp/x')", { policy: { schema: 1, files: { tmp: 'deny' } } });
//   assert.equal(result.events.length, 1);
//
// The interpreter is the one that runs the tests, or APP_PROTECT_NODE; the product is the staged tree of the build (APP_PROTECT_BUILD, else
// build/dev). Programs live below /var/tmp: /tmp and the program's own folder are dimensions of the policy.
'use strict';

const {execFileSync, spawn} = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

const root = path.resolve(__dirname, '../..');
const build = path.resolve(process.env.APP_PROTECT_BUILD || path.join(root, 'build/dev'));
const stage = path.join(build, 'stage');
const preload = path.join(stage, 'app_protect/node.js');
const nodePath = path.join(stage, 'nodejs/node_modules');
// An older Node than the test runner needs is named by APP_PROTECT_NODE.
const node = process.env.APP_PROTECT_NODE || process.execPath;
const version = execFileSync(node, ['--version'], {encoding: 'utf8'}).trim().slice(1);
const major = parseInt(version, 10);
const LIMIT_MS = 60_000;

// What the Node under test has, as it says itself. Before 12 workers need an option of the process.
const QUESTIONS = {
  fetch: "typeof fetch === 'function'",
  'fs.cpSync': "typeof require('fs').cpSync === 'function'",
  'fs.opendir': "typeof require('fs').opendir === 'function'",
  'fs/promises': "require('module').builtinModules.includes('fs/promises')",
  'dns/promises': "require('module').builtinModules.includes('dns/promises')",
  'node: in require': "require('node:fs') !== undefined",
  '--import': "process.allowedNodeEnvironmentFlags.has('--import')",
  worker_threads: "require('worker_threads') !== undefined",
  "a worker's execArgv": "!process.version.startsWith('v10.')",
  'process.execve': "typeof process.execve === 'function'",
  'process.report': "typeof process.report === 'object' && typeof process.report.writeReport === 'function'",
  'ES modules': "require('module').syncBuiltinESMExports !== undefined",
  AsyncLocalStorage: "typeof require('async_hooks').AsyncLocalStorage === 'function'",
  'dgram connect': "typeof require('dgram').Socket.prototype.connect === 'function'",
  globalThis: "typeof globalThis === 'object'",
};
function ask(options) {
  const asked = Object.entries(QUESTIONS).map(([name, text]) => `[${JSON.stringify(name)}, () => ${text}]`);
  const program = `console.log(JSON.stringify([${asked}].map(([name, f]) => { try { return [name, f() === true]; } catch (e) { return [name, false]; } })))`;
  return Object.fromEntries(
    JSON.parse(execFileSync(node, [...options, '-e', program], {encoding: 'utf8', stdio: 'pipe'})),
  );
}
let workerArgs = [];
let has = ask([]);
if (!has.worker_threads) {
  workerArgs = ['--experimental-worker', '--no-warnings'];
  has = ask(workerArgs);
}
/** The reason for which a test that needs these is left out, or false. */
function lacks(...needed) {
  const missing = needed.filter((name) => !has[name]);
  for (const name of needed) if (!(name in QUESTIONS)) throw new Error(`nobody asks for ${name}`);
  return missing.length > 0 && `Node ${version} has no ${missing.join(', ')}`;
}

if (!fs.existsSync(path.join(stage, 'app_protect/lib/libapp_protect.so'))) {
  throw new Error(`${stage} is not there: run \`make build\` first`);
}

const folders = [];
process.on('exit', () => folders.forEach((folder) => fs.rmSync(folder, {recursive: true, force: true})));

/** A scratch folder, removed at the end; /var/tmp is outside every dimension. */
function folder(below = '/var/tmp') {
  const made = fs.realpathSync(fs.mkdtempSync(path.join(below, 'app-protect-')));
  folders.push(made);
  return made;
}

/** Variables of a program: ours are removed, the policy and the event log set; undefined removes one. */
function environment(policy, events, extra = {}) {
  const result = {};
  for (const [key, value] of Object.entries(process.env)) {
    if (!/^(TREND_AP_|ES_|IMMUNIO_|AWS_|LAMBDA_|NODE_|TMPDIR$)/.test(key)) result[key] = value;
  }
  result.TREND_AP_EVENT_LOG_FILE = events;
  if (policy !== undefined) result.TREND_AP_POLICY = typeof policy === 'string' ? policy : JSON.stringify(policy);
  for (const [key, value] of Object.entries(extra)) {
    if (value === undefined) delete result[key];
    else result[key] = value;
  }
  return result;
}

function readEvents(file) {
  if (!fs.existsSync(file)) return [];
  return fs
    .readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('{"source":"appDefender"'))
    .map((line) => JSON.parse(line));
}

/**
 * Runs a Node program in a process of its own.
 * @param {string} program its text
 * @param {object} [options]
 *   policy: object or text for TREND_AP_POLICY; attach: 'plain' (without us), 'preload' (--require, the default) or 'import';
 *   files: more files of its folder (name -> text); home: an existing folder instead; name: of the main file; env; args;
 *   nodeArgs: options of the interpreter; command: the whole command line instead.
 * @returns {Promise<{status, signal, stdout, stderr, events, health, value, about}>} events without agent_health
 */
function run(program, options = {}) {
  const home = options.home || folder();
  const log = path.join(folder(), 'events.log');
  const name = options.name || 'main.js';
  for (const [file, text] of Object.entries(options.files || {})) {
    fs.mkdirSync(path.dirname(path.join(home, file)), {recursive: true});
    fs.writeFileSync(path.join(home, file), text);
  }
  const attach = options.attach || 'preload';
  const first =
    attach === 'import'
      ? name.endsWith('.mjs')
        ? "import 'trend_app_protect';\n"
        : "require('trend_app_protect');\n"
      : '';
  fs.writeFileSync(path.join(home, name), first + program);
  if (attach === 'import' && !fs.existsSync(path.join(home, 'node_modules')))
    fs.symlinkSync(nodePath, path.join(home, 'node_modules'));
  const nodeArgs = [...(attach === 'preload' ? ['--require', preload] : []), ...(options.nodeArgs || [])];
  const words = options.command || [node, ...nodeArgs, path.join(home, name), ...(options.args || []).map(String)];
  const env = environment(options.policy, log, options.env);
  if (attach === 'plain') delete env.TREND_AP_POLICY;

  return new Promise((resolve, reject) => {
    const child = spawn(words[0], words.slice(1), {cwd: options.cwd || home, env, stdio: ['ignore', 'pipe', 'pipe']});
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text) => {
      stderr += text;
    });
    const timer = setTimeout(() => child.kill('SIGKILL'), LIMIT_MS);
    child.on('error', reject);
    child.on('close', (status, signal) => {
      clearTimeout(timer);
      const all = readEvents(log);
      const events = all.filter((event) => event.policy !== 'agent_health');
      const health = all.filter((event) => event.policy === 'agent_health');
      const about = () =>
        `status ${status} ${signal || ''}\n--- stdout\n${stdout.slice(-4000)}\n--- stderr\n${stderr.slice(-4000)}\n--- events\n${all.map((e) => JSON.stringify(e)).join('\n')}`;
      resolve({
        status,
        signal,
        stdout,
        stderr,
        events,
        health,
        about,
        get value() {
          try {
            return JSON.parse(stdout.trim().split('\n').pop());
          } catch {
            throw new Error(`the program printed no JSON\n${about()}`);
          }
        },
      });
    });
  });
}

/** An error's errno as a number: before Node 13 its own errors of sockets and processes have the code there. */
function errno(error) {
  return major < 13 && error.errno === 'EPERM' ? -1 : error.errno;
}

/** How often events were counted: a folded line stands for `count` operations. */
function count(events) {
  return events.reduce((sum, event) => sum + event.count, 0);
}

module.exports = {
  ...{run, folder, environment, count, errno, has, lacks, workerArgs},
  ...{root, build, stage, preload, nodePath, node, version, major, LIMIT_MS},
};
