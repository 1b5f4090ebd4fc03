// SPDX-License-Identifier: Apache-2.0
//
// A wrapped handler: tells the core where an invocation begins and ends, and nothing else.
//
// What the runtime client sees of a handler stays: arity (client 4 refuses three parameters), name, streaming symbols, return
// value, errors, callback, context.done / succeed / fail, callbackWaitsForEmptyEventLoop. Only an invocation that was blocked
// (`on_deny: block`) ends differently: with an error of ours, whatever the handler made of the denial.
'use strict';

const {apply, now, promiseThen, Promise, WeakSet, weakSetAdd, weakSetHas} = require('./primordials');
const native = require('./binding');
const {health, setRequestIdSource} = require('./settle');

const STREAMING = Symbol.for('aws.lambda.runtime.handler.streaming');

const wrapped = new WeakSet(); // our wrappers: a handler is never wrapped twice
const running = new WeakSet(); // contexts whose invocation an outer wrapper has begun

let current = null; // the invocation that no callback has ended yet (one at a time, but on managed instances)
let watchesExit = false;
let storage = null; // request ids where several invocations share a thread

function textOf(value) {
  return typeof value === 'string' ? value : '';
}

class Invocation {
  constructor(context) {
    this.ended = false;
    this.blocked = false;
    this.callback = null;
    if (current !== null) current.end(); // the runtime went on without telling us (no callback, no promise)
    current = this;
    try {
      const remaining = typeof context.getRemainingTimeInMillis === 'function' ? context.getRemainingTimeInMillis() : 0;
      const id = textOf(context.awsRequestId) || textOf(context.invocationId);
      native.invocationBegin(id, textOf(context.invokedFunctionArn), remaining > 0 ? now() + remaining : 0);
    } catch (error) {
      health('invocation', error);
    }
  }

  // An Error when the invocation must end as blocked. Idempotent: promise, callback and context.succeed may all end it.
  end() {
    if (!this.ended) {
      this.ended = true;
      if (current === this) current = null;
      try {
        this.blocked = native.invocationEnd();
      } catch (error) {
        health('invocation', error);
      }
    }
    return this.blocked ? blockedError() : undefined;
  }
}

function blockedError() {
  const error = new Error('Response overridden by Trend App Protect');
  Object.defineProperty(error, 'name', {
    __proto__: null,
    value: 'TrendAppProtectBlocked',
    configurable: true,
    writable: true,
  });
  return error;
}

// callback(error, result) and the three functions of the context, each ending the invocation first.
function interceptCallback(invocation, values, context) {
  const callback = values[2];
  invocation.callback = callback;
  values[2] = function (error, result) {
    const blocked = invocation.end();
    return blocked === undefined ? apply(callback, this, arguments) : callback(blocked);
  };
  for (const name of ['succeed', 'fail', 'done']) {
    const original = context[name];
    if (typeof original !== 'function') continue;
    try {
      context[name] = function () {
        const blocked = invocation.end();
        return blocked === undefined ? apply(original, this, arguments) : callback(blocked);
      };
    } catch {
      // a frozen context: the callback is left
    }
  }
  // A handler that returns nothing and never calls back is answered by the client when the event loop is empty.
  if (!watchesExit) {
    watchesExit = true;
    process.prependListener('beforeExit', () => {
      const last = current;
      if (last === null || last.callback === null) return;
      const blocked = last.end();
      if (blocked !== undefined) last.callback(blocked);
    });
  }
}

function isThenable(value) {
  return (
    (typeof value === 'object' || typeof value === 'function') && value !== null && typeof value.then === 'function'
  );
}

function untilSettled(invocation, result) {
  return new Promise((resolve, reject) => {
    const settled = (value) => {
      const blocked = invocation.end();
      if (blocked === undefined) resolve(value);
      else reject(blocked);
    };
    const failed = (error) => reject(invocation.end() || error);
    if (result instanceof Promise) promiseThen(result, settled, failed);
    else result.then(settled, failed);
  });
}

function invoke(handler, self, values, context, isStreaming) {
  weakSetAdd(running, context);
  const invocation = new Invocation(context);
  const hasCallback = !isStreaming && typeof values[2] === 'function';
  if (hasCallback) interceptCallback(invocation, values, context);
  let result;
  try {
    result = apply(handler, self, values);
  } catch (error) {
    throw invocation.end() || error;
  }
  if (isThenable(result)) return untilSettled(invocation, result);
  if (hasCallback) return result;
  const blocked = invocation.end();
  if (blocked !== undefined) throw blocked;
  return result;
}

// contextAt(values, isStreaming): where this platform puts the context.
function wrap(handler, contextAt) {
  if (typeof handler !== 'function') {
    throw new TypeError(
      `protectHandler(handler): \`handler\` must be a function, got ${handler === null ? 'null' : typeof handler}`,
    );
  }
  if (weakSetHas(wrapped, handler)) return handler;
  const wrapper = function () {
    const isStreaming = wrapper[STREAMING] === 'response';
    const context = contextAt(arguments, isStreaming);
    if (typeof context !== 'object' || context === null || weakSetHas(running, context))
      return apply(handler, this, arguments);
    if (storage === null) return invoke(handler, this, arguments, context, isStreaming);
    return storage.run(textOf(context.awsRequestId), () => invoke(handler, this, arguments, context, isStreaming));
  };
  for (const key of Reflect.ownKeys(handler)) {
    if (key !== 'prototype' && key !== 'arguments' && key !== 'caller') {
      Object.defineProperty(wrapper, key, {__proto__: null, ...Object.getOwnPropertyDescriptor(handler, key)});
    }
  }
  weakSetAdd(wrapped, wrapper);
  return wrapper;
}

const protectHandler = (handler) => wrap(handler, (values, isStreaming) => values[isStreaming ? 2 : 1]);

// Azure Functions: (context, request) in the older model, (request, context) in the newer one.
const protectFunction = (handler) =>
  wrap(handler, (values) => {
    const [first, second] = [values[0], values[1]];
    return typeof second === 'object' && second !== null && typeof second.invocationId === 'string' ? second : first;
  });

// Lambda Managed Instances run several invocations in one thread: events need the request id of theirs.
function manageConcurrency() {
  const {AsyncLocalStorage} = require('async_hooks');
  storage = new AsyncLocalStorage();
  setRequestIdSource(() => storage.getStore());
}

module.exports = {protectHandler, protectFunction, manageConcurrency};
