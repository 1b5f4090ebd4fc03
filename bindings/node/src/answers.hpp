// SPDX-License-Identifier: Apache-2.0
//
// Passes the addresses of a c-ares answer to the core's table of names before the caller can use them:
// request.oncomplete is replaced by a function that notes them and calls the original. (Line 2 sees the answers of
// getaddrinfo.)
#pragma once
#include <node_api.h>

namespace ap::node {

void watch_answer(napi_env env, napi_value request, napi_value hostname);

}  // namespace ap::node
