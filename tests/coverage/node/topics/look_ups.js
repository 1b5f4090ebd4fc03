// SPDX-License-Identifier: Apache-2.0
//
// Ways in which Node has a name server asked. p.name is a name of this channel alone, p.strange an address.
'use strict';

const dns = require('dns');
const fs = require('fs');
const {binding, callback, childSays, event, inWorker} = require('./tools');

const PROMISED = {timeout: 1000, tries: 1};
const resolver = (p, own) => {
  const made = new dns.Resolver(PROMISED);
  if (own) made.setServers([`127.0.0.1:${p.dns_port}`]);
  return made;
};
const asked =
  (method, ...more) =>
  (p) =>
    callback((done) => resolver(p)[method](p.name, ...more, done));
const promised =
  (method, ...more) =>
  (p) =>
    new dns.promises.Resolver(PROMISED)[method](p.name, ...more);

function query(name, kind = 1) {
  const labels = name.split('.').flatMap((label) => [label.length, ...Buffer.from(label)]);
  return Buffer.from([0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, ...labels, 0, 0, kind, 0, 1]);
}

const RECORDS = [
  'resolve4',
  'resolve6',
  'resolveAny',
  'resolveCaa',
  'resolveCname',
  'resolveMx',
  'resolveNaptr',
  'resolveNs',
  'resolvePtr',
  'resolveSoa',
  'resolveSrv',
  'resolveTlsa',
  'resolveTxt',
];
const each = (make) => Object.fromEntries(RECORDS.map((name) => make(name)));
const socket = (host, port) => event(require('net').connect({host, port}), 'connect');

