// SPDX-License-Identifier: Apache-2.0
//
// compile: a parsed policy and its surroundings -> the sealed form (policy/blob.hpp), ready for guard's seal().
//
//   Result<std::string> blob = compile(parsed.policy, surroundings);
//
// Paths are looked up once, here: literal prefixes of patterns and the tmp and application directories enter both as
// spelled and as the kernel calls them (usrmerge, a linked task root). Everything else is pure.
#pragma once
#include <string>

#include "base/result.hpp"
#include "policy/model.hpp"
#include "policy/surroundings.hpp"

namespace ap {

// Errors: ErrorCode::limit when the sealed form would not fit (64 MB).
Result<std::string> compile(const Policy& policy, const Surroundings& surroundings);

}  // namespace ap
