// SPDX-License-Identifier: Apache-2.0
//
// lint: what a valid policy lets through that its writer may not have meant. Warnings only; each shows an example.
//
//   for (const Diagnostic &d : lint(policy)) print(d);   // "outbound.allowed_domains[0]: warning: `stripe` also meets
//   stripe.evil.example; ..."
#pragma once
#include <vector>

#include "policy/parse.hpp"

namespace ap {

std::vector<Diagnostic> lint(const Policy& policy);

}  // namespace ap
