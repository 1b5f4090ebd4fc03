// SPDX-License-Identifier: Apache-2.0
//
// Ways in which Node reaches a socket of somebody else. p.port is a listener's for TCP and UDP, on every address.
'use strict';

const fs = require('fs');
const net = require('net');
const path = require('path');
const {binding, callback, childSays, event, inWorker} = require('./tools');

const HOST = '192.0.2.1';
const PATIENCE_MS = 1500;

/** The end of a connection: made, ended by the other side, or refused. */
const reached = (socket, ...names) =>
  event(socket, ...(names.length ? names : ['connect'])).finally(() =>
    socket.destroy ? socket.destroy() : socket.close(),
  );
const connect = (...words) => reached(net.connect(...words));
const answered = (request) =>
  new Promise((resolve, reject) => {
    request.on('error', reject).on('response', (response) => resolve(response.resume().statusCode));
    request.on('upgrade', resolve).on('connect', resolve);
    request.end();
    setTimeout(() => request.destroy(new Error('no answer')), PATIENCE_MS);
  });
const dgram = (type, options = {}) => require('dgram').createSocket({type, ...options});
const sent = (socket, ...words) =>
  callback((done) => (socket.on('error', done), socket.send(...words, done))).finally(() => socket.close());
const requestDone = (status) => {
  if (status) throw new Error(`status ${status}`);
};
const secure = {rejectUnauthorized: false};
const later = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

