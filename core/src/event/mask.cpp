// SPDX-License-Identifier: Apache-2.0
#include "event/mask.hpp"

namespace ap::event {
namespace {

enum class Kind : std::uint8_t { prefix, after, assignment, userinfo, user_flag, block, run };
enum class Charset : std::uint8_t { none, upper, token, jwt, base64 };
enum class Until : std::uint8_t { word, line };
constexpr std::uint8_t kNeed_upper = 1, kNeed_lower = 2, kNeed_digit = 4, kNeed_letter = 8;
constexpr unsigned bit(MaskScope scope) {
  return 1u << static_cast<unsigned>(scope);
}

struct Rule {
  Kind kind;
  unsigned scopes;
  const std::string_view* words;
  std::size_t word_count;
  Charset charset;
  std::uint16_t min, max;  // length of the run; max 0 = any
  std::uint8_t needs;
  Until until;
};

#include "masking_table.inc"

using Span = MaskSpans::Span;
constexpr std::size_t kNone = ~std::size_t{0};

constexpr bool is_upper(char c) {
  return c >= 'A' && c <= 'Z';
}
constexpr bool is_lower(char c) {
  return c >= 'a' && c <= 'z';
}
constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
constexpr bool is_alnum(char c) {
  return is_upper(c) || is_lower(c) || is_digit(c);
}
constexpr bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}
constexpr bool is_quote(char c) {
  return c == '"' || c == '\'' || c == '`';
}
constexpr char lower(char c) {
  return is_upper(c) ? static_cast<char>(c + 32) : c;
}

bool in_charset(Charset set, char c) noexcept {
  switch (set) {
    case Charset::upper:
      return is_upper(c) || is_digit(c);
    case Charset::token:
      return is_alnum(c) || c == '_' || c == '-' || c == '+' || c == '=';
    case Charset::jwt:
      return is_alnum(c) || c == '_' || c == '-' || c == '.' || c == '+' || c == '/' || c == '=' || c == '~';
    case Charset::base64:
      return is_alnum(c) || c == '+' || c == '/';
    case Charset::none:
      break;
  }
  return false;
}

// `word` without regard to case and to - and _ , at the end of `name`; a short word must be a part of its own ("sig" in
// "x-sig", not in "design").
bool names_secret(std::string_view name, std::string_view word) noexcept {
  std::size_t i = name.size(), k = word.size();
  const auto skip = [](char c) { return c == '-' || c == '_'; };
  while (k > 0) {
    if (skip(word[k - 1])) {
      --k;
      continue;
    }
    if (i > 0 && skip(name[i - 1])) {
      --i;
      continue;
    }
    if (i == 0 || lower(name[i - 1]) != lower(word[k - 1])) return false;
    --i, --k;
  }
  if (i == 0 || word.size() >= 5) return true;
  return !is_alnum(name[i - 1]) || (is_lower(name[i - 1]) && is_upper(name[i]));
}

bool names_secret(std::string_view name, const Rule& rule) noexcept {
  for (std::size_t w = 0; w < rule.word_count; ++w)
    if (names_secret(name, rule.words[w])) return true;
  return false;
}

std::size_t run_end(std::string_view v, std::size_t i, Charset set) noexcept {
  while (i < v.size() && in_charset(set, v[i])) ++i;
  return i;
}

constexpr bool is_name(char c) {
  return is_alnum(c) || c == '_' || c == '-' || c == '.';
}

// The identifier that ends right before `i`, quotes and spaces between skipped.
std::string_view name_before(std::string_view v, std::size_t i, bool skip_spaces) noexcept {
  while (i > 0 && (is_quote(v[i - 1]) || v[i - 1] == '\\' || v[i - 1] == ']' || (skip_spaces && v[i - 1] == ' '))) --i;
  std::size_t begin = i;
  while (begin > 0 && is_name(v[begin - 1])) --begin;
  return v.substr(begin, i - begin);
}

Span value_from(std::string_view v, std::size_t i, Until until) noexcept {
  while (i < v.size() && (v[i] == ' ' || is_quote(v[i]) || v[i] == '\\')) ++i;
  // A quoted value may hold spaces: it ends at its quote.
  const char quote = i > 0 && is_quote(v[i - 1]) ? v[i - 1] : '\0';
  std::size_t end = i;
  while (end < v.size()) {
    const char c = v[end];
    if (c == '\n' || c == '\r') break;
    if (quote != '\0' ? c == quote : is_quote(c)) break;
    if (quote == '\0' && until == Until::word &&
        (is_space(c) || c == '&' || c == ';' || c == ',' || c == '|' || c == ')' || c == '}'))
      break;
    ++end;
  }
  return {static_cast<std::uint16_t>(i), static_cast<std::uint16_t>(end)};
}

constexpr Span kNoSpan = {0, 0};
bool empty(Span s) {
  return s.begin >= s.end;
}

Span make(std::size_t begin, std::size_t end) noexcept {
  return {static_cast<std::uint16_t>(begin), static_cast<std::uint16_t>(end)};
}

bool starts_at(std::string_view v, std::size_t i, std::string_view word, bool fold_case) noexcept {
  if (v.size() - i < word.size()) return false;
  for (std::size_t k = 0; k < word.size(); ++k)
    if (fold_case ? lower(v[i + k]) != lower(word[k]) : v[i + k] != word[k]) return false;
  return true;
}

Span at_prefix(std::string_view v, std::size_t i, const Rule& r) noexcept {
  if (i > 0 && is_alnum(v[i - 1])) return kNoSpan;
  for (std::size_t w = 0; w < r.word_count; ++w) {
    if (v[i] != r.words[w][0] || !starts_at(v, i, r.words[w], false)) continue;
    const std::size_t from = i + r.words[w].size(), end = run_end(v, from, r.charset);
    if (end - from >= r.min) return make(from, end);
  }
  return kNoSpan;
}

Span at_after(std::string_view v, std::size_t i, const Rule& r) noexcept {
  if (i > 0 && is_alnum(v[i - 1])) return kNoSpan;
  for (std::size_t w = 0; w < r.word_count; ++w) {
    if (!starts_at(v, i, r.words[w], true)) continue;
    std::size_t from = i + r.words[w].size();
    if (from >= v.size() || !(is_space(v[from]) || v[from] == '%' || v[from] == '+')) continue;
    while (from < v.size() && is_space(v[from])) ++from;
    if (starts_at(v, from, "%20", false)) from += 3;
    const std::size_t end = run_end(v, from, r.charset);
    if (end - from >= r.min) return make(from, end);
  }
  return kNoSpan;
}

Span at_assignment(std::string_view v, std::size_t i, const Rule& r) noexcept {
  const char c = v[i];
  if (c == '=' || c == ':') {
    if (c == ':' && starts_at(v, i, "://", false)) return kNoSpan;
    const std::string_view name = name_before(v, i, c == ':');
    if (name.empty() || !names_secret(name, r)) return kNoSpan;
    const Span value = value_from(v, i + 1, r.until);
    for (std::string_view scheme : {"bearer", "basic"})  // the secret is what follows
      if (value.end - value.begin == static_cast<int>(scheme.size()) && starts_at(v, value.begin, scheme, true))
        return value_from(v, value.begin, Until::line);
    return value;
  }
  if (c != ' ' || i + 1 >= v.size() || v[i + 1] == '-') return kNoSpan;
  const std::string_view name = name_before(v, i, false);
  return name.size() > 2 && name[0] == '-' && names_secret(name, r) ? value_from(v, i + 1, r.until) : kNoSpan;
}

Span at_userinfo(std::string_view v, std::size_t i) noexcept {
  if (v[i] != ':' || !starts_at(v, i, "://", false)) return kNoSpan;
  const std::size_t from = i + 3;
  std::size_t end = from, sign = kNone, colon = kNone;
  for (; end < v.size() && !is_space(v[end]) && !is_quote(v[end]) && v[end] != '/' && v[end] != '?' && v[end] != '#';
       ++end) {
    if (v[end] == '@') sign = end;
    if (v[end] == ':' && colon == kNone) colon = end;
  }
  if (sign == kNone) return kNoSpan;
  if (colon < sign) return make(colon + 1, sign);
  return sign - from >= 20 ? make(from, sign) : kNoSpan;  // a token in the user's place
}

Span at_user_flag(std::string_view v, std::size_t i, const Rule& r) noexcept {
  if (v[i] != '-' || (i > 0 && !is_space(v[i - 1]))) return kNoSpan;
  for (std::size_t w = 0; w < r.word_count; ++w) {
    std::size_t from = i + r.words[w].size();
    if (!starts_at(v, i, r.words[w], false) || from >= v.size() || (v[from] != ' ' && v[from] != '=')) continue;
    const Span value = value_from(v, from + 1, Until::word);
    for (std::size_t k = value.begin; k < value.end; ++k)
      if (v[k] == ':') return make(k + 1, value.end);
  }
  return kNoSpan;
}

Span at_block(std::string_view v, std::size_t i, const Rule& r) noexcept {
  if (v[i] != '-' || !starts_at(v, i, r.words[0], false)) return kNoSpan;
  const std::size_t title = v.find("PRIVATE KEY-----", i);
  if (title == std::string_view::npos || title - i > 64) return kNoSpan;
  const std::size_t from = title + 16, end = v.find("-----END", from);
  return make(from, end == std::string_view::npos ? v.size() : end);
}

Span at_run(std::string_view v, std::size_t i, const Rule& r) noexcept {
  if (!in_charset(r.charset, v[i]) || (i > 0 && in_charset(r.charset, v[i - 1]))) return kNoSpan;
  const std::size_t end = run_end(v, i, r.charset);
  if (end - i < r.min || (r.max != 0 && end - i > r.max)) return kNoSpan;
  std::uint8_t seen = 0;
  for (std::size_t k = i; k < end; ++k) {
    if (is_upper(v[k])) seen |= kNeed_upper | kNeed_letter;
    if (is_lower(v[k])) seen |= kNeed_lower | kNeed_letter;
    if (is_digit(v[k])) seen |= kNeed_digit;
  }
  if (r.charset == Charset::base64 && v[i] == '/') return kNoSpan;  // a path
  return (seen & r.needs) == r.needs ? make(i, end) : kNoSpan;
}

Span at(std::string_view v, std::size_t i, const Rule& r) noexcept {
  switch (r.kind) {
    case Kind::prefix:
      return at_prefix(v, i, r);
    case Kind::after:
      return at_after(v, i, r);
    case Kind::assignment:
      return at_assignment(v, i, r);
    case Kind::userinfo:
      return at_userinfo(v, i);
    case Kind::user_flag:
      return at_user_flag(v, i, r);
    case Kind::block:
      return at_block(v, i, r);
    case Kind::run:
      return at_run(v, i, r);
  }
  return kNoSpan;
}

}  // namespace

