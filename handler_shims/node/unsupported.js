// SPDX-License-Identifier: Apache-2.0
//
// Older than Node 10: not protected. One line says so, and the function runs as without us; or there is no function, where
// TREND_AP_FAIL_CLOSED says so. Plain old JavaScript, since any Node must be able to read it.
'use strict';

var EventEmitter = require('events');
var text =
  '[WARN] [app_protect] Node ' +
  process.versions.node +
  ' is not supported by this build (10 and newer are): not protected\n';
var isMainThread = true;
try {
  isMainThread = require('worker_threads').isMainThread;
} catch (error) {
  // no workers
}
if (/^(1|true|yes|on)$/i.test(process.env.TREND_AP_FAIL_CLOSED || '')) throw new Error(text.slice(7, -1));
if (isMainThread) process.stderr.write(text);

var agent = new EventEmitter();
agent.enabled = false;
['start', 'currentTransaction', 'startTransaction', 'finishTransaction'].forEach(function (name) {
  agent[name] = function () {
    return null;
  };
});
agent.withTransaction = function (type, fn) {
  return fn();
};
agent.ignoreHooks = function (fn) {
  return fn();
};

function unchanged(handler) {
  return handler;
}

exports.attach = function () {
  return exports;
};
exports.api = {aws_lambda: {protectHandler: unchanged}, azure_function: {protectFunction: unchanged}};
exports.agent = agent;
exports.status = function () {
  return {enabled: false};
};

// Handler swap: the original handler by the plainest of the client's rules.
exports.swappedHandler = function () {
  var name = process.env.TREND_AP_HANDLER || '';
  var match = /^(.*\/)?([^./]*)\.(.*)$/.exec(name);
  if (!match)
    throw new Error('TREND_AP_HANDLER is `' + name + '`: it must name the handler to run, for example index.handler');
  var file = require('path').resolve(process.env.LAMBDA_TASK_ROOT || process.cwd(), match[1] || '', match[2]);
  return match[3].split('.').reduce(function (nested, key) {
    return nested && nested[key];
  }, require(file));
};
