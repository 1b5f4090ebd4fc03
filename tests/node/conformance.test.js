// SPDX-License-Identifier: Apache-2.0
//
// The cases of tests/conformance through the addon: what Node asks is answered as C++ and Python are answered.
'use strict';

const test = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const {execFileSync} = require('node:child_process');
const {root, stage, folder} = require('./protected');

const RESOURCES = {outbound: 1, files: 2, processes: 3, native: 4};
const KINDS = {
  resolve: 1,
  connect: 2,
  read: 10,
  write: 11,
  create: 12,
  delete: 13,
  rename: 14,
  link: 15,
  symlink: 16,
  stat: 17,
  metadata: 18,
  list: 19,
  spawn: 30,
  fork: 31,
  load: 40,
  exec_memory: 41,
  call_address: 42,
  memfd: 43,
};
const PROTOCOLS = {none: 0, tcp: 1, udp: 2, dns: 3, unix: 4};
const ACTIONS = ['grant', 'observe', 'deny'];
const ON_DENY = ['raise', 'block', 'terminate'];
const CLASSES = ['none', 'name', 'literal', 'local', 'provider', 'tenant', 'hosting'];
const POLICIES = [
  null,
  'outbound_data',
  'read_write_tmp',
  'read_write_app',
  'read_write_other',
  'create_child_process',
  'native_code',
  'agent_health',
];

const native = (() => {
  const module = {exports: {}};
  process.dlopen(module, path.join(stage, 'app_protect/node/app_protect.node'));
  assert.equal(module.exports.loadLibrary(path.join(stage, 'app_protect/lib/libapp_protect.so')), '');
  module.exports.complete();
  return module.exports;
})();

const cases = (() => {
  const file = path.join(folder(), 'cases.json');
  execFileSync(process.env.PYTHON3 || 'python3', [path.join(root, 'tests/conformance/to_json.py'), '-o', file]);
  return JSON.parse(fs.readFileSync(file));
})();

// A text is a string or {hex}; ${pid} stands for this process.
function text(value) {
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'object') return Buffer.from(value.hex, 'hex');
  return value.replaceAll('${pid}', String(process.pid));
}

function operation(given) {
  const flag = (name, bit) => (given[name] ? bit : 0);
  return {
    resource: RESOURCES[given.resource],
    kind: KINDS[given.kind],
    protocol: PROTOCOLS[given.protocol || 'none'],
    line: given.line,
    flags: flag('shell', 1) | flag('async', 2) | flag('canonical', 4) | flag('unguarded', 8) | flag('read_too', 16),
    text: text(given.host ?? given.path ?? given.program),
    text2: text(given.to ?? given.real),
    cwd: text(given.cwd),
    argv: given.argv && given.argv.map((word) => text(word)),
    address: given.address,
    port: given.port,
    queryType: given.query_type,
  };
}

test('decisions', async (t) => {
  for (const one of cases.decisions) {
    await t.test(one.id, () => {
      const {policy} = native.policyOpen(text(one.policy), one.surroundings ?? undefined);
      for (const {host, addresses} of one.answers || [])
        for (const address of addresses) native.policyNote(policy, host, address);
      const verdict = native.policyCheck(policy, operation(one.operation));
      const found = {
        action: ACTIONS[verdict.action],
        rule: verdict.rule,
        policy: POLICIES[verdict.policy],
        class: CLASSES[verdict.class],
        on_deny: ON_DENY[verdict.onDeny],
      };
      for (const [key, value] of Object.entries(one.expect))
        assert.equal(found[key], value, `${key}: ${JSON.stringify(found)}`);
    });
  }
});

test('policies', async (t) => {
  for (const one of cases.policies) {
    await t.test(one.id, () => {
      const {policy, diagnostics} = native.policyOpen(text(one.policy), one.surroundings ?? undefined);
      assert.equal(policy !== undefined, one.valid, diagnostics);
      const lines = diagnostics.split('\n');
      for (const {place, says} of one.diagnostics || []) {
        const fits = lines.some(
          (line) =>
            (!place || line.startsWith(`${place}:`)) &&
            (says || []).every((word) => word.split('|').some((w) => line.toLowerCase().includes(w.toLowerCase()))),
        );
        assert.ok(fits, `no diagnostic for ${place}: ${says}\n${diagnostics}`);
      }
      if (one.silent) assert.equal(diagnostics, '');
      for (const part of one.summary || [])
        assert.ok(native.policySummary(policy).includes(part), native.policySummary(policy));
    });
  }
});
