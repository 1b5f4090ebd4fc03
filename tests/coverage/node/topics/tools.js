// SPDX-License-Identifier: Apache-2.0
//
// What channels are made of.
'use strict';

/** A promise of what a callback gets. */
const callback = (start) =>
  new Promise((resolve, reject) => start((error, value) => (error ? reject(error) : resolve(value))));

/** All that a stream gives. */
const streamed = (stream, raw = false) =>
  new Promise((resolve, reject) => {
    const parts = [];
    stream.on('data', (data) => parts.push(Buffer.from(data)));
    stream.on('end', () => resolve(raw ? Buffer.concat(parts) : Buffer.concat(parts).toString('latin1')));
    stream.on('error', reject);
  });

const url = (name) => require('url').pathToFileURL(name);

/** One of Node's internal bindings, as anybody can have it. */
const binding = (name) => process.binding(name);

/** What a child prints; a refusal in the child is an empty answer, one of its start is thrown. */
const childSays = (program, words, options = {}) => {
  const done = require('child_process').spawnSync(program, words, {stdio: ['ignore', 'pipe', 'ignore'], ...options});
  if (done.error) throw done.error;
  return done.stdout.toString('latin1');
};

/** What a function body, with p, gives in a worker. */
const inWorker = (body, p, options = {}) =>
  new Promise((resolve, reject) => {
    const text = `const {parentPort, workerData: p} = require('worker_threads');
      (async () => { ${body} })().then((v) => parentPort.postMessage({v}), (e) => parentPort.postMessage({e: String(e && e.message)}));`;
    const worker = new (require('worker_threads').Worker)(text, {eval: true, workerData: p, ...options});
    worker.on('message', ({v, e}) => (e ? reject(new Error(e)) : resolve(v)));
    worker.on('error', reject);
    worker.on('exit', () => setTimeout(() => reject(new Error('the worker ended')), 50));
  });

/** The first of an emitter's events, an error thrown. */
const event = (emitter, ...names) =>
  new Promise((resolve, reject) => {
    for (const name of names) emitter.on(name, () => resolve(name));
    emitter.on('error', reject);
  });

module.exports = {binding, callback, childSays, event, inWorker, streamed, url};
