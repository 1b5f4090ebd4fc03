// SPDX-License-Identifier: Apache-2.0
//
// Runs channels one after the other and says how each ended.
//
//   program.js list | program.js bare TASK RESULTS MARKS
//
// RESULTS and MARKS are descriptors: one takes a line of JSON for each start and end, the other marks in the event log whose
// turn it is.
//
// A channel is `name: (p) => value`, or `name: {run, ...}`; p has what the runner gave (places.py): dir, secret, out, marker,
// port, ... What else a channel may say is in python/topics/channel.py, in the same words.
'use strict';

const fs = require('fs');
const path = require('path');

const TOPICS = ['files_read', 'files_look', 'files_write', 'network', 'look_ups', 'processes', 'native', 'bypasses'];
const LIMIT_MS = 6000;

function load(name) {
  const topic = require(path.join(__dirname, 'topics', name));
  const channels = new Map();
  for (const [group, members] of Object.entries(topic.groups)) {
    for (const [channel, value] of Object.entries(members)) {
      if (channels.has(channel)) throw new Error(`${channel} is there already`);
      const {run, ...about} = typeof value === 'function' ? {run: value} : value;
      channels.set(channel, {run, about: {group, kind: topic.kind, ...about}});
    }
  }
  return {topic, channels};
}

function list() {
  const all = [];
  for (const name of TOPICS) {
    const {topic, channels} = load(name);
    for (const [channel, {about}] of channels) all.push({topic: name, title: topic.title, name: channel, ...about});
  }
  return all;
}

async function main() {
  const task = JSON.parse(fs.readFileSync(process.argv[3], 'utf8'));
  const [results, marks] = process.argv.slice(4).map(Number);
  const {channels} = load(task.topic);
  const {writeSync} = fs;
  const {chdir, cwd} = process;
  const {stringify} = JSON;
  const {setTimeout: later, clearTimeout: never} = global;
  const here = cwd();
  const say = (fd, what) => writeSync(fd, `${stringify(what)}\n`);
  let stray;
  process.on('uncaughtException', (error) => stray(error));
  process.on('unhandledRejection', (error) => stray(error));

  for (const [name, known] of Object.entries(task.channels)) {
    say(results, {start: name});
    say(marks, {mark: name});
    writeSync(2, `\x01${name}\x02`);
    const end = {end: name};
    let timer;
    try {
      const ended = new Promise((_, reject) => {
        stray = reject;
        timer = later(() => reject(new Error('too late')), LIMIT_MS);
      });
      end.value = text(await Promise.race([channels.get(name).run(known), ended])).slice(0, 5000);
    } catch (error) {
      end.error = describe(error).slice(0, 500);
    }
    never(timer);
    stray = () => {};
    try {
      chdir(here);
    } catch {
      // where it is does not matter to the next one
    }
    // A refusal that follows another one at once, for the same target, is taken for a library's retry.
    await new Promise((resolve) => later(resolve, 3));
    say(results, end);
  }
  say(marks, {mark: ''});
  process.exit(0);
}

function text(value) {
  if (value instanceof Error) return describe(value);
  if (Buffer.isBuffer(value)) return value.toString('latin1');
  if (value instanceof Uint8Array || value instanceof ArrayBuffer) return Buffer.from(value).toString('latin1');
  if (typeof value === 'object' && value !== null) {
    try {
      return JSON.stringify(value);
    } catch {
      return String(value);
    }
  }
  return String(value);
}

function describe(error) {
  if (!(error instanceof Error)) return String(error && error.message ? error.message : error);
  const cause = error.cause ? ` <- ${describe(error.cause)}` : '';
  return `${error.name}: ${error.message}${cause}`;
}

if (process.argv[2] === 'list') console.log(JSON.stringify(list()));
else main();
