// SPDX-License-Identifier: Apache-2.0
//
// Every row of network.table.js: reaches its listener as without us where it is granted and where it is observed; where it
// is denied no connection, datagram or query arrives, the error is an ordinary one, and it is counted once.
'use strict';

const test = require('node:test');
const assert = require('node:assert/strict');
const dgram = require('node:dgram');
const fs = require('node:fs');
const http = require('node:http');
const http2 = require('node:http2');
const net = require('node:net');
const path = require('node:path');
const tls = require('node:tls');
const {execFileSync} = require('node:child_process');
const {run, folder, count, errno, lacks, major} = require('../protected');
const {runRows, formLacks} = require('../rows');

const table = path.join(__dirname, 'network.table.js');
const names = Object.keys(require('./network.table.js'));
const DOMAIN = 'unknown.invalid';

// Rows that look up a name and get no answer (there is no such domain): only their refusal can be told from Node's own error.
const needsName = (name) => / name$|^dns\./.test(name);
const isQuery = (name) => /^resolve|^promises\.resolve/.test(name);
// What a row needs that not every Node has.
const NEEDS = {fetch: 'fetch', 'fetch name': 'fetch', 'dgram connect': 'dgram connect'};
const isDatagram = (name) => name.startsWith('dgram');

// One listener per row, all counting what reaches them.
class Listeners {
  constructor() {
    this.home = folder();
    this.reached = Object.fromEntries(names.map((name) => [name, 0]));
    this.queries = [];
    this.ports = {};
    this.open = [];
  }

  async start() {
    const key = path.join(this.home, 'key.pem');
    execFileSync(
      'openssl',
      [
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:prime256v1',
        '-nodes',
        '-keyout',
        key,
        '-out',
        `${key}.crt`,
        '-subj',
        '/CN=x',
        '-days',
        '2',
      ],
      {stdio: 'ignore'},
    );
    const secure = {key: fs.readFileSync(key), cert: fs.readFileSync(`${key}.crt`)};
    const answer = (request, reply) => reply.end('answer');
    for (const name of names) {
      const server = isDatagram(name)
        ? dgram.createSocket('udp4')
        : /^tls/.test(name)
          ? tls.createServer(secure, (s) => s.on('error', () => {}))
          : /^https/.test(name)
            ? require('node:https').createServer(secure, answer)
            : /^http2/.test(name)
              ? http2.createServer(answer)
              : /http|fetch/.test(name)
                ? http.createServer({keepAlive: false}, answer)
                : net.createServer((s) => s.on('error', () => {}).resume());
      this.open.push(server);
      if (isDatagram(name)) {
        server.on('message', () => {
          this.reached[name]++;
        });
        await new Promise((resolve) => server.bind(0, '127.0.0.1', resolve));
      } else {
        server.on('connection', (socket) => {
          this.reached[name]++;
          socket.on('error', () => {});
        });
        await new Promise((resolve) =>
          name.endsWith('unix')
            ? server.listen((this.unix = path.join(this.home, 's')), resolve)
            : server.listen(0, name.endsWith('mapped') ? '::' : '127.0.0.1', resolve),
        );
      }
      this.ports[name] = typeof server.address() === 'string' ? 0 : server.address().port;
    }
    const resolver = dgram.createSocket('udp4');
    this.open.push(resolver);
    resolver.on('message', (query, from) => {
      this.queries.push(nameOf(query));
      resolver.send(answerTo(query), from.port, from.address);
    });
    await new Promise((resolve) => resolver.bind(0, '127.0.0.1', resolve));
    this.dns = resolver.address().port;
    return this;
  }

  place() {
    return {ports: this.ports, unix: this.unix, dns: this.dns, domain: DOMAIN};
  }

  close() {
    for (const server of this.open) {
      server.close();
      if (server.closeAllConnections) server.closeAllConnections();
    }
  }
}

function nameOf(query) {
  const labels = [];
  for (let at = 12; query[at] !== 0; at += query[at] + 1)
    labels.push(query.toString('latin1', at + 1, at + 1 + query[at]));
  return labels.join('.').toLowerCase();
}

