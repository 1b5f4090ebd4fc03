// SPDX-License-Identifier: Apache-2.0
//
// What require('trend_app_protect') gives, and the three ways a Lambda function gets here: attach() for code and import,
// preload() for the exec wrapper and for workers, swappedHandler() / redirectedHandler() (swapped.js) for the handler shims.
'use strict';

const {nodeMajor} = require('./primordials');
const agentLife = require('./agent');

const KNOWN = Symbol.for('trend_app_protect.agent'); // a second copy of the package in this environment finds the first

const realm = global; // globalThis, which Node 10 does not know

let preloadFile = __filename; // what workers --require

let redirected; // {handler, error}: what preload() put aside for swapped.js

// Wraps a handler, or gives it back where there is nothing to protect it with (switched off, no native code).
function protect(kind, handler) {
  if (agentLife.isActive()) return require('./handler')[kind](handler);
  if (typeof handler !== 'function')
    throw new TypeError(`${kind}(handler): \`handler\` must be a function, got ${typeof handler}`);
  return handler;
}

const protectHandler = (handler) => protect('protectHandler', handler);
const protectFunction = (handler) => protect('protectFunction', handler);
const api = Object.freeze({
  aws_lambda: Object.freeze({protectHandler}),
  azure_function: Object.freeze({protectFunction}),
});

function onLambda() {
  return process.env.AWS_LAMBDA_RUNTIME_API !== undefined;
}

// require('trend_app_protect'). guard: what workers --require, where that is not this file.
function attach(guard) {
  const known = realm[KNOWN];
  if (known !== undefined) return known;
  if (guard !== undefined) preloadFile = guard;
  agentLife.start(onLambda() ? agentLife.CODE : agentLife.IMPORT, preloadFile);
  return publish();
}

function publish() {
  if (realm[KNOWN] === undefined) {
    const value = Object.freeze({
      api,
      get agent() {
        return require('./transactions');
      },
      status: agentLife.status,
    });
    Object.defineProperty(realm, KNOWN, {
      __proto__: null,
      value,
      writable: false,
      configurable: false,
      enumerable: false,
    });
  }
  return realm[KNOWN];
}

// --require: before everything else, in the runtime client, in other programs, in every worker.
function preload(guard) {
  if (realm[KNOWN] !== undefined) return;
  if (guard !== undefined) preloadFile = guard;
  const handler = process.env._HANDLER;
  const inClient = agentLife.isMainThread() && onLambda() && handler !== undefined && handler !== '';
  try {
    agentLife.start(agentLife.WRAPPER, preloadFile);
  } catch (error) {
    // The client can say it better: it reports what our handler module throws as the error of the init phase.
    if (!inClient) throw error;
    redirected = {error};
  }
  publish();
  if (!inClient) return;
  redirected = redirected || {handler};
  redirected.handler = handler;
  // Before Node 14 the client cannot read an ES module.
  process.env._HANDLER = `${__dirname}/${nodeMajor < 14 ? 'handler_now' : 'handler'}.handler`;
}

// Whether Node loads this module for a --require: the module it makes up for what asks has this name.
function isPreloaded(module) {
  const parent = agentLife.undeprecated(() => module.parent);
  return parent !== null && parent !== undefined && parent.id === 'internal/preload';
}

// For handler.mjs: any handler, ES modules included.
function redirectedHandler() {
  return require('./swapped').redirectedHandler(redirected);
}

// For the CommonJS shim, which must answer at once.
function swappedHandler() {
  return require('./swapped').swappedHandler(redirected);
}

// Where nobody has started us yet: a handler shim that was named in the function's configuration.
function startForHandler() {
  agentLife.start(agentLife.HANDLER, preloadFile);
  publish();
}

module.exports = {attach, isPreloaded, preload, protectHandler, redirectedHandler, startForHandler, swappedHandler};
