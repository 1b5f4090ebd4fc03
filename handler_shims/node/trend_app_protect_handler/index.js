// SPDX-License-Identifier: Apache-2.0
//
// Handler `trend_app_protect_handler.handler`, found through NODE_PATH (/opt/nodejs/node_modules).
// Plain old JavaScript: every Node since 10 must be able to read it.
'use strict';

exports.handler = require('../../../app_protect/node.js').swappedHandler();
