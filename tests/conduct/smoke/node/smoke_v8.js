// SPDX-License-Identifier: Apache-2.0
//
// V8 makes code at run time: optimised functions, regular expressions, WebAssembly; in workers too.
'use strict';

const {Worker, isMainThread, parentPort} = require('worker_threads');

// (module (func (export "add") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add))
const add = new WebAssembly.Instance(
  new WebAssembly.Module(
    Buffer.from('0061736d0100000001070160027f7f017f030201000707010361646400000a09010700200020016a0b', 'hex'),
  ),
).exports.add;

function work() {
  let sum = 0;
  for (let i = 0; i < 5e6; ++i) sum = (sum + add(i, i ^ 5)) | 0;
  const made = new Function('x', 'let r = 0; for (let i = 0; i < 1e6; ++i) r += x % (i + 1); return r;');
  const found = 'ab'.repeat(10000).replace(/(?<a>a)b(?=a)/g, '$<a>').length;
  return [
    sum,
    made(12345),
    found,
    require('vm').runInNewContext('1 + 1'),
    require('zlib').gzipSync('x'.repeat(1e5)).length,
  ];
}

if (isMainThread) {
  console.log(work());
  let left = 3;
  for (let i = 0; i < 3; ++i)
    new Worker(__filename)
      .on('message', (result) => (console.log(result), --left))
      .on('exit', (code) => code && console.log(code));
} else {
  parentPort.postMessage(work());
}
