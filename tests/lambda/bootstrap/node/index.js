// SPDX-License-Identifier: Apache-2.0
// Stands for /var/runtime/index.js of AWS's managed Node runtimes before 14: starts the real client, which lies beside it.
'use strict';

require('./client/lib/index.js').run(process.env.LAMBDA_TASK_ROOT, process.env._HANDLER);
