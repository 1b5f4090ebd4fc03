// SPDX-License-Identifier: Apache-2.0
//
// Node 10 to 16: this build does not protect them. One line says so; the function runs as without us.
'use strict';

var EventEmitter = require('events');
var text =
  '[WARN] [app_protect] Node ' +
  process.versions.node +
  ' is not supported by this build (18 and newer are): not protected\n';
var isMainThread = true;
try {
  isMainThread = require('worker_threads').isMainThread;
} catch (error) {
  // Node 10 has no workers
}
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
