// SPDX-License-Identifier: Apache-2.0
//
// Whether native code may be loaded, or what is behind the hooks reached: the error of a denial, or undefined. A start that asks
// for neither does not read this file.
'use strict';

const native = require('../binding');
const {denied} = require('../denied');
const {settle} = require('../settle');

function reaching(what, api, hide) {
  const judgement = native.reach(what);
  const rule = judgement === undefined ? undefined : settle(judgement, api, false);
  return rule === undefined ? undefined : denied(rule, api, undefined, undefined, hide);
}

function loading(filename, hide) {
  const judgement = typeof filename === 'string' ? native.load(filename) : undefined;
  const rule = judgement === undefined ? undefined : settle(judgement, 'process.dlopen', false);
  return rule === undefined
    ? undefined
    : denied(rule, 'dlopen', `'${filename}'`, {__proto__: null, path: filename}, hide);
}

module.exports = {reaching, loading};
