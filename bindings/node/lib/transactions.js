// SPDX-License-Identifier: Apache-2.0
//
// `agent`: the names that users of the two older products call. They steer nothing that the sealed policy decides:
// ignoreHooks(fn) runs fn, whose operations are judged and counted like any other.
'use strict';

const {EventEmitter} = require('events');
const life = require('./agent');

let current = null; // the transaction that is under way

class Agent extends EventEmitter {
  get enabled() {
    return life.isActive();
  }

  // Already running: requiring the package started it.
  start() {
    return this;
  }

  currentTransaction() {
    return current;
  }

  startTransaction(type = 'transaction', id = '') {
    current = {type: String(type), id: String(id)};
    if (this.enabled) require('./binding').invocationBegin(current.id, '', 0);
    this.emit('transaction', current);
    return current;
  }

  // True when the policy blocked something in it (on_deny: block).
  finishTransaction() {
    if (current === null) return false;
    current = null;
    return this.enabled ? require('./binding').invocationEnd() : false;
  }

  // Runs fn() inside a transaction; returns what it returns, a promise included.
  withTransaction(type, fn) {
    this.startTransaction(type);
    const finish = () => {
      if (this.finishTransaction()) throw new Error('Response overridden by Trend App Protect');
    };
    let result;
    try {
      result = fn();
    } catch (error) {
      finish();
      throw error;
    }
    if (result instanceof Promise) {
      return result.then(
        (value) => {
          finish();
          return value;
        },
        (error) => {
          finish();
          throw error;
        },
      );
    }
    finish();
    return result;
  }

  ignoreHooks(fn) {
    return typeof fn === 'function' ? fn() : undefined;
  }
}
Object.defineProperty(Agent, 'name', {__proto__: null, value: 'Agent'}); // the bundle shortens the one in the text

module.exports = new Agent();
