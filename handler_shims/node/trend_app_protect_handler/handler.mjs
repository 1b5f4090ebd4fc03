// SPDX-License-Identifier: Apache-2.0
// The absolute form beside the CommonJS one: Handler `/opt/nodejs/node_modules/trend_app_protect_handler/handler.handler`.
export {handler} from '../../../app_protect/node/handler.mjs';
