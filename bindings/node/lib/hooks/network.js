// SPDX-License-Identifier: Apache-2.0
//
// Network hooks: the handles under net, tls, http, https, http2, fetch and WebSocket; dgram; names for all of them.
//
// Patched: TCP connect, connect6; Pipe connect, bind; UDP connect, connect6, send, send6; getaddrinfo, getnameinfo; ChannelWrap
//   query*, getHostByAddr, setServers; dns.promises.lookup and lookupService where that module was loaded before us.
// Not patched, on purpose: what comes in (listen, accept), data on connected sockets (decided at connect).
//
// A name is judged before a query exists; an address is judged with the names that gave it (the core's table, never the
// socket's own idea of its host).
'use strict';

const native = require('../binding');
const {onRefusal, replace} = require('./hook');

const names = () => require('./names');
const hook = (group, prototype) =>
  native.hook(
    group,
    prototype,
    onRefusal(() => require('./connections').of(group)),
  );

function hookNames(cares, loads) {
  const channel = cares.ChannelWrap.prototype;
  native.hook('names', cares, onRefusal(names));
  native.hook('queries', channel, onRefusal(names));
  const before = function setServers(self, servers) {
    return names().judgedServers(servers, before);
  };
  replace(channel, 'setServers', native.precede(channel.setServers, before));
  if (loads.isLoaded('internal/dns/promises')) names().wrapPromises(require('dns').promises);
}

// One function for each internal binding, called when that has been loaded: perhaps in the middle of user code.
module.exports = {
  cares_wrap: (cares, {loads}) => hookNames(cares, loads),
  tcp_wrap: (tcp) => hook('tcp', tcp.TCP.prototype),
  pipe_wrap: (pipe) => hook('pipe', pipe.Pipe.prototype),
  udp_wrap: (udp) => hook('udp', udp.UDP.prototype),
  // The creating half of unix sockets belongs to files: installed where those are.
  hookListening: (pipe) => hook('listen', pipe.Pipe.prototype),
};
