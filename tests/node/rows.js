// SPDX-License-Identifier: Apache-2.0
//
// Runs a table of operations in a program of its own and reports how each ended.
//
// A table is a module that exports {name: async (api, place) => value}; api holds the modules by name, place what the test
// gave. The same table runs in the main thread (CommonJS), through ESM imports, and in a Worker.
'use strict';

const {run, lacks, has, workerArgs} = require('./protected');

const OUTCOME = `
function describe(error) {
  if (error === null || typeof error !== 'object') return { thrown: String(error) };
  const { name, message, code, errno, syscall, path, dest, address, port, hostname, spawnargs } = error;
  return { name, message, code, errno, syscall, path, dest, address, port, hostname, spawnargs,
    cause: error.cause ? describe(error.cause) : undefined, isError: error instanceof Error };
}
async function runTable(table, api, place) {
  const outcomes = {};
  for (const [name, row] of Object.entries(table)) {
    if ((place(name).leave || []).includes(name)) continue;
    try {
      outcomes[name] = { value: await row(api, place(name)) };
    } catch (error) {
      outcomes[name] = { error: describe(error) };
    }
  }
  return outcomes;
}
`;

const MODULES = [
  'fs',
  ...(has['fs/promises'] ? ['fs/promises'] : []),
  'net',
  'tls',
  'dgram',
  'dns',
  ...(has['dns/promises'] ? ['dns/promises'] : []),
  'http',
  'https',
  'http2',
  'child_process',
  'path',
  'events',
  'stream',
];

const cjs = (table, place) => `${OUTCOME}
const api = { require };
for (const name of ${JSON.stringify(MODULES)}) Object.defineProperty(api, name, { get: () => require(name) });
runTable(require(${JSON.stringify(table)}), api, (name) => (${place})(name, ${'PLACE'})).then((outcomes) => console.log(JSON.stringify(outcomes)));
`;

const esm = (table, place) => `
${MODULES.map((name) => `import * as ${name.replace('/', '_')} from '${name}';`).join('\n')}
import { createRequire } from 'module';
${OUTCOME}
const require = createRequire(import.meta.url);
const api = { require, ${MODULES.map((name) => `${JSON.stringify(name)}: ${name.replace('/', '_')}`).join(', ')} };
runTable(require(${JSON.stringify(table)}), api, (name) => (${place})(name, ${'PLACE'})).then((outcomes) => console.log(JSON.stringify(outcomes)));
`;

const worker = `
const { Worker } = require('worker_threads');
new Worker(require('path').join(__dirname, 'table.js'), WORKER_OPTIONS);
`;

/**
 * @param {string} table file of the table
 * @param {object} place given to each row as {...place, name}; place.leave names rows to leave out
 * @param {'cjs'|'esm'|'worker'} form
 * @param {object} options of run(); workerOptions: text of the Worker's options
 */
async function runRows(table, place, form, options = {}) {
  const makePlace = '(name, place) => ({ ...place, name })';
  const given = JSON.stringify(place);
  const fill = (text) => text.replace('PLACE', () => given);
  let result;
  if (form === 'cjs') result = await run(fill(cjs(table, makePlace)), options);
  else if (form === 'esm') result = await run(fill(esm(table, makePlace)), {...options, name: 'main.mjs'});
  else {
    result = await run(worker.replace('WORKER_OPTIONS', options.workerOptions || '{}'), {
      ...options,
      nodeArgs: [...workerArgs, ...(options.nodeArgs || [])],
      files: {...options.files, 'table.js': fill(cjs(table, makePlace))},
    });
  }
  return {outcomes: result.value, result};
}

// The reason for which a form is left out, or false.
const formLacks = (form) =>
  form === 'esm' ? lacks('ES modules') : form === 'worker' ? lacks('worker_threads') : false;

module.exports = {runRows, formLacks};
