// SPDX-License-Identifier: Apache-2.0
//
// Every call of fs, child_process, net, dgram and dns with every odd argument: prints what it returns or raises, word for word. The lines
// are the same with and without us (unchanged.test.js).
'use strict';

const childProcess = require('child_process');
const dgram = require('dgram');
const dns = require('dns');
const fs = require('fs');
const net = require('net');
const util = require('util');

// Below /proc nothing can be made, by root neither.
const odd = [
  ...[
    undefined,
    null,
    3.5,
    -1,
    2 ** 40,
    1000,
    NaN,
    5n,
    '',
    'a\0b',
    '\ud800',
    'x'.repeat(5000),
    '/proc/nowhere/x',
    'main.js/x',
  ],
  ...[
    Buffer.from('/proc/nowhere/v'),
    Buffer.from('a\0b'),
    Buffer.alloc(0),
    new Uint8Array(Buffer.from('/proc/q')),
    [],
    ['/x'],
    {},
  ],
  ...[Symbol('s'), () => {}, new URL('file:///proc/nowhere/u'), new URL('http://x/'), new String('/x'), new Date(0)],
  {toString: () => '/proc/nowhere/t'},
];
const lines = [];
const show = (value) => util.inspect(value, {breakLength: Infinity}).slice(0, 80);
const told = (e) =>
  `${e.name} ${e.code} ${e.errno} ${e.syscall} ${String(e.path).slice(0, 50)} ${e.dest} ${String(e.message).slice(0, 300)} ${Object.keys(e)}`;

function tell(name, args, call) {
  const start = `${name} ${args.map(show)}`;
  try {
    const made = call();
    lines.push(`${start} went ${typeof made}`);
    if (made && made.error) lines.push(`${start} ${told(made.error)}`);
    if (made && made.on) made.on('error', (e) => lines.push(`${start} event ${told(e)}`));
  } catch (e) {
    lines.push(`${start} ${told(e)}`);
  }
}

const onePath =
  'accessSync existsSync lstatSync mkdirSync mkdtempSync opendirSync openSync readFileSync readdirSync readlinkSync realpathSync rmdirSync ' +
  'statSync unlinkSync statfsSync createReadStream truncateSync fstatSync closeSync lutimesSync';
const twoPaths =
  'renameSync linkSync symlinkSync copyFileSync cpSync writeFileSync appendFileSync chmodSync utimesSync';
const isNumber = (value) => typeof value === 'number';

for (const f of onePath.split(' ').filter((name) => fs[name])) {
  tell(f, [], () => fs[f]());
  for (const value of odd) {
    tell(f, [value], () => fs[f](value));
    tell(f, ['/proc/nowhere/x', value], () => fs[f]('/proc/nowhere/x', value));
  }
}
for (const f of twoPaths.split(' ').filter((name) => fs[name])) {
  for (const value of odd.filter((each) => !isNumber(each))) {
    tell(f, [value], () => fs[f](value));
    tell(f, [value, '/proc/nowhere/b'], () => fs[f](value, '/proc/nowhere/b'));
    tell(f, ['/proc/nowhere/b', value], () => fs[f]('/proc/nowhere/b', value));
  }
}
for (const value of odd) {
  for (const f of ['chownSync', 'lchownSync', 'fchmodSync', 'futimesSync']) tell(f, [value], () => fs[f](value, -5, 2));
  for (const f of ['spawnSync', 'execFileSync']) {
    tell(f, [value], () => childProcess[f](value));
    tell(f, ['an argument', value], () => childProcess[f]('/proc/nowhere/x', [value]));
    tell(f, ['cwd', value], () => childProcess[f]('/bin/true', [], {cwd: value}));
    tell(f, ['stdio', value], () => childProcess[f]('/bin/true', [], {stdio: value === undefined ? 'pipe' : value}));
  }
  tell('spawn', [value], () => childProcess.spawn(value));
  tell('spawn', ['env', value], () => childProcess.spawn('/bin/true', [], {env: {A: value}}));
  tell('connect', ['port', value], () => net.connect({port: value, host: '127.0.0.1'}));
  if (value !== '') tell('connect', ['path', value], () => net.connect({path: value}));
  const socket = dgram.createSocket('udp4').on('error', () => {});
  tell('send', [value], () => socket.send(value, 9, '127.0.0.1'));
  tell('send', ['port', value], () => socket.send('x', value, '127.0.0.1'));
  socket.unref();
  tell('dlopen', [value], () => process.dlopen({exports: {}}, value));
  if (typeof value !== 'string') tell('lookup', [value], () => dns.lookup(value, () => {}));
}

(async () => {
  for (const f of 'access open readFile readdir stat mkdir unlink rename writeFile realpath opendir'.split(' ')) {
    for (const value of odd.filter((each) => !isNumber(each))) {
      try {
        const made = await fs.promises[f](value, f === 'rename' ? '/proc/nowhere/b' : undefined);
        lines.push(`promises ${f} ${show(value)} went ${typeof made}`);
        if (made && made.close) await made.close();
      } catch (e) {
        lines.push(`promises ${f} ${show(value)} ${told(e)}`);
      }
    }
  }
  for (const f of 'access open readFile readdir stat mkdir unlink realpath exists lstat readlink'.split(' ')) {
    for (const value of odd.filter((each) => !isNumber(each))) {
      await new Promise((done) => {
        try {
          fs[f](value, (e, made) => {
            lines.push(`callback ${f} ${show(value)} ${e && e.code ? told(e) : e} ${typeof made}`);
            if (f === 'open' && made) fs.closeSync(made);
            done();
          });
        } catch (e) {
          lines.push(`callback ${f} ${show(value)} threw ${told(e)}`);
          done();
        }
      });
    }
  }
  setTimeout(() => {
    fs.writeSync(1, JSON.stringify(lines.map((line) => line.split(__dirname).join('HERE')).sort()) + '\n');
    process.exit(0);
  }, 1000);
})();