module.exports = {
  title: 'Asking name servers',
  kind: 'ask',
  groups: {
    'dns.lookup': {
      lookup: (p) => callback((done) => dns.lookup(p.name, done)),
      'lookup, all': (p) => callback((done) => dns.lookup(p.name, {all: true}, done)),
      'lookup, family': (p) => callback((done) => dns.lookup(p.name, 4, done)),
      'lookup, trailing dot': (p) => callback((done) => dns.lookup(`${p.name}.`, done)),
      'lookup, upper case': (p) => callback((done) => dns.lookup(p.name.toUpperCase(), done)),
      'promises.lookup': (p) => dns.promises.lookup(p.name),
      "require('dns/promises').lookup": (p) => require('dns/promises').lookup(p.name),
      "import('dns')": async (p) => (await import('dns')).promises.lookup(p.name),
      lookupService: (p) => callback((done) => dns.lookupService(p.strange, 80, done)),
      'promises.lookupService': (p) => dns.promises.lookupService(p.strange, 80),
      'util.promisify(lookup)': (p) => require('util').promisify(dns.lookup)(p.name),
      "process.binding('cares_wrap').getaddrinfo": (p) =>
        callback((done) => {
          const {getaddrinfo, GetAddrInfoReqWrap} = binding('cares_wrap');
          const request = new GetAddrInfoReqWrap();
          request.oncomplete = (error, found) => done(error ? new Error(String(error)) : null, found);
          const status = getaddrinfo(request, p.name, 0, 0, false);
          if (status) done(new Error(String(status)));
        }),
      'worker: lookup': (p) => inWorker("return require('dns').promises.lookup(p.name)", p),
    },
    'dns.Resolver': {
      ...each((name) => [`Resolver.${name}`, asked(name)]),
      ...each((name) => [`promises.Resolver.${name}`, promised(name)]),
      'Resolver.resolve': asked('resolve'),
      'Resolver.resolve, TXT': asked('resolve', 'TXT'),
      'Resolver.reverse': (p) => callback((done) => resolver(p).reverse(p.strange, done)),
      'promises.Resolver.reverse': (p) => new dns.promises.Resolver(PROMISED).reverse(p.strange),
      'dns.resolve': (p) => callback((done) => dns.resolve(p.name, done)),
      'dns.resolve4': (p) => callback((done) => dns.resolve4(p.name, done)),
      'dns.resolveTxt': (p) => callback((done) => dns.resolveTxt(p.name, done)),
      'dns.resolveAny': (p) => callback((done) => dns.resolveAny(p.name, done)),
      'dns.reverse': (p) => callback((done) => dns.reverse(p.strange, done)),
      'dns.promises.resolve': (p) => dns.promises.resolve(p.name),
      'dns.promises.resolveMx': (p) => dns.promises.resolveMx(p.name),
      'dns.promises.reverse': (p) => dns.promises.reverse(p.strange),
      'own server on another port': (p) => callback((done) => resolver(p, true).resolve4(p.name, done)),
      'own server, promises': (p) => {
        const made = new dns.promises.Resolver(PROMISED);
        made.setServers([`127.0.0.1:${p.dns_port}`]);
        return made.resolve4(p.name);
      },
      'dns.setServers': {
        alone: true,
        run: (p) => {
          dns.setServers([`127.0.0.1:${p.dns_port}`]);
          return callback((done) => dns.resolve4(p.name, done));
        },
      },
      'Resolver.setLocalAddress': (p) => {
        const made = resolver(p);
        made.setLocalAddress('0.0.0.0');
        return callback((done) => made.resolve4(p.name, done));
      },
      'Resolver subclass': (p) =>
        callback((done) => new (class extends dns.Resolver {})(PROMISED).resolve4(p.name, done)),
      "process.binding('cares_wrap').ChannelWrap": (p) =>
        callback((done) => {
          const {ChannelWrap, QueryReqWrap} = binding('cares_wrap');
          const request = new QueryReqWrap();
          request.oncomplete = (error) => done(error ? new Error(String(error)) : null);
          const status = new ChannelWrap(1000, 1, 1000).queryA(request, p.name);
          if (status) done(new Error(String(status)));
        }),
      'worker: Resolver': (p) =>
        inWorker("return new (require('dns').promises.Resolver)({timeout: 1000, tries: 1}).resolve4(p.name)", p),
      'worker: own server': (p) =>
        inWorker(
          "const r = new (require('dns').promises.Resolver)({timeout: 1000, tries: 1}); r.setServers(['127.0.0.1:' + p.dns_port]); return r.resolve4(p.name)",
          p,
        ),
    },
    'names in other modules': {
      'net.connect': (p) => socket(p.name, 9),
      'net.connect, autoSelectFamily': (p) =>
        event(require('net').connect({host: p.name, port: 9, autoSelectFamily: true}), 'connect'),
      'net server listen': (p) => event(require('net').createServer().listen(0, p.name), 'listening'),
      'tls.connect': (p) => event(require('tls').connect({host: p.name, port: 9}), 'connect'),
      'http.get': (p) => event(require('http').get(`http://${p.name}:9/`), 'response'),
      'https.get': (p) => event(require('https').get(`https://${p.name}:9/`), 'response'),
      'http2.connect': (p) => event(require('http2').connect(`http://${p.name}:9`), 'connect'),
      fetch: (p) => fetch(`http://${p.name}:8/`),
      WebSocket: (p) =>
        new Promise((y, n) =>
          Object.assign(new WebSocket(`ws://${p.name}:8/`), {
            onopen: y,
            onerror: (e) => n(e.error || new Error(e.message)),
          }),
        ),
      'dgram send': (p) =>
        callback((done) => require('dgram').createSocket('udp4').on('error', done).send('x', 9, p.name, done)),
      'dgram connect': (p) =>
        callback((done) => require('dgram').createSocket('udp4').on('error', done).connect(9, p.name, done)),
      'dgram bind': (p) => event(require('dgram').createSocket('udp4').bind(0, p.name), 'listening'),
      'inspector.open': {alone: true, several: true, run: (p) => require('inspector').open(0, p.name)},
      HOSTALIASES: {
        alone: true,
        environment: {HOSTALIASES: '{out}/aliases'},
        run: (p) => (
          fs.writeFileSync(`${p.out}/aliases`, `innocent ${p.name}\n`), callback((done) => dns.lookup('innocent', done))
        ),
      },
      LOCALDOMAIN: {
        alone: true,
        environment: {LOCALDOMAIN: '{name}'},
        run: () => callback((done) => dns.lookup('innocent', done)),
      },
    },
    'packets by hand': {
      'dgram to the name server': (p) => datagram(p, (s, done) => s.send(query(p.name), 53, p.name_server, done)),
      'dgram, list of buffers': (p) =>
        datagram(p, (s, done) =>
          s.send([query(p.name).subarray(0, 9), query(p.name).subarray(9)], 53, p.name_server, done),
        ),
      'dgram, TXT question': (p) => datagram(p, (s, done) => s.send(query(p.name, 16), 53, p.name_server, done)),
      'dgram connected to the name server': (p) =>
        datagram(p, (s, done) => s.connect(53, p.name_server, (e) => (e ? done(e) : s.send(query(p.name), done)))),
      'dgram to a server on another port': (p) =>
        datagram(p, (s, done) => s.send(query(p.name), p.dns_port, '127.0.0.1', done)),
      'net to the name server': (p) => stream(p, (s, data) => s.write(data)),
      'net, corked': (p) =>
        stream(p, (s, data) => (s.cork(), s.write(data.subarray(0, 5)), s.write(data.subarray(5)), s.uncork())),
      'net, byte by byte': {
        never_granted: 'a question in pieces cannot be judged',
        run: (p) =>
          stream(p, async (s, data) => {
            for (const byte of data) await callback((done) => s.write(Buffer.from([byte]), done));
          }),
      },
      'http request as a carrier': {
        kind: 'ask',
        several: true,
        run: (p) => stream(p, (s, data) => require('stream').Readable.from([data]).pipe(s)),
      },
    },
    children: {
      'child: getent hosts': {several: true, run: (p) => childSays('getent', ['hosts', p.name])},
      'child: node': (p) => childSays(process.execPath, ['-e', `require('dns').lookup('${p.name}', () => {})`]),
      'child: node Resolver': (p) =>
        childSays(process.execPath, [
          '-e',
          `new (require('dns').Resolver)({timeout: 1000, tries: 1}).resolve4('${p.name}', () => {})`,
        ]),
      'child: node Resolver, own server': (p) =>
        childSays(process.execPath, [
          '-e',
          `const r = new (require('dns').Resolver)({timeout: 1000, tries: 1}); r.setServers(['127.0.0.1:${p.dns_port}']); r.resolve4('${p.name}', () => {})`,
        ]),
      'child: curl': {several: true, run: (p) => childSays('curl', ['-s', '-m', '2', `http://${p.name}:9/`])},
      'child: perl': (p) => childSays('perl', ['-e', `gethostbyname('${p.name}')`]),
    },
  },
};

function datagram(p, start) {
  const made = require('dgram').createSocket('udp4');
  return callback((done) => start(made.on('error', done), done)).finally(() => made.close());
}

function stream(p, start) {
  const data = query(p.name);
  const made = require('net').connect(53, p.name_server);
  made.setNoDelay(true);
  return new Promise((resolve, reject) => {
    made.on('error', reject).on('data', resolve).on('close', resolve);
    made.on('connect', () =>
      Promise.resolve(start(made, Buffer.concat([Buffer.from([0, data.length]), data]))).catch(reject),
    );
  }).finally(() => made.destroy());
}
