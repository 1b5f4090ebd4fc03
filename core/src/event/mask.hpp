// SPDX-License-Identifier: Apache-2.0
//
// Masking: finds secrets in a value, so that the event line carries `***` in their place. One table, masking.json,
// embedded at build; hand-written matchers, because this runs where neither allocation nor a lock is allowed.
//
//   MaskSpans spans = mask("curl -H 'Authorization: Bearer abc...'", MaskScope::command);
//   write_masked(line, value, spans);
//
// Kinds of rules: prefix (a known beginning and a run of its alphabet; the beginning stays), after (a word, then a
// run), assignment (a name that ends in a word, then = or : or, for a flag, a space; the value goes), userinfo (the
// password of scheme://user:password@host), user_flag (-u user:password), block (PEM private key), run (a long run of
// an alphabet). What it does not do: find a secret that looks like ordinary text and has no telling name.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "event/line.hpp"

namespace ap::event {

enum class MaskScope : std::uint8_t { command, url, path, host };

// Values are cut to this many bytes before they are looked at; nothing beyond could be written anyway.
constexpr std::size_t kMaskInput = 4096;

struct MaskSpans {
  struct Span {
    std::uint16_t begin, end;
  };
  static constexpr std::size_t kMax = 24;  // the last one then reaches to the end of the value
  Span spans[kMax];
  std::size_t count = 0;
};

MaskSpans mask(std::string_view value, MaskScope scope) noexcept;

// Writes `value` into the open value of `line` with its secrets replaced.
void write_masked(Line& line, std::string_view value, MaskScope scope) noexcept;

// "--password": the next argument is a secret. "-u": the next argument is user:password.
enum class Flag : std::uint8_t { ordinary, secret_follows, user_and_password_follow };
Flag flag_kind(std::string_view argument) noexcept;

}  // namespace ap::event
