// SPDX-License-Identifier: Apache-2.0
//
// One row per way to start a program; each leaves a marker, place.folder/<name>.
'use strict';

const path = require('path');

const marker = (place) => path.join(place.folder, place.name.replace(/\W/g, '_'));
const ended = (child) =>
  new Promise((resolve, reject) => child.on('error', reject).on('close', (code) => resolve(code)));
const callback = (start) =>
  new Promise((resolve, reject) => start((error, stdout) => (error ? reject(error) : resolve(stdout))));
const sync = (result) => {
  if (result.error) throw result.error;
  return result.status;
};

module.exports = {
  spawn: ({child_process}, p) => ended(child_process.spawn('touch', [marker(p)])),
  'spawn absolute': ({child_process}, p) =>
    ended(child_process.spawn('/usr/bin/touch', [marker(p)], {cwd: '/', env: {}})),
  'spawn inherit': ({child_process}, p) => ended(child_process.spawn('touch', [marker(p)], {stdio: 'inherit'})),
  'spawn shell': ({child_process}, p) => ended(child_process.spawn(`: > '${marker(p)}'`, {shell: true})),
  exec: ({child_process}, p) => callback((done) => child_process.exec(`: > '${marker(p)}'; echo out`, done)),
  execFile: ({child_process}, p) => callback((done) => child_process.execFile('touch', [marker(p)], done)),
  'promisified exec': async ({child_process}, p) =>
    (await require('util').promisify(child_process.exec)(`: > '${marker(p)}'; echo out`)).stdout,
  spawnSync: ({child_process}, p) => sync(child_process.spawnSync('touch', [marker(p)])),
  'spawnSync input': ({child_process}, p) => sync(child_process.spawnSync('tee', [marker(p)], {input: 'text'})),
  execSync: ({child_process}, p) => child_process.execSync(`: > '${marker(p)}'; echo out`).toString(),
  execFileSync: ({child_process}, p) => child_process.execFileSync('touch', [marker(p)]).toString(),
  fork: ({child_process}, p) => ended(child_process.fork(path.join(p.folder, 'touch.js'), [marker(p)])),
  cluster: (api, p) => {
    const cluster = require('cluster');
    (cluster.setupPrimary || cluster.setupMaster)({exec: path.join(p.folder, 'touch.js'), args: [marker(p)]});
    const worker = cluster.fork();
    return new Promise((resolve, reject) => {
      worker.on('error', reject);
      worker.process.on('close', resolve);
    }).finally(() => cluster.removeAllListeners());
  },
};
