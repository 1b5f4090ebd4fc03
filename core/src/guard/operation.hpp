// SPDX-License-Identifier: Apache-2.0
//
// Operation and Verdict: the C structs of the table themselves, so that a hook's question reaches the matchers
// unconverted.
#pragma once
#include <app_protect/api.h>

#include <string_view>

namespace ap {

using Operation = ap_operation;
using Verdict = ap_verdict;

inline std::string_view view(const ap_str& s) noexcept {
  return s.data ? std::string_view(s.data, s.size) : std::string_view();
}
inline ap_str str(std::string_view s) noexcept {
  return {s.data(), static_cast<uint32_t>(s.size())};
}

}  // namespace ap
