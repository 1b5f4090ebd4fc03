// SPDX-License-Identifier: Apache-2.0
//
// handler.mjs for a runtime client that cannot read ES modules (nodejs10 and 12): the handler is loaded at once.
'use strict';

exports.handler = require('../node.js').swappedHandler();
