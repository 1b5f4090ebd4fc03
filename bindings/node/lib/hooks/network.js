// SPDX-License-Identifier: Apache-2.0
//
// Network hooks: the handles under net, tls, http, https, http2, fetch and WebSocket; dgram; names for all of them.
//
// Patched: TCP connect, connect6; Pipe connect, bind; UDP connect, connect6, send, send6; getaddrinfo, getnameinfo;
//   ChannelWrap query*, getHostByAddr, setServers. dns.promises.lookup and lookupService where that module was loaded before us.
// Not patched, on purpose: what comes in (listen, accept), data on connected sockets (decided at connect).
//
// A name is judged before a query exists; an address is judged with the names that gave it (the core's table, never the
// socket's own idea of its host). Answers of c-ares are noted for that table; line 2 sees those of getaddrinfo.
'use strict';

const {
  apply,
  defineProperty,
  getOwnPropertyDescriptor,
  isArray,
  nextTick,
  ownKeys,
  process,
  promiseReject,
  startsWith,
  WeakMap,
  weakMapGet,
  weakMapSet,
} = require('../primordials');
const native = require('../binding');
const {settle, report} = require('../settle');
const {replace, completeLater, callLater, ownerOf, interceptOnce} = require('./hook');

const EPERM = -1;

// --- names --------------------------------------------------------------------------------------------------------------

function nameError(rule, syscall, hostname, hide) {
  return require('../denied').denied(rule, syscall, hostname, {__proto__: null, hostname}, hide);
}

// A look-up's request carries a callback, or resolve and reject, or (bare) only oncomplete.
function failRequest(request, error) {
  if (typeof request.reject === 'function') callLater(request.reject, error);
  else if (typeof request.callback === 'function') callLater(request.callback, error, request);
  else completeLater(request, EPERM);
  return 0;
}

function hookLookup(cares) {
  const original = cares.getaddrinfo;
  replace(cares, 'getaddrinfo', function hook(request, hostname) {
    if (typeof hostname !== 'string') arguments[1] = hostname = `${hostname}`;
    const judgement = native.resolve(hostname);
    if (judgement !== undefined) {
      const rule = settle(judgement, 'dns.lookup', true);
      if (rule !== undefined) return failRequest(request, nameError(rule, 'getaddrinfo', hostname, hook));
    }
    return apply(original, this, arguments);
  });

  const reverse = cares.getnameinfo;
  replace(cares, 'getnameinfo', function hook(request, address) {
    if (typeof address !== 'string') arguments[1] = address = `${address}`;
    const judgement = native.resolve(address, 'PTR');
    if (judgement !== undefined) {
      const rule = settle(judgement, 'dns.lookupService', true);
      if (rule !== undefined) return failRequest(request, nameError(rule, 'getnameinfo', address, hook));
    }
    return apply(reverse, this, arguments);
  });
}

// method of the channel: [query type, public name]
const QUERIES = {
  __proto__: null,
  queryAny: ['ANY', 'resolveAny'],
  queryA: ['A', 'resolve4'],
  queryAaaa: ['AAAA', 'resolve6'],
  queryCaa: ['CAA', 'resolveCaa'],
  queryCname: ['CNAME', 'resolveCname'],
  queryMx: ['MX', 'resolveMx'],
  queryNs: ['NS', 'resolveNs'],
  queryTxt: ['TXT', 'resolveTxt'],
  querySrv: ['SRV', 'resolveSrv'],
  queryPtr: ['PTR', 'resolvePtr'],
  queryNaptr: ['NAPTR', 'resolveNaptr'],
  querySoa: ['SOA', 'resolveSoa'],
  queryTlsa: ['TLSA', 'resolveTlsa'],
  getHostByAddr: ['PTR', 'reverse'],
};

// Passes the addresses of an answer to the core before the caller can use them.
function noteAnswer(request, hostname) {
  const original = request.oncomplete;
  if (typeof original !== 'function') return;
  defineProperty(request, 'oncomplete', {
    __proto__: null,
    configurable: true,
    enumerable: true,
    writable: true,
    value: function oncomplete(error, addresses) {
      if (!error && isArray(addresses)) native.noteAnswer(hostname, addresses);
      return apply(original, this, arguments);
    },
  });
}

function hookQuery(channel, name) {
  const original = channel[name];
  const type = QUERIES[name][0];
  const api = `dns.${QUERIES[name][1]}`;
  const promisesApi = `dns.promises.${QUERIES[name][1]}`;
  const answers = type === 'A' || type === 'AAAA';
  replace(channel, name, function hook(request, hostname) {
    if (typeof hostname !== 'string') arguments[1] = hostname = `${hostname}`;
    const judgement = native.resolve(hostname, type);
    if (judgement !== undefined) {
      const who = require('../attribution').capture();
      const isPromise = typeof who.api === 'string' && startsWith(who.api, 'dns.promises.');
      const rule = report(judgement, undefined, true, who, isPromise ? promisesApi : api);
      if (rule !== undefined) return failRequest(request, nameError(rule, name, hostname, hook));
    }
    if (answers) noteAnswer(request, hostname);
    return apply(original, this, arguments);
  });
}

