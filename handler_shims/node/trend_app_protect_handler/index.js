// SPDX-License-Identifier: Apache-2.0
//
// Handler `trend_app_protect_handler.handler`, found through NODE_PATH (/opt/nodejs/node_modules).
// Plain old JavaScript: see unsupported.js.
'use strict';

if (parseInt(process.versions.node, 10) >= 18) {
  exports.handler = require('../../../app_protect/node/app_protect.js').swappedHandler();
} else {
  exports.handler = require('../../../app_protect/node/unsupported.js').swappedHandler();
}
