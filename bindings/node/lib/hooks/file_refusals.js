// SPDX-License-Identifier: Apache-2.0
//
// What happens to a file operation that is not simply granted: who did it, whether the module loader is excused, the event,
// and the denial by the channel that the call was made with. A start that is granted everything does not read this file.
//
// kinds: {kUsePromises, requestPrototype} of the fs binding, by which a call shows that it is asynchronous.
'use strict';

const {getPrototypeOf, nodeMajor, promiseReject} = require('../primordials');
const attribution = require('../attribution');
const code = require('../code_loading');
const {denied, NAME} = require('../denied');
const {report} = require('../settle');
const {PASS, completeLater} = require('./hook');

function isRequest({requestPrototype}, value) {
  return typeof value === 'object' && value !== null && getPrototypeOf(value) === requestPrototype;
}

function isAsync(kinds, values) {
  for (let i = values.length - 1; i > 0; i--)
    if (values[i] === kinds.kUsePromises || isRequest(kinds, values[i])) return true;
  return false;
}

// Hands the denial over by the channel this call was made with.
function refuse(kinds, rule, syscall, values, path, dest, hide) {
  for (let i = values.length - 1; i > 0; i--) {
    const value = values[i];
    if (value === kinds.kUsePromises) return promiseReject(errorOf(rule, syscall, path, dest, hide));
    if (isRequest(kinds, value)) {
      completeLater(value, errorOf(rule, syscall, path, dest, hide));
      return undefined;
    }
    // Node 18, sync: (..., undefined, ctx), and the caller makes the error out of ctx
    if (
      nodeMajor < 20 &&
      i === values.length - 1 &&
      typeof value === 'object' &&
      value !== null &&
      values[i - 1] === undefined
    ) {
      value.errno = -1;
      value.code = 'EPERM';
      value.syscall = syscall;
      value.name = NAME;
      value.message = rule === '' ? 'operation not permitted by policy' : `operation not permitted by policy (${rule})`;
      return undefined;
    }
  }
  throw errorOf(rule, syscall, path, dest, hide);
}

function errorOf(rule, syscall, path, dest, hide) {
  const shown = typeof path === 'string' ? path : `${path}`;
  if (dest === undefined) return denied(rule, syscall, `'${shown}'`, {__proto__: null, path: shown}, hide);
  const to = typeof dest === 'string' ? dest : `${dest}`;
  return denied(rule, syscall, `'${shown}' -> '${to}'`, {__proto__: null, path: shown, dest: to}, hide);
}

// read: 'code' when the module loader may be reading, 'stat' when it may be looking; undefined for everything else.
function judged(kinds, judgement, site, values, path, dest, hide) {
  const asynchronous = isAsync(kinds, values);
  const who = attribution.capture();
  if (site.loader === 'read' ? code.excusesRead(who, path) : site.loader === 'stat' && code.excusesStat(who, path))
    return PASS;
  const rule = report(judgement, site.api, asynchronous, who);
  return rule === undefined ? PASS : refuse(kinds, rule, site.syscall, values, path, dest, hide);
}

module.exports = {isAsync, judged, errorOf};
