// SPDX-License-Identifier: Apache-2.0
//
// protectHandler: what the runtime client sees of a handler stays as it was; a blocked invocation ends as blocked. The same
// in the real clients: tests/lambda.
'use strict';

const test = require('node:test');
const assert = require('node:assert/strict');
const {run, count} = require('./protected');

const policy = {schema: 1, name: 'h', files: {tmp: 'deny'}};
const blocking = {schema: 1, name: 'h', files: {tmp: 'deny'}, on_deny: 'block'};

// A small runtime client: calls like client 3 (callback) or 4 (two arguments), reports how the invocation ended.
const CLIENT = `
const { api } = require('trend_app_protect');
const protect = api.aws_lambda.protectHandler;
const swallow = () => { try { require('fs').readFileSync('/tmp/never'); } catch (e) { return e.name; } };
let requests = 0;
const context = (more) => ({ awsRequestId: 'request-' + ++requests, invokedFunctionArn: 'arn:x', getRemainingTimeInMillis: () => 1000, callbackWaitsForEmptyEventLoop: true, ...more });
const describe = (e) => (e instanceof Error ? { name: e.name, message: e.message } : e);
const client4 = async (handler) => { try { return { value: await handler({ a: 1 }, context()) }; } catch (e) { return { error: describe(e) }; } };
const client3 = (handler) => new Promise((resolve) => {
  const done = (error, value) => resolve(error ? { error: describe(error) } : { value });
  const c = context({ done, succeed: (v) => done(null, v), fail: (e) => done(e || new Error('failed')) });
  try { const result = handler({ a: 1 }, c, done); if (result && typeof result.then === 'function') result.then(c.succeed, c.fail); } catch (e) { done(e); }
});
const print = (value) => console.log(JSON.stringify(value));
`;

const go = async (program, options = {}) => {
  const result = await run(CLIENT + `(async () => { ${program} })()`, {policy, attach: 'import', ...options});
  assert.equal(result.status, 0, result.about());
  return result;
};

test('arity, name, properties and streaming symbols are kept', async () => {
  const {value} = await go(`
    const three = protect(function three(event, context, callback) {});
    const two = protect(async (event, context) => 1);
    const streaming = async (event, stream, context) => {};
    streaming[Symbol.for('aws.lambda.runtime.handler.streaming')] = 'response';
    streaming[Symbol.for('aws.lambda.runtime.handler.streaming.highWaterMark')] = 7;
    streaming.own = 'own';
    const s = protect(streaming);
    print([three.length, three.name, two.length, s.length, s[Symbol.for('aws.lambda.runtime.handler.streaming')], s[Symbol.for('aws.lambda.runtime.handler.streaming.highWaterMark')], s.own]);`);
  assert.deepEqual(value, [3, 'three', 2, 3, 'response', 7, 'own']);
});

test('values, errors and callbacks pass through', async () => {
  const {value} = await go(`
    const rows = {
      async: async () => ({ ok: 1 }), rejects: async () => { throw new TypeError('no'); }, throws: () => { throw new RangeError('sync'); },
      returns: () => 'plain', callback: (e, c, cb) => cb(null, 'called'), later: (e, c, cb) => setTimeout(cb, 5, null, 'later'),
      fails: (e, c, cb) => cb(new Error('callback error')), text: (e, c, cb) => cb('text error'), succeed: (e, c) => c.succeed('succeeded'),
      done: (e, c) => c.done(null, 'done'), fail: (e, c) => c.fail(new Error('failed')), thenable: () => ({ then: (ok) => ok('thenable') }),
      rejectsText: async () => { throw 'text'; }, nothing: async () => {},
    };
    const out = {};
    for (const [name, handler] of Object.entries(rows)) {
      const plain = /callback|later|fails|text$|succeed|^done|^fail/.test(name) ? client3 : client4;
      out[name] = [await plain(handler), await plain(protect(handler))];
    }
    out.client3 = [await client3(rows.async), await client3(protect(rows.async))];
    print(out);`);
  for (const [name, [plain, ours]] of Object.entries(value)) assert.deepEqual(ours, plain, name);
});

test("this, event, context and arguments are the client's", async () => {
  const {value} = await go(`
    const event = {}, c = context(), owner = {};
    let seen;
    owner.handler = protect(function (...values) { seen = [this === owner, values[0] === event, values[1] === c, values.length]; });
    owner.handler(event, c);
    print(seen);`);
  assert.deepEqual(value, [true, true, true, 2]);
});

test('a blocked invocation ends as blocked, whatever the handler made of the denial', async () => {
  const {value, events} = await go(
    `
    const rows = {
      async: [client4, async () => swallow()], returns: [client4, () => swallow()], callback: [client3, (e, c, cb) => { swallow(); cb(null, 'fine'); }],
      succeed: [client3, (e, c) => { swallow(); c.succeed('fine'); }], later: [client3, (e, c, cb) => setTimeout(() => { swallow(); cb(null, 'fine'); }, 5)],
      throws: [client4, () => { swallow(); throw new Error('own'); }], promise3: [client3, async () => swallow()],
      innocent: [client4, async () => 'fine'], innocent3: [client3, (e, c, cb) => cb(null, 'fine')],
    };
    const out = {};
    for (const [name, [client, handler]] of Object.entries(rows)) out[name] = await client(protect(handler));
    print(out);`,
    {policy: blocking},
  );
  const blocked = {error: {name: 'TrendAppProtectBlocked', message: 'Response overridden by Trend App Protect'}};
  for (const [name, outcome] of Object.entries(value))
    assert.deepEqual(outcome, name.startsWith('innocent') ? {value: 'fine'} : blocked, name);
  assert.equal(count(events), 7);
});

test('events carry the request they belong to', async () => {
  const {events} = await go(`
    await client4(protect(async () => swallow()));
    await client4(protect(async () => { await 0; try { require('fs').readdirSync('/tmp'); } catch {} }));
    print(0);`);
  assert.deepEqual(
    events.map((event) => event.request_id),
    ['request-1', 'request-2'],
  );
});

test('a handler is wrapped once, and nested wrappers begin one invocation', async () => {
  const {value} = await go(`
    const once = protect(async () => 'x');
    let inner = 0;
    const nested = protect(async (event, c) => protect(async () => { inner++; return 'inner'; })(event, c));
    print([protect(once) === once, await client4(nested), inner]);`);
  assert.deepEqual(value, [true, {value: 'inner'}, 1]);
});

test('what is no handler is refused with a clear message', async () => {
  const {value} = await go("try { protect('index.handler'); } catch (e) { print([e.name, e.message]); }");
  assert.deepEqual(value, ['TypeError', 'protectHandler(handler): `handler` must be a function, got string']);
});

test('Azure functions', async () => {
  const {value} = await go(
    `
    const f = api.azure_function.protectFunction(async (context, request) => swallow());
    print(await f({ invocationId: 'i', log() {} }, {}).then((v) => v, (e) => e.name));`,
    {policy: blocking},
  );
  assert.equal(value, 'TrendAppProtectBlocked');
});
