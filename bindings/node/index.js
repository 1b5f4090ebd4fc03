// SPDX-License-Identifier: Apache-2.0
//
// The package from a checkout (npm install .). Plain old JavaScript: see package/index.js.
'use strict';

var known =
  parseInt(process.versions.node, 10) >= 10
    ? require('./lib/index.js').attach(require.resolve('./preload.js'))
    : require('../../handler_shims/node/unsupported.js');

exports.api = known.api;
exports.agent = known.agent;
exports.status = known.status;
