// SPDX-License-Identifier: Apache-2.0
//
// What happens to a name that is not simply granted: the event, and the denial as Node's own errors come. A start that is granted
// everything does not read this file.
'use strict';

const {apply, defineProperty, isArray, promiseReject, startsWith} = require('../primordials');
const attribution = require('../attribution');
const native = require('../binding');
const {denied} = require('../denied');
const {settle, report} = require('../settle');
const {addressError} = require('./connections');
const {completeLater, callLater} = require('./failing');

const EPERM = -1;

function nameError(rule, syscall, hostname, hide) {
  return denied(rule, syscall, hostname, {__proto__: null, hostname}, hide);
}

// A look-up's request carries a callback, or resolve and reject, or (bare) only oncomplete.
function failRequest(request, error) {
  if (typeof request.reject === 'function') callLater(request.reject, error);
  else if (typeof request.callback === 'function') callLater(request.callback, error, request);
  else completeLater(request, EPERM);
  return 0;
}

// method of a channel: public name
const QUERIES = {
  __proto__: null,
  queryAny: 'resolveAny',
  queryA: 'resolve4',
  queryAaaa: 'resolve6',
  queryCaa: 'resolveCaa',
  queryCname: 'resolveCname',
  queryMx: 'resolveMx',
  queryNs: 'resolveNs',
  queryTxt: 'resolveTxt',
  querySrv: 'resolveSrv',
  queryPtr: 'resolvePtr',
  queryNaptr: 'resolveNaptr',
  querySoa: 'resolveSoa',
  queryTlsa: 'resolveTlsa',
  getHostByAddr: 'reverse',
};

// Called by the native hooks (src/hooks.hpp).
function refused(method, judgement, other, self, values, hide) {
  let rule;
  if (QUERIES[method] === undefined) {
    rule = settle(judgement, method === 'getaddrinfo' ? 'dns.lookup' : 'dns.lookupService', true);
  } else {
    const who = attribution.capture();
    const isPromise = typeof who.api === 'string' && startsWith(who.api, 'dns.promises.');
    const api = isPromise ? `dns.promises.${QUERIES[method]}` : `dns.${QUERIES[method]}`;
    rule = report(judgement, undefined, true, who, api);
  }
  if (rule === undefined) return undefined;
  return {__proto__: null, result: failRequest(values[0], nameError(rule, method, values[1], hide))};
}

// Other name servers than resolv.conf's: judged as the connection they will be. [[family, address, port], ...]
function judgedServers(servers, hide) {
  if (!isArray(servers)) return undefined;
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
    const rule = report(judgement, undefined, false, attribution.capture(), 'dns.setServers');
    if (rule !== undefined) throw addressError(rule, 'setServers', own[1], own[2], hide);
  }
  return {__proto__: null, first: copy};
}

// dns.promises takes getaddrinfo out of the binding when it is loaded. Where that was before us, its public functions are
// wrapped. The look-up itself then marks nothing twice: line 2 takes the token.
function wrapPromises(promises) {
  wrapPromise(promises, 'lookup', 'getaddrinfo', undefined);
  wrapPromise(promises, 'lookupService', 'getnameinfo', 'PTR');
}

function wrapPromise(promises, name, syscall, type) {
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
  defineProperty(wrapped, 'name', {__proto__: null, value: name, configurable: true});
  defineProperty(wrapped, 'length', {__proto__: null, value: original.length, configurable: true});
  promises[name] = wrapped;
}

module.exports = {refused, judgedServers, wrapPromises};
