// SPDX-License-Identifier: Apache-2.0
//
// One row per way to the network. place.port is a listener's (HTTP/1 by name, bytes otherwise), place.udp a datagram socket's,
// place.unix a unix socket's, place.dns a name server's; place.host and place.name2 are what is to be reached: the row's own
// port is place.ports[name], so that each row is an operation of its own.
'use strict';

const once = (socket, event = 'connect') =>
  new Promise((resolve, reject) => {
    socket.on('error', reject).on(event, () => {
      socket.destroy ? socket.destroy() : socket.close();
      resolve(event);
    });
  });
const callback = (start) =>
  new Promise((resolve, reject) => start((error, ...values) => (error ? reject(error) : resolve(values))));
const port = (p) => p.ports[p.name];
const response = (request) =>
  new Promise((resolve, reject) =>
    request
      .on('error', reject)
      .on('response', (r) => {
        r.resume().on('end', () => resolve(r.statusCode));
      })
      .end(),
  );
const resolver = ({dns}, p) => {
  const r = new dns.Resolver({timeout: 2000, tries: 1});
  r.setServers([`127.0.0.1:${p.dns}`]);
  return r;
};
const name = (p) => `${p.name.replace(/\W/g, '-')}.${p.domain}`;

module.exports = {
  'net.connect address': ({net}, p) => once(net.connect(port(p), '127.0.0.1')),
  'net.connect options': ({net}, p) => once(net.connect({port: port(p), host: '127.0.0.1'})),
  'net.Socket connect': ({net}, p) => once(new net.Socket().connect(port(p), '127.0.0.1')),
  'net.connect mapped': ({net}, p) => once(net.connect(port(p), '::ffff:127.0.0.1')),
  'net.connect unix': ({net}, p) => once(net.connect(p.unix)),
  'tls.connect': ({tls}, p) =>
    once(tls.connect({port: port(p), host: '127.0.0.1', rejectUnauthorized: false}), 'secureConnect'),
  'http.get': ({http}, p) => response(http.get({host: '127.0.0.1', port: port(p)})),
  'http.request URL': ({http}, p) => response(http.request(`http://127.0.0.1:${port(p)}/`)),
  'http agent keepAlive': ({http}, p) =>
    response(
      http.request({host: '127.0.0.1', port: port(p), agent: new http.Agent({keepAlive: false, maxSockets: 1})}),
    ),
  'https.get': ({https}, p) => response(https.get({host: '127.0.0.1', port: port(p), rejectUnauthorized: false})),
  'http2.connect': async ({http2}, p) => once(http2.connect(`http://127.0.0.1:${port(p)}`)),
  fetch: async (api, p) => (await fetch(`http://127.0.0.1:${port(p)}/`)).status,
  'dgram send callback': async ({dgram}, p) => {
    const socket = dgram.createSocket('udp4');
    try {
      return (await callback((done) => socket.send('data', port(p), '127.0.0.1', done)))[0];
    } finally {
      socket.close();
    }
  },
  'dgram connect': async ({dgram}, p) => {
    const socket = dgram.createSocket('udp4');
    try {
      await callback((done) => socket.connect(port(p), '127.0.0.1', done));
      return (await callback((done) => socket.send('data', done)))[0];
    } finally {
      socket.close();
    }
  },
  'dns.lookup': ({dns}, p) => callback((done) => dns.lookup(name(p), done)).then((v) => v[0]),
  'dns.promises.lookup': ({dns}, p) => dns.promises.lookup(name(p)).then((v) => v.address),
  'net.connect name': ({net}, p) => once(net.connect(port(p), name(p))),
  'http.get name': ({http}, p) => response(http.get({host: name(p), port: port(p)})),
  'fetch name': async (api, p) => (await fetch(`http://${name(p)}:${port(p)}/`)).status,
  resolve4: (api, p) => callback((done) => resolver(api, p).resolve4(name(p), done)).then((v) => v[0]),
  resolve: (api, p) => callback((done) => resolver(api, p).resolve(name(p), 'TXT', done)).then((v) => v[0]),
  resolveMx: (api, p) => callback((done) => resolver(api, p).resolveMx(name(p), done)).then((v) => v[0].length),
  'promises.resolve4': async (api, p) => {
    const r = new api.dns.promises.Resolver({timeout: 2000, tries: 1});
    r.setServers([`127.0.0.1:${p.dns}`]);
    return r.resolve4(name(p));
  },
};
