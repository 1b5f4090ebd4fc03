// SPDX-License-Identifier: Apache-2.0
//
// What workers run first when the package is used from a checkout; a layer has one file for it, node.js.
'use strict';

if (parseInt(process.versions.node, 10) >= 10) require('./lib/index.js').preload(__filename);
