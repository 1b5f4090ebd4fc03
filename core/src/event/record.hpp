// SPDX-License-Identifier: Apache-2.0
//
// The event record: one operation and its verdict as the text of an event line, keys in the order of docs/events.md.
//
// A line is written in two parts. The head says what happened and to whom; the fold table keeps it to write it again
// with another count. The tail says when, how often, and by which instance.
//
//   Line line;
//   write_head(line, {.operation = op, .verdict = v, .rule = "outbound.action", ...}, settings());
//   write_tail(line, {.seq = 17, .pid = 9, .count = 1, .first_us = t, .last_us = t}, "0.1.0");
#pragma once
#include <cstdint>
#include <string_view>

#include "event/line.hpp"
#include "guard/operation.hpp"
#include "guard/settings.hpp"

namespace ap::event {

struct Record {
  const Operation* operation = nullptr;  // null: every info value is null (the rest of a flood; agent_health)
  Verdict verdict{};
  const ap_attribution* who = nullptr;
  std::string_view host{};          // outbound: the operation's own name, or the one that its address was looked up by
  std::string_view rule{};          // null data: null
  std::string_view request_id{};    // null data: null
  std::string_view code{}, text{};  // agent_health
};

struct Tail {
  std::uint64_t seq = 0;
  std::uint32_t pid = 0;
  std::uint64_t count = 1;
  std::uint64_t first_us = 0, last_us = 0;
  std::string_view instance{};
  bool truncated = false;
};

void write_head(Line& line, const Record& record, const Settings& settings) noexcept;
void write_tail(Line& line, const Tail& tail, std::string_view version) noexcept;

// The words of the event line.
std::string_view operation_word(std::uint8_t kind) noexcept;

}  // namespace ap::event
