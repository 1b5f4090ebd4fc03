// SPDX-License-Identifier: Apache-2.0
//
// The event line's form of a moment: 2026-02-09T03:12:36.594801Z.
// Async-signal-safe: no time zone data, no locale.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace ap::event {

struct UtcText {
  char text[27];
  std::string_view view() const noexcept { return {text, sizeof text}; }
};
UtcText utc_text(std::uint64_t unix_us) noexcept;  // microseconds since 1970

}  // namespace ap::event
