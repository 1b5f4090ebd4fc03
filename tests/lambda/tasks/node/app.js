// SPDX-License-Identifier: Apache-2.0
// Does what the event says, one operation at a time, and tells what came of each. See operations.py.
'use strict';

const childProcess = require('child_process');
const dgram = require('dgram');
const dns = require('dns');
const fs = require('fs');
const http = require('http');
const net = require('net');
const stream = require('stream');
const util = require('util');

// What this Node has not is not among the operations.
const threads = (() => {
  try {
    return require('worker_threads');
  } catch (error) {
    return undefined;
  }
})();

const operations = {
  tcp: (host, port, text) =>
    new Promise((resolve, reject) => {
      let got = '';
      const socket = net.connect({host, port, timeout: 5000});
      socket.on('timeout', () => socket.destroy(new Error('timeout')));
      socket.on('error', reject);
      socket.on('data', (data) => (got += data));
      socket.on('close', (failed) => failed || resolve(got));
      socket.end(text);
    }),

  http_get: (url) =>
    new Promise((resolve, reject) => {
      const request = http.get(url, {timeout: 5000, agent: false}, (response) => {
        let body = '';
        response.on('data', (data) => (body += data));
        response.on('end', () => resolve(body));
      });
      request.on('timeout', () => request.destroy(new Error('timeout')));
      request.on('error', reject);
    }),

  http_post: (host, port, text) =>
    new Promise((resolve, reject) => {
      const options = {host, port, method: 'POST', agent: false, timeout: 5000};
      const request = http.request(options, (response) => {
        response.resume();
        response.on('end', () => resolve('sent'));
      });
      request.on('timeout', () => request.destroy(new Error('timeout')));
      request.on('error', reject);
      request.end(text);
    }),

  fetch_post:
    typeof fetch === 'function' &&
    (async (host, port, text) => {
      const body = {method: 'POST', body: text, signal: AbortSignal.timeout(5000)};
      return (await fetch(`http://${host}:${port}/`, body)).text();
    }),

  udp: (host, port, text) =>
    new Promise((resolve, reject) => {
      const socket = dgram.createSocket('udp4');
      socket.on('error', reject);
      socket.send(text, port, host, (error, sent) => {
        socket.close();
        return error ? reject(error) : resolve(sent);
      });
    }),

  resolve: async (name) => (await dns.promises.lookup(name, {family: 4})).address,
  resolve_ares: async (name) => (await dns.promises.resolve4(name))[0],
  resolve_callback: (name) =>
    util
      .promisify(dns.lookup)(name, 4)
      .then((found) => found.address),

  write: (path, text) => fs.writeFileSync(path, text),
  append: (path, text) => fs.appendFileSync(path, text),
  write_low: (path, text) => {
    const descriptor = fs.openSync(path, 'w');
    fs.writeSync(descriptor, text);
    fs.closeSync(descriptor);
  },
  write_callback: (path, text) => util.promisify(fs.writeFile)(path, text),
  write_promise: (path, text) => fs.promises.writeFile(path, text),
  write_stream: (path, text) =>
    util.promisify(stream.pipeline)(stream.Readable.from([text]), fs.createWriteStream(path)),
  read: (path) => fs.readFileSync(path, 'utf8'),
  read_promise: (path) => fs.promises.readFile(path, 'utf8'),
  remove: (path) => fs.unlinkSync(path),
  rename: (path, to) => fs.renameSync(path, to),
  make_folder: (path) => fs.mkdirSync(path),
  link: (path, to) => fs.symlinkSync(path, to),
  mode: (path) => fs.chmodSync(path, 0o600),
  cut: (path) => fs.truncateSync(path),
  copy: (path, to) => fs.copyFileSync(path, to),

  run: (...argv) => {
    const done = childProcess.spawnSync(argv[0], argv.slice(1), {encoding: 'utf8', timeout: 20000});
    if (done.error) throw done.error;
    return [done.status, done.stdout, done.stderr];
  },
  run_shell: (text) => {
    childProcess.execSync(text, {stdio: 'ignore'});
    return 0;
  },
  run_exec: async (text) => (await util.promisify(childProcess.exec)(text)).stdout,
  spawn: (...argv) =>
    new Promise((resolve, reject) => {
      const child = childProcess.spawn(argv[0], argv.slice(1), {stdio: 'ignore'});
      child.on('error', reject);
      child.on('close', (status) => resolve(status));
    }),

  in_thread:
    threads &&
    ((name, ...args) =>
      new Promise((resolve, reject) => {
        const worker = new threads.Worker(__filename, {workerData: {do: [name, ...args]}});
        worker.on('message', resolve);
        worker.on('error', reject);
      })),

  set_variables: (values) => void Object.assign(process.env, values),
  // All but those that the runtime client of Node 24 reads again for each invocation.
  clear_variables: () => {
    for (const name of Object.keys(process.env)) if (!name.startsWith('AWS_LAMBDA_')) delete process.env[name];
  },
  variables: () => ({...process.env}),
  close_output: () => [1, 2].forEach((descriptor) => fs.closeSync(descriptor)),
  reopen: (folder, count) => {
    for (let i = 0; i < count; i++) fs.openSync(`${folder}/taken-${i}`, 'w+');
  },
  leave: (status) => process.exit(status),
  leave_now: (status) => process.reallyExit(status),
  kill_self: () => process.kill(process.pid, 'SIGKILL'),
  raise_error: (text) => {
    throw new RangeError(text);
  },
  status: () => require('trend_app_protect').status(),
};

async function attempt(name, args) {
  if (!operations[name]) return {unsupported: name};
  try {
    const value = await operations[name](...args);
    return {ok: value === undefined ? null : value};
  } catch (error) {
    const cause = error.code ? error : error.cause || error;
    if (!cause.code) throw error;
    return {error: cause.name, permission: cause.code === 'EPERM', errno: cause.errno, text: cause.message};
  }
}

exports.handler = async (event) => {
  if (event.uncaught) return operations[event.do[0]](...event.do.slice(1));
  const results = [];
  for (let i = 0; i < (event.times || 1); i++) results.push(await attempt(event.do[0], event.do.slice(1)));
  return results.length === 1 ? results[0] : results;
};

if (threads && !threads.isMainThread && threads.workerData && threads.workerData.do) {
  const [name, ...args] = threads.workerData.do;
  attempt(name, args).then((result) => threads.parentPort.postMessage(result));
}