MaskSpans mask(std::string_view value, MaskScope scope) noexcept {
  MaskSpans out;
  const std::string_view v = value.substr(0, kMaskInput);
  for (std::size_t i = 0; i < v.size();) {
    Span found = kNoSpan;
    for (const Rule& r : kRules) {
      if ((r.scopes & bit(scope)) == 0) continue;
      found = at(v, i, r);
      if (!empty(found)) break;
    }
    if (empty(found)) {
      ++i;
      continue;
    }
    if (out.count == MaskSpans::kMax) {
      out.spans[out.count - 1].end = static_cast<std::uint16_t>(v.size());
      return out;
    }
    out.spans[out.count++] = found;
    i = found.end;
  }
  return out;
}

void write_masked(Line& line, std::string_view value, MaskScope scope) noexcept {
  const std::string_view v = value.substr(0, kMaskInput);
  const MaskSpans spans = mask(v, scope);
  std::size_t from = 0;
  for (std::size_t s = 0; s < spans.count && !line.full(); ++s) {
    line.text(v.substr(from, spans.spans[s].begin - from));
    line.text("***");
    from = spans.spans[s].end;
  }
  line.text(v.substr(from));
  if (value.size() > v.size()) line.set_truncated();
}

Flag flag_kind(std::string_view argument) noexcept {
  if (argument.size() < 2 || argument[0] != '-' || argument.size() > 64) return Flag::ordinary;
  if (argument.find('=') != std::string_view::npos) return Flag::ordinary;
  for (const Rule& r : kRules) {
    if (r.kind == Kind::assignment && argument.size() > 2 && names_secret(argument, r)) return Flag::secret_follows;
    if (r.kind == Kind::user_flag)
      for (std::size_t w = 0; w < r.word_count; ++w)
        if (argument == r.words[w]) return Flag::user_and_password_follow;
  }
  return Flag::ordinary;
}

}  // namespace ap::event