// Other name servers than resolv.conf's: judged as the connection they will be. [[family, address, port], ...]
function hookServers(channel) {
  const original = channel.setServers;
  replace(channel, 'setServers', function hook(servers) {
    if (isArray(servers)) {
      const copy = [];
      for (let i = 0; i < servers.length; i++) {
        const server = servers[i];
        if (!isArray(server) || server.length < 3) continue;
        const own = [server[0] | 0, `${server[1]}`, server[2] >>> 0];
        defineProperty(copy, copy.length, {
          __proto__: null,
          configurable: true,
          enumerable: true,
          writable: true,
          value: own,
        });
        const judgement = native.connectUdp(own[1], own[2] || 53);
        if (judgement === undefined) continue;
        const rule = report(judgement, undefined, false, require('../attribution').capture(), 'dns.setServers');
        if (rule !== undefined) throw addressError(rule, 'setServers', own[1], own[2], hook);
      }
      arguments[0] = copy;
    }
    return apply(original, this, arguments);
  });
}

// --- connections --------------------------------------------------------------------------------------------------------

function addressError(rule, syscall, address, port, hide) {
  return require('../denied').denied(
    rule,
    syscall,
    port === undefined ? address : `${address}:${port}`,
    {__proto__: null, address, port},
    hide,
  );
}

const refusedSockets = new WeakMap(); // socket -> the error of its first refused attempt

function isOneOfSeveral(request) {
  const oncomplete = request.oncomplete;
  const name = typeof oncomplete === 'function' ? getOwnPropertyDescriptor(oncomplete, 'name') : undefined;
  return name !== undefined && name.value === 'bound afterConnectMultiple';
}

function isEveryOneOurs(error) {
  if (typeof error !== 'object' || error === null) return false;
  if (!isArray(error.errors)) return error.code === 'EPERM';
  for (let i = 0; i < error.errors.length; i++) if (error.errors[i].code !== 'EPERM') return false;
  return true;
}

// The socket fails as with a refused system call. One connect destroys it with our error; with several addresses (happy
// eyeballs) Node goes on to the next, and our error takes the place of its summary when nothing else was left.
function failConnect(handle, request, error) {
  const socket = ownerOf(handle);
  if (typeof socket !== 'object' || socket === null || typeof socket.destroy !== 'function') return EPERM;
  if (!isOneOfSeveral(request)) {
    socket.destroy(error);
    return 0;
  }
  if (weakMapGet(refusedSockets, socket) === undefined) {
    interceptOnce(socket, 'destroy', (values) => {
      if (isEveryOneOurs(values[0])) values[0] = error;
      return true;
    });
  }
  weakMapSet(refusedSockets, socket, error);
  return EPERM;
}

// A pipe connects in the call itself, before http has put its listener on the socket: the error comes a tick later.
function failPipe(handle, request, error) {
  apply(nextTick, process, [failPipeNow, handle, request, error]);
  return 0;
}

function failPipeNow(handle, request, error) {
  if (failConnect(handle, request, error) !== 0) completeLater(request, EPERM);
}

function hookTcp(prototype, name) {
  const original = prototype[name];
  const {connectTcp} = native;
  replace(prototype, name, function hook(request, address, port) {
    if (typeof address !== 'string') arguments[1] = address = `${address}`;
    if (typeof port !== 'number') arguments[2] = port = port >>> 0;
    const judgement = connectTcp(address, port);
    if (judgement !== undefined) {
      const rule = settle(judgement, 'net.connect', false);
      if (rule !== undefined) return failConnect(this, request, addressError(rule, 'connect', address, port, hook));
    }
    return apply(original, this, arguments);
  });
}

function hookPipe(prototype) {
  const connect = prototype.connect;
  replace(prototype, 'connect', function hook(request, path) {
    if (typeof path !== 'string') arguments[1] = path = native.copy(path);
    const judgement = native.connectUnix(path);
    if (judgement !== undefined) {
      const rule = settle(judgement, 'net.connect', false);
      if (rule !== undefined) return failPipe(this, request, addressError(rule, 'connect', `${path}`, undefined, hook));
    }
    return apply(connect, this, arguments);
  });
}

