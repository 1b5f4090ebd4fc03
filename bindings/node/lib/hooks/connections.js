// SPDX-License-Identifier: Apache-2.0
//
// What happens to a connection, a datagram or a unix socket that is not simply granted: the event, and the denial as Node's own
// errors come: through the socket, the callback or an error code. A start that is granted everything does not read this file.
'use strict';

const {
  apply,
  getOwnPropertyDescriptor,
  isArray,
  nextTick,
  process,
  WeakMap,
  weakMapGet,
  weakMapSet,
} = require('../primordials');
const {denied} = require('../denied');
const {settle} = require('../settle');
const {completeLater, callLater, ownerOf, interceptOnce} = require('./failing');

const EPERM = -1;

function addressError(rule, syscall, address, port, hide) {
  return denied(
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

// One for each group of src/hooks.hpp: (the arguments, the handle, the rule, hide) -> what the method returns instead.

const groups = {
  __proto__: null,
  tcp: {
    api: () => 'net.connect',
    fail: (values, handle, rule, hide) =>
      failConnect(handle, values[0], addressError(rule, 'connect', values[1], values[2], hide)),
  },
  pipe: {
    api: () => 'net.connect',
    fail: (values, handle, rule, hide) =>
      failPipe(handle, values[0], addressError(rule, 'connect', `${values[1]}`, undefined, hide)),
  },
  listen: {api: () => 'net.Server.listen', fail: () => EPERM},
  udp: {
    api: (name) => (name === 'send' || name === 'send6' ? 'dgram.send' : 'dgram.connect'),
    fail: (values, handle, rule, hide) =>
      values.length < 6
        ? EPERM // connect
        : failSend(handle, values[0], addressError(rule, 'send', values[4], values[3], hide)),
  },
};

// What a group's hooks call: onRefusal(() => of('tcp')).
function of(name) {
  const {api, fail} = groups[name];
  return {
    refused(method, judgement, other, self, values, hide) {
      const rule = settle(judgement, api(method), false);
      return rule === undefined ? undefined : {__proto__: null, result: fail(values, self, rule, hide)};
    },
  };
}

module.exports = {addressError, of};
