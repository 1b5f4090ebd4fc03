// SPDX-License-Identifier: Apache-2.0
//
// The function's own handler, found and wrapped, for the handler that Lambda was told to load instead: trend_app_protect_handler,
// or ours, to which the exec wrapper has redirected _HANDLER. `redirected`: {handler, error} of the latter.
'use strict';

const agentLife = require('./agent');
const {protectHandler, startForHandler} = require('./index');

const loader = () => require('./loader'); // reads what the start has found out
const native = () => require('./binding'); // not there where the function runs unprotected

function originalHandler(redirected) {
  if (redirected !== undefined) {
    process.env._HANDLER = redirected.handler; // children and the function itself see their own
    if (redirected.error !== undefined) throw redirected.error;
    if (!/(^|\/)trend_app_protect_handler\.handler$/.test(redirected.handler)) return redirected.handler;
  } else {
    startForHandler();
  }
  const named = process.env.TREND_AP_HANDLER;
  if (named === undefined || named === '') {
    throw new agentLife.ConfigError(
      'TREND_AP_HANDLER is not set: it names the handler to protect, for example TREND_AP_HANDLER=index.handler',
    );
  }
  if (/(^|\/)trend_app_protect_handler\.handler$/.test(named)) {
    throw new agentLife.ConfigError(
      `TREND_AP_HANDLER is \`${named}\`, which is ours: write the name of your own handler`,
    );
  }
  return named;
}

function taskRoot() {
  return process.env.LAMBDA_TASK_ROOT || process.cwd();
}

// For handler.mjs: any handler, ES modules included.
async function redirectedHandler(redirected) {
  const name = originalHandler(redirected);
  if (agentLife.isActive()) native().handlerLoading();
  return protectHandler(await loader().load(taskRoot(), name));
}

// For the CommonJS shim, which must answer at once. An ES module is loaded meanwhile: its handler is known to us (and its
// errors to the runtime client, as an unhandled rejection) only later, so it cannot stream; handler.mjs can.
function swappedHandler(redirected) {
  const name = originalHandler(redirected);
  if (agentLife.isActive()) native().handlerLoading();
  const handler = loader().loadNow(taskRoot(), name);
  if (handler !== undefined) return protectHandler(handler);
  const loading = loader().load(taskRoot(), name);
  return protectHandler(async (event, context) => (await loading)(event, context));
}

module.exports = {redirectedHandler, swappedHandler};