// A unix socket that listens is a file that is made.
function hookPipeBind(prototype) {
  const bind = prototype.bind;
  replace(prototype, 'bind', function hook(path) {
    if (typeof path !== 'string') arguments[0] = path = native.copy(path);
    if (!startsWith(path, '\0')) {
      const judgement = native.create(path);
      if (judgement !== undefined && settle(judgement, 'net.Server.listen', false) !== undefined) return EPERM;
    }
    return apply(bind, this, arguments);
  });
}

const IS_SHADOWED = true; // a udp6 socket's handle gets connect = connect6, send = send6

function hookUdp(prototype, name) {
  const original = prototype[name];
  const {connectUdp} = native;
  if (name === 'connect' || name === 'connect6') {
    replace(
      prototype,
      name,
      function hook(address, port) {
        if (typeof address !== 'string') arguments[0] = address = `${address}`;
        if (typeof port !== 'number') arguments[1] = port = port >>> 0;
        const judgement = connectUdp(address, port);
        if (judgement !== undefined && settle(judgement, 'dgram.connect', false) !== undefined) return EPERM;
        return apply(original, this, arguments);
      },
      IS_SHADOWED,
    );
    return;
  }
  // send(request, list, length, port, address, hasCallback), or without port and address on a connected socket
  replace(
    prototype,
    name,
    function hook(request, list, length, port, address) {
      if (arguments.length < 6) return apply(original, this, arguments);
      if (typeof address !== 'string') arguments[4] = address = `${address}`;
      if (typeof port !== 'number') arguments[3] = port = port >>> 0;
      const judgement = connectUdp(address, port);
      if (judgement !== undefined) {
        const rule = settle(judgement, 'dgram.send', false);
        if (rule !== undefined) return failSend(this, request, addressError(rule, 'send', address, port, hook));
      }
      return apply(original, this, arguments);
    },
    IS_SHADOWED,
  );
}

// With a callback the error goes there, without one to 'error' listeners, if there are any: Node drops a refused send.
function failSend(handle, request, error) {
  if (typeof request.callback === 'function') {
    callLater(request.callback, error);
    return 0;
  }
  const socket = ownerOf(handle);
  if (
    typeof socket === 'object' &&
    socket !== null &&
    typeof socket.listenerCount === 'function' &&
    socket.listenerCount('error') > 0
  ) {
    callLater((e) => socket.emit('error', e), error);
  }
  return EPERM;
}

// --- already loaded -----------------------------------------------------------------------------------------------------

// dns.promises takes getaddrinfo out of the binding when it is loaded. Where that was before us, its public functions are
// wrapped. The look-up itself then marks nothing twice: line 2 takes the token.
function wrapPromises(promises) {
  for (const [name, syscall, type] of [
    ['lookup', 'getaddrinfo', undefined],
    ['lookupService', 'getnameinfo', 'PTR'],
  ]) {
    const original = promises[name];
    const wrapped = function (hostname) {
      if (typeof hostname === 'string' && hostname !== '') {
        const judgement = native.resolve(hostname, type);
        if (judgement !== undefined) {
          const rule = settle(judgement, `dns.promises.${name}`, true);
          if (rule !== undefined) return promiseReject(nameError(rule, syscall, hostname, wrapped));
        }
      }
      return apply(original, this, arguments);
    };
    Object.defineProperty(wrapped, 'name', {__proto__: null, value: name, configurable: true});
    Object.defineProperty(wrapped, 'length', {__proto__: null, value: original.length, configurable: true});
    promises[name] = wrapped;
  }
}

// One function for each internal binding, called when that has been loaded: perhaps in the middle of user code.

function cares_wrap(cares, {loads}) {
  hookLookup(cares);
  const channel = cares.ChannelWrap.prototype;
  const names = ownKeys(QUERIES);
  for (let i = 0; i < names.length; i++) if (typeof channel[names[i]] === 'function') hookQuery(channel, names[i]);
  hookServers(channel);
  if (loads.isLoaded('internal/dns/promises')) wrapPromises(require('dns').promises);
}

function tcp_wrap(tcp) {
  hookTcp(tcp.TCP.prototype, 'connect');
  hookTcp(tcp.TCP.prototype, 'connect6');
}

function pipe_wrap(pipe) {
  hookPipe(pipe.Pipe.prototype);
}

function udp_wrap(udp) {
  hookUdp(udp.UDP.prototype, 'connect');
  hookUdp(udp.UDP.prototype, 'connect6');
  hookUdp(udp.UDP.prototype, 'send');
  hookUdp(udp.UDP.prototype, 'send6');
}

// The creating half of unix sockets belongs to files: installed where those are.
function hookListening(pipe) {
  hookPipeBind(pipe.Pipe.prototype);
}

module.exports = {cares_wrap, tcp_wrap, pipe_wrap, udp_wrap, hookListening};
