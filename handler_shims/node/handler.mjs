// SPDX-License-Identifier: Apache-2.0
//
// The handler that the runtime client loads in place of the function's own: by the exec wrapper's redirection of _HANDLER, or
// by name, Handler `/opt/app_protect/node/handler.handler` with TREND_AP_HANDLER. Being an ES module it can wait for the
// original, whatever that is; what goes wrong there goes wrong here, and is reported as the client always does.
import {createRequire} from 'node:module';

export const handler = await createRequire(import.meta.url)('../node.js').redirectedHandler();
