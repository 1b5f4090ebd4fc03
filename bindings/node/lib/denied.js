// SPDX-License-Identifier: Apache-2.0
//
// The error of a denied operation, as Node's own errors of a refused system call look: code EPERM, errno -1, syscall, and
// path / dest, address and port, hostname or spawnargs. Only its name says whose it is.
'use strict';

const {captureStackTrace, defineProperty, Error, ownKeys} = require('./primordials');

const NAME = 'TrendAppProtectDenied';

// fields: further properties in Node's order. hide: the function above which the stack begins.
function denied(rule, syscall, what, fields, hide) {
  const error = new Error(messageOf(rule, syscall, what));
  dress(error);
  error.errno = -1;
  error.code = 'EPERM';
  error.syscall = syscall;
  if (fields !== undefined) {
    const names = ownKeys(fields);
    for (let i = 0; i < names.length; i++) if (fields[names[i]] !== undefined) error[names[i]] = fields[names[i]];
  }
  captureStackTrace(error, hide);
  return error;
}

function messageOf(rule, syscall, what) {
  const why = rule === '' ? 'operation not permitted by policy' : `operation not permitted by policy (${rule})`;
  return `EPERM: ${why}, ${syscall}${what === undefined ? '' : ` ${what}`}`;
}

// Gives an error that Node made for our errno our name.
function dress(error) {
  defineProperty(error, 'name', {__proto__: null, configurable: true, enumerable: false, writable: true, value: NAME});
}

module.exports = {denied, dress, messageOf, NAME};
