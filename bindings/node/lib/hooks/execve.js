// SPDX-License-Identifier: Apache-2.0
//
// process.execve (Node 22.15 and newer) replaces this process; what it hands over to the program, line 2 sees to.
'use strict';

const {expose} = require('./hook');

function install() {
  const original = expose(process, 'execve', function hook(self, file, args, env) {
    return require('./processes').execve(original, self, file, args, env, hook);
  });
}

module.exports = {install};
