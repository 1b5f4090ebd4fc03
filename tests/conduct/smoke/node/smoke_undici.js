// SPDX-License-Identifier: Apache-2.0
'use strict';

const {request, fetch, Agent, stream} = require('undici');
const {Writable} = require('stream');
const {server} = require('./loopback');

(async () => {
  const {url, close} = await server();
  const dispatcher = new Agent({connections: 4});
  await request(url + '/x', {method: 'PUT', body: 'abc', dispatcher});
  console.log(
    await (await request(url + '/x', {dispatcher})).body.text(),
    await (await fetch(url, {method: 'POST', body: 'f'})).text(),
  );
  const many = await Promise.all(
    Array.from({length: 20}, (_, i) => request(url, {method: 'POST', body: String(i), dispatcher})),
  );
  console.log((await Promise.all(many.map((each) => each.body.text()))).join());
  let length = 0;
  await stream(
    url + '/x',
    {dispatcher},
    () => new Writable({write: (part, _, done) => ((length += part.length), done())}),
  );
  console.log(length);
  await request('http://127.0.0.1:1/').catch((error) => console.log(error.code));
  await dispatcher.close();
  close();
})();
