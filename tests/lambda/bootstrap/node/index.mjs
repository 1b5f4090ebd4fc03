// SPDX-License-Identifier: Apache-2.0
// Stands for /var/runtime/index.mjs of AWS's managed Node runtimes: starts the real client, which lies beside it.
// Client 4 (Node 24) starts itself from `_HANDLER` and `LAMBDA_TASK_ROOT`; client 3 is told.
const client = await import('./client.mjs');
if (client.run) {
  await client.run(process.env.LAMBDA_TASK_ROOT, process.env._HANDLER);
}