// 192.0.2.7, a text, a mail host: whatever was asked for.
function answerTo(query) {
  let end = 12;
  while (query[end] !== 0) end += query[end] + 1;
  const question = query.subarray(12, end + 5);
  const type = query.readUInt16BE(end + 1);
  const data = {1: Buffer.from([192, 0, 2, 7]), 16: Buffer.from('\x04text'), 15: Buffer.from([0, 1, 1, 0x61, 0])}[type];
  const header = Buffer.from(query.subarray(0, 12));
  header.writeUInt16BE(0x8180, 2);
  header.writeUInt16BE(data ? 1 : 0, 6);
  header.writeUInt16BE(0, 10);
  if (!data) return Buffer.concat([header, question]);
  const record = Buffer.from([0xc0, 12, 0, type, 0, 1, 0, 0, 0, 60, 0, data.length]);
  return Buffer.concat([header, question, record, data]);
}

const policies = {
  granted: {schema: 1, name: 'net', outbound: {action: 'deny', local: 'grant', allowed_domains: [`*.${DOMAIN}`]}},
  observe: {schema: 1, name: 'net', outbound: {action: 'observe', local: 'observe'}},
  deny: {schema: 1, name: 'net', outbound: {action: 'deny', local: 'deny'}},
  names: {schema: 1, name: 'net', outbound: {action: 'deny', local: 'grant'}}, // where the name server may be reached
};

const ownEvents = (listeners, name) => (event) => {
  const label = `${name.replace(/\W/g, '-')}.${DOMAIN}`.toLowerCase(); // so Node asks before 18
  const {host, query, port, protocol} = event.info;
  if ([host, query].some((found) => typeof found === 'string' && found.toLowerCase() === label)) return true;
  if (name.endsWith('unix')) return protocol === 'unix';
  // A tcp and a udp listener may have been given the same number.
  return protocol === (name.startsWith('dgram') ? 'udp' : 'tcp') && port === listeners.ports[name];
};

for (const form of ['cjs', 'esm', 'worker']) {
  test(`network, ${form}`, {skip: formLacks(form)}, async (t) => {
    const runs = {};
    for (const mode of ['plain', 'granted', 'observe', 'deny', 'names']) {
      const listeners = await new Listeners().start();
      const options = mode === 'plain' ? {attach: 'plain'} : {policy: policies[mode]};
      runs[mode] = {listeners, ...(await runRows(table, listeners.place(), form, options))};
      await new Promise((resolve) => setTimeout(resolve, 100));
      listeners.close();
    }
    const {plain, granted, observe} = runs;
    const clean = ({outcomes, listeners}, name) =>
      JSON.parse(
        JSON.stringify(outcomes[name])
          .replaceAll(`"port":${listeners.ports[name]}`, '"port":0')
          .replaceAll(`:${listeners.ports[name]}`, ':PORT'),
      );

    for (const name of names) {
      await t.test(name, {skip: NEEDS[name] !== undefined && lacks(NEEDS[name])}, () => {
        if (!needsName(name))
          assert.equal(
            plain.outcomes[name].error,
            undefined,
            `the row does not work without us: ${JSON.stringify(plain.outcomes[name])}`,
          );
        if (!needsName(name) && !isQuery(name))
          assert.equal(plain.listeners.reached[name], 1, 'nothing reached the listener without us');
        assert.deepEqual(clean(granted, name), clean(plain, name), granted.result.about());
        assert.equal(granted.listeners.reached[name], plain.listeners.reached[name]);
        assert.deepEqual(clean(observe, name), clean(plain, name), observe.result.about());
        assert.equal(observe.listeners.reached[name], plain.listeners.reached[name]);

        const deny = isQuery(name) ? runs.names : runs.deny;
        let {error} = deny.outcomes[name];
        assert.ok(error, `not refused: ${JSON.stringify(deny.outcomes[name])}`);
        assert.equal(deny.listeners.reached[name], 0, 'something reached the listener');
        if (name.startsWith('fetch')) {
          assert.equal(error.name, 'TypeError');
          error = error.cause;
        }
        if (name === 'dgram connect')
          assert.equal(error.name, 'Error'); // Node makes this one itself, from our errno
        else assert.equal(error.name, 'TrendAppProtectDenied', JSON.stringify(error));
        assert.equal(error.code, 'EPERM');
        assert.equal(errno(error), -1);
        if (needsName(name) || isQuery(name))
          assert.equal(error.hostname.toLowerCase(), `${name.replace(/\W/g, '-')}.${DOMAIN}`.toLowerCase());
        else if (!name.endsWith('unix')) assert.equal(error.port, deny.listeners.ports[name]);

        const own = deny.result.events.filter(ownEvents(deny.listeners, name));
        assert.equal(count(own), 1, JSON.stringify(own, null, 1));
        assert.equal(own[0].action, 'deny');
        if (!needsName(name)) {
          const seen = observe.result.events.filter(ownEvents(observe.listeners, name));
          assert.equal(count(seen), 1, JSON.stringify(seen, null, 1));
        }
      });
    }
    await t.test('no query of a denied name left', () =>
      assert.deepEqual([runs.deny.listeners.queries, runs.names.listeners.queries], [[], []]),
    );
    await t.test('granted queries arrived', () =>
      assert.deepEqual(new Set(granted.listeners.queries), new Set(plain.listeners.queries)),
    );
    await t.test('granted operations are silent', () => assert.deepEqual(granted.result.events, []));
  });
}

