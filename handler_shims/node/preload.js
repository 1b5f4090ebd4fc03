// SPDX-License-Identifier: Apache-2.0
//
// node --require preload.js: what the exec wrapper puts before the runtime client, and what every worker runs first.
// Plain old JavaScript: Node 10 must be able to read it.
'use strict';

if (parseInt(process.versions.node, 10) >= 18) require('./app_protect.js').preload();
else require('./unsupported.js');
