// SPDX-License-Identifier: Apache-2.0
//
// Questions about any policy, without enforcement: what the conformance suite asks through the addon.
#pragma once
#include <napi.h>

namespace ap::node {

// Adds: policyOpen(text, surroundings?) -> {policy or undefined, diagnostics} · policySummary(policy)
//   policyNote(policy, host, address) · policyCheck(policy, operation) -> {action, rule, class, policy, onDeny}
// operation: {resource, kind, protocol, flags, text, text2, cwd, argv, address, port, queryType, line}, numbers as in
// api.h.
void add_policy(Napi::Env env, Napi::Object exports);

}  // namespace ap::node