test('the host of a socket is not believed', async () => {
  const listeners = await new Listeners().start();
  const port = listeners.ports['net.connect address'];
  const program = `
    const net = require('net');
    const socket = new net.Socket();
    socket._host = 'allowed.example';
    socket.connect({ port: ${port}, host: '127.0.0.1' });
    Object.defineProperty(socket, '_host', { get: () => 'allowed.example' });
    socket.on('error', (e) => { console.log(JSON.stringify(e.code)); }).on('connect', () => { console.log('"connected"'); socket.destroy(); });`;
  const policy = {
    schema: 1,
    name: 'n',
    outbound: {action: 'deny', local: 'deny', allowed_domains: ['=allowed.example']},
  };
  assert.equal((await run(program, {policy})).value, 'EPERM');
  listeners.close();
  assert.equal(listeners.reached['net.connect address'], 0);
});

test('a socket without listeners for its error ends the program, as any refused connect does', async () => {
  const result = await run("require('net').connect(9, '127.0.0.1')", {policy: policies.deny});
  assert.equal(result.status, 1);
  assert.match(result.stderr, /TrendAppProtectDenied: EPERM: operation not permitted by policy/);
});

test('an answer of c-ares opens its address for its name', {skip: major < 18}, async () => {
  const listeners = await new Listeners().start();
  const program = `
    const dns = require('dns'), net = require('net');
    const r = new dns.Resolver(); r.setServers(['127.0.0.1:${listeners.dns}']);
    const attempt = () => new Promise((resolve) => net.connect({ port: 9, host: '192.0.2.7', timeout: 300 })
      .on('error', (e) => resolve(e.name)).on('timeout', function () { this.destroy(); resolve('timeout'); }));
    (async () => {
      const before = await attempt();
      await new Promise((resolve, reject) => r.resolve4('api.allowed.example', (e, v) => (e ? reject(e) : resolve(v))));
      console.log(JSON.stringify([before, await attempt()]));
    })();`;
  const policy = {schema: 1, name: 'n', outbound: {action: 'deny', allowed_domains: ['=api.allowed.example']}};
  const result = await run(program, {policy});
  listeners.close();
  assert.equal(result.value[0], 'TrendAppProtectDenied', result.about());
  assert.notEqual(result.value[1], 'TrendAppProtectDenied', result.about());
});

test('a udp6 socket sends where that is granted', {skip: lacks('dgram connect')}, async () => {
  const program = `
    const dgram = require('dgram');
    const to = dgram.createSocket('udp6', (message) => { console.log(JSON.stringify(String(message))); to.close(); });
    to.bind(0, '::1', () => {
      const from = dgram.createSocket('udp6');
      from.connect(to.address().port, '::1', () => from.send('hello', () => from.close()));
    });`;
  assert.equal((await run(program, {attach: 'plain'})).value, 'hello');
  const granted = await run(program, {policy: {schema: 1, outbound: 'grant'}});
  assert.equal(granted.value, 'hello', granted.about());
});

test('a refused unix socket errs where http listens for it', async () => {
  const program = `
    require('http').get({socketPath: '/var/tmp/app-protect-nobody'})
      .on('error', (e) => console.log(JSON.stringify([e.name, e.code])));`;
  assert.deepEqual((await run(program, {attach: 'plain'})).value, ['Error', 'ENOENT']);
  const denied = await run(program, {policy: {schema: 1, outbound: {action: 'deny', local: 'deny'}}});
  assert.deepEqual(denied.value, ['TrendAppProtectDenied', 'EPERM'], denied.about());
  assert.equal(count(denied.events), 1, denied.about());
});