module.exports = {
  title: 'Connecting and sending',
  kind: 'send',
  groups: {
    net: {
      'net.connect': (p) => connect(p.port, HOST),
      'net.connect, options': (p) => connect({port: p.port, host: HOST}),
      'net.createConnection': (p) => reached(net.createConnection(p.port, HOST)),
      'net.Socket connect': (p) => reached(new net.Socket().connect(p.port, HOST)),
      'net.Stream connect': (p) => reached(new net.Stream().connect(p.port, HOST)),
      'net.Socket.prototype.connect': (p) => reached(net.Socket.prototype.connect.call(new net.Socket(), p.port, HOST)),
      'net.Socket subclass': (p) => reached(new (class extends net.Socket {})().connect(p.port, HOST)),
      'port as text': (p) => connect({port: String(p.port), host: HOST}),
      'host whose toString changes': (p) => {
        let asked = 0;
        return connect({port: p.port, host: {toString: () => (asked++ ? HOST : '127.0.0.1')}});
      },
      loopback: (p) => connect(p.port, '127.0.0.1'),
      localhost: {several: true, run: (p) => connect(p.port, 'localhost')},
      'no host': {several: true, run: (p) => connect(p.port)},
      '0.0.0.0': (p) => connect(p.port, '0.0.0.0'),
      127.1: (p) => connect(p.port, '127.1'),
      'decimal address': (p) => connect(p.port, '3221225985'),
      'hexadecimal address': (p) => connect(p.port, '0xc0000201'),
      IPv6: (p) => connect(p.port, '::1'),
      'IPv4 in IPv6': (p) => connect(p.port, `::ffff:${HOST}`),
      'IPv6 unspecified': (p) => connect(p.port, '::'),
      'own lookup': (p) =>
        connect({
          port: p.port,
          host: 'innocent',
          lookup: (h, o, done) => done(null, o.all ? [{address: HOST, family: 4}] : HOST, 4),
        }),
      'own lookup, autoSelectFamily': {
        several: true,
        run: (p) =>
          connect({
            port: p.port,
            host: 'innocent',
            autoSelectFamily: true,
            lookup: (h, o, done) =>
              done(null, [
                {address: '::1', family: 6},
                {address: HOST, family: 4},
              ]),
          }),
      },
      'dns.lookup replaced': (p) => {
        const dns = require('dns');
        const before = dns.lookup;
        dns.lookup = (h, o, done) => done(null, o.all ? [{address: HOST, family: 4}] : HOST, 4);
        return connect(p.port, 'innocent').finally(() => {
          dns.lookup = before;
        });
      },
      'local address': (p) => connect({port: p.port, host: HOST, localAddress: '0.0.0.0', localPort: 0}),
      'onread option': (p) =>
        connect({port: p.port, host: HOST, onread: {buffer: Buffer.alloc(9), callback: () => true}}),
      'net.BlockList is not asked': (p) => connect({port: p.port, host: HOST, blockList: new net.BlockList()}),
      'net.SocketAddress': (p) =>
        connect({port: p.port, host: new net.SocketAddress({address: HOST, port: p.port}).address}),
      'unix socket': (p) => connect(p.unix),
      'unix socket, options': (p) => connect({path: p.unix}),
      'unix socket, relative': (p) => (process.chdir(path.dirname(p.unix)), connect('./stream')),
      'unix socket, symbolic link': (p) => (fs.symlinkSync(p.unix, `${p.out}/l`), connect(`${p.out}/l`)),
      'unix socket, /proc/self/root': (p) => connect(`/proc/self/root${p.unix}`),
      'unix socket, abstract': (p) => connect(`\0${p.abstract}`),
      'stdio of a descriptor': (p) =>
        reached(new net.Socket({handle: new (binding('tcp_wrap').TCP)(0)}).connect(p.port, HOST)),
      'a loop of connections': {several: true, run: (p) => Promise.any([1, 2, 3].map(() => connect(p.port, HOST)))},
    },
    'tls, http, http2': {
      'tls.connect': (p) => reached(require('tls').connect(p.port, HOST, secure), 'connect'),
      'tls.connect over a socket': (p) =>
        reached(
          require('tls').connect({socket: net.connect(p.port, HOST).on('error', () => {}), ...secure}),
          'close',
          'connect',
        ),
      'tls.TLSSocket': (p) =>
        reached(new (require('tls').TLSSocket)(net.connect(p.port, HOST), secure), 'connect', 'close'),
      'tls.connect, path': (p) => reached(require('tls').connect({path: p.unix, ...secure}), 'connect'),
      'http.get': (p) => answered(require('http').get(`http://${HOST}:${p.port}/`)),
      'http.request': (p) => answered(require('http').request({host: HOST, port: p.port})),
      'http.request, URL': (p) => answered(require('http').request(new URL(`http://${HOST}:${p.port}/`))),
      'http.request, POST': (p) => answered(require('http').request({host: HOST, port: p.port, method: 'POST'})),
      'http.request, CONNECT': (p) =>
        answered(require('http').request({host: HOST, port: p.port, method: 'CONNECT', path: 'x:1'})),
      'http.request, upgrade': (p) =>
        answered(require('http').request({host: HOST, port: p.port, headers: {Connection: 'Upgrade', Upgrade: 'x'}})),
      'http.request, socketPath': (p) => answered(require('http').request({socketPath: p.unix})),
      'http.request, abstract socketPath': (p) => answered(require('http').request({socketPath: `\0${p.abstract}`})),
      'http.request, createConnection': (p) =>
        answered(require('http').request({host: 'innocent', createConnection: () => net.connect(p.port, HOST)})),
      'http.request, own lookup': (p) =>
        answered(
          require('http').request({
            host: 'innocent',
            port: p.port,
            lookup: (h, o, done) => done(null, o.all ? [{address: HOST, family: 4}] : HOST, 4),
          }),
        ),
      'http.request, Host header': (p) =>
        answered(require('http').request({host: HOST, port: p.port, headers: {Host: 'innocent'}})),
      'http.Agent': (p) =>
        answered(
          require('http').request({host: HOST, port: p.port, agent: new (require('http').Agent)({keepAlive: true})}),
        ),
      'http.Agent.createConnection': (p) =>
        reached(new (require('http').Agent)().createConnection({host: HOST, port: p.port})),
      'http.ClientRequest': (p) => answered(new (require('http').ClientRequest)(`http://${HOST}:${p.port}/`)),
      'http, proxyEnv': (p) =>
        answered(
          require('http').request('http://innocent/', {
            agent: new (require('http').Agent)({proxyEnv: {HTTP_PROXY: `http://${HOST}:${p.port}`}}),
          }),
        ),
      'https.get': (p) => answered(require('https').get(`https://${HOST}:${p.port}/`, secure)),
      'https.Agent': (p) =>
        answered(require('https').request({host: HOST, port: p.port, agent: new (require('https').Agent)(secure)})),
      'http2.connect': (p) => reached(require('http2').connect(`http://${HOST}:${p.port}`), 'connect'),
      'http2.connect, TLS': (p) =>
        reached(require('http2').connect(`https://${HOST}:${p.port}`, secure), 'connect', 'close'),
      'http2.connect, createConnection': (p) =>
        reached(
          require('http2').connect('http://innocent', {createConnection: () => net.connect(p.port, HOST)}),
          'connect',
        ),
    },
    'web interfaces': {
      fetch: async (p) => (await fetch(`http://${HOST}:${p.port}/`)).status,
      'fetch, POST': async (p) => (await fetch(`http://${HOST}:${p.port}/`, {method: 'POST', body: 'x'})).status,
      'fetch, Request': async (p) => (await fetch(new Request(`http://${HOST}:${p.port}/`))).status,
      'fetch, https': (p) => fetch(`https://${HOST}:${p.port}/`),
      'fetch, decimal address': async (p) => (await fetch(`http://3221225985:${p.port}/`)).status,
      'fetch, keepalive': async (p) => (await fetch(`http://${HOST}:${p.port}/`, {keepalive: true})).status,
      WebSocket: (p) =>
        new Promise((y, n) =>
          Object.assign(new WebSocket(`ws://${HOST}:${p.port}/`), {
            onopen: y,
            onerror: (e) => n(e.error || e.message),
            onclose: y,
          }),
        ),
      'WebSocket, wss': (p) =>
        new Promise((y, n) =>
          Object.assign(new WebSocket(`wss://${HOST}:${p.port}/`), {
            onopen: y,
            onerror: (e) => n(e.error || e.message),
            onclose: y,
          }),
        ),
      EventSource: {
        alone: true,
        options: ['--experimental-eventsource'],
        several: true,
        run: (p) =>
          new Promise((y, n) =>
            Object.assign(new EventSource(`http://${HOST}:${p.port}/`), {
              onopen: y,
              onerror: () => n(new Error('error')),
            }),
          ),
      },
      'undici dispatcher behind fetch': async (p) => {
        await fetch('data:text/plain,x');
        const dispatcher = globalThis[Symbol.for('undici.globalDispatcher.1')];
        return callback((done) =>
          dispatcher.dispatch(
            {origin: `http://${HOST}:${p.port}`, path: '/', method: 'GET'},
            {onConnect: () => {}, onHeaders: () => true, onData: () => true, onComplete: () => done(), onError: done},
          ),
        );
      },
      'import of an http: module': {
        alone: true,
        options: ['--experimental-network-imports'],
        run: (p) => import(`http://127.0.0.1:${p.port}/x.mjs`),
      },
      'inspector.open with a waiting client': {
        alone: true,
        kind: 'value',
        run: async () => {
          const inspector = require('inspector');
          inspector.open(0, '127.0.0.1');
          const found = inspector.url();
          inspector.close();
          return found ? 'happened' : 'no';
        },
      },
    },
    dgram: {
      send: (p) => sent(dgram('udp4'), 'x', p.port, HOST),
      'send, Buffer with offset': (p) => sent(dgram('udp4'), Buffer.from('xyz'), 1, 1, p.port, HOST),
      'send, list of buffers': (p) => sent(dgram('udp4'), [Buffer.from('x'), Buffer.from('y')], p.port, HOST),
      'send, bound first': async (p) => {
        const socket = dgram('udp4');
        await callback((done) => socket.bind(0, done));
        return sent(socket, 'x', p.port, HOST);
      },
      'send, default address': (p) => sent(dgram('udp4'), 'x', p.port),
      'send, udp6': (p) => sent(dgram('udp6'), 'x', p.port, '::1'),
      'send, IPv4 in IPv6': (p) => sent(dgram('udp6'), 'x', p.port, `::ffff:${HOST}`),
      'send, own lookup': (p) =>
        sent(dgram('udp4', {lookup: (h, o, done) => (done || o)(null, HOST, 4)}), 'x', p.port, 'innocent'),
      'send, broadcast': async (p) => {
        const socket = dgram('udp4');
        await callback((done) => socket.bind(0, done));
        socket.setBroadcast(true);
        return sent(socket, 'x', p.port, HOST);
      },
      'send, without callback': async (p) => {
        const socket = dgram('udp4');
        socket.on('error', () => {});
        socket.send('x', p.port, HOST);
        await later(100);
        socket.close();
      },
      'connect and send': async (p) => {
        const socket = dgram('udp4');
        await callback((done) => socket.connect(p.port, HOST, done));
        return sent(socket, 'x');
      },
      'connect event': async (p) => {
        const socket = dgram('udp4');
        socket.connect(p.port, HOST);
        await event(socket, 'connect');
        return sent(socket, 'x');
      },
      'remote address of a diagnostics subscriber': (p) => {
        const channel = require('diagnostics_channel').channel('udp.socket');
        return new Promise((resolve, reject) => {
          const take = ({socket}) => {
            channel.unsubscribe(take);
            sent(socket, 'x', p.port, HOST).then(resolve, reject);
          };
          channel.subscribe(take);
          dgram('udp4').on('error', () => {});
        });
      },
    },
    bindings: {
      'TCP.connect': (p) =>
        raw((request, {TCP, constants}) => new TCP(constants.SOCKET).connect(request, HOST, p.port)),
      'TCP.connect6': (p) =>
        raw((request, {TCP, constants}) => new TCP(constants.SOCKET).connect6(request, '::1', p.port)),
      'TCP.connect, from another realm': (p) =>
        raw((request, {TCP, constants}) =>
          require('vm').runInNewContext('t.connect(r, h, o)', {
            t: new TCP(constants.SOCKET),
            r: request,
            h: HOST,
            o: p.port,
          }),
        ),
      'TCP.connect, port and 65536': (p) =>
        raw((request, {TCP, constants}) => new TCP(constants.SOCKET).connect(request, HOST, p.port + 65536)),
      'TCP.connect, taken from a server': (p) =>
        callback((done) => {
          const server = net.createServer().listen(0, '127.0.0.1', () => {
            const {TCPConnectWrap} = binding('tcp_wrap');
            const request = new TCPConnectWrap();
            request.oncomplete = (status) => (server.close(), done(status ? new Error(String(status)) : null));
            try {
              const status = new server._handle.constructor(0).connect(request, HOST, p.port);
              if (status) done(new Error(String(status)));
            } catch (error) {
              server.close();
              done(error);
            }
          });
        }),
      'Pipe.connect': (p) =>
        callback((done) => {
          const {Pipe, PipeConnectWrap, constants} = binding('pipe_wrap');
          const request = new PipeConnectWrap();
          request.oncomplete = (status) => done(status ? new Error(String(status)) : null);
          new Pipe(constants.SOCKET).connect(request, p.unix);
        }),
      'UDP.send': (p) => udp((handle, request) => handle.send(request, [Buffer.from('x')], 1, p.port, HOST, true)),
      'UDP.send6': (p) => udp((handle, request) => handle.send6(request, [Buffer.from('x')], 1, p.port, '::1', true)),
      'UDP.connect and send': (p) =>
        udp((handle, request) => (handle.connect(HOST, p.port), handle.send(request, [Buffer.from('x')], 1, true))),
    },
    'workers and children': {
      'worker: net.connect': (p) =>
        inWorker(
          `return new Promise((y, n) => require('net').connect(p.port, '${HOST}').on('connect', function () { this.destroy(); y(); }).on('error', n))`,
          p,
        ),
      'worker: fetch': (p) => inWorker(`return (await fetch('http://${HOST}:' + p.port)).status`, p),
      'worker: dgram': (p) =>
        inWorker(
          `return new Promise((y, n) => require('dgram').createSocket('udp4').send('x', p.port, '${HOST}', (e) => e ? n(e) : y()))`,
          p,
        ),
      'worker: empty execArgv and env': (p) =>
        inWorker(
          `return new Promise((y, n) => require('net').connect(p.port, '${HOST}').on('connect', function () { this.destroy(); y(); }).on('error', n))`,
          p,
          {execArgv: [], env: {}},
        ),
      'worker: the binding': (p) =>
        inWorker(
          `const {TCP, TCPConnectWrap, constants} = process.binding('tcp_wrap'); return new Promise((y, n) => { const r = new TCPConnectWrap(); r.oncomplete = y; const s = new TCP(constants.SOCKET).connect(r, '${HOST}', p.port); if (s) n(new Error(s)); })`,
          p,
        ),
      'child: node': (p) =>
        childSays(process.execPath, [
          '-e',
          `require('net').connect(${p.port}, '${HOST}').on('connect', () => process.exit()).on('error', () => {})`,
        ]),
      'child: node fetch, empty environment': (p) =>
        childSays(process.execPath, ['-e', `fetch('http://${HOST}:${p.port}').catch(() => {})`], {env: {}}),
      'child: bash /dev/tcp': (p) => childSays('bash', ['-c', `echo x > /dev/tcp/${HOST}/${p.port}`]),
      'child: curl': (p) => childSays('curl', ['-s', '-m', '3', `http://${HOST}:${p.port}/`]),
      'child: perl': (p) => childSays('perl', ['-e', `use IO::Socket; IO::Socket::INET->new('${HOST}:${p.port}')`]),
      'child: a server handle sent to it': {
        several: true,
        run: (p) => {
          fs.writeFileSync(
            `${p.out}/child.js`,
            `process.on('message', () => require('net').connect(${p.port}, '${HOST}').on('connect', () => process.exit()).on('error', () => process.exit()))`,
          );
          const child = require('child_process').fork(`${p.out}/child.js`, {stdio: 'ignore'});
          child.send('go');
          return event(child, 'exit');
        },
      },
    },
  },
};

function raw(start) {
  const wrap = binding('tcp_wrap');
  return callback((done) => {
    const request = new wrap.TCPConnectWrap();
    request.oncomplete = (status) => done(status ? new Error(`status ${status}`) : null);
    const status = start(request, wrap);
    if (status) done(new Error(`status ${status}`));
  });
}

async function udp(start) {
  const {UDP, SendWrap} = binding('udp_wrap');
  const handle = new UDP();
  const request = new SendWrap();
  request.oncomplete = () => {};
  const status = start(handle, request);
  if (status < 0) requestDone(status);
  await later(30);
  handle.close();
  return status;
}
