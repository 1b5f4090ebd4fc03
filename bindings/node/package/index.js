// SPDX-License-Identifier: Apache-2.0
//
// The package as a layer has it: /opt/nodejs/node_modules/trend_app_protect beside /opt/app_protect/node.
// Plain old JavaScript: this file must be read, if only to say no, by every Node since 10.
'use strict';

var known = require('../../../app_protect/node.js').attach();

exports.api = known.api;
exports.agent = known.agent;
exports.status = known.status;
