// SPDX-License-Identifier: Apache-2.0
#include "match/path.hpp"

#include <limits.h>

#include "base/text.hpp"
#include "base/utf8.hpp"
#include "match/blob_writer.hpp"

namespace ap {
namespace {

Error wrong(std::string_view text, const std::string& what) {
  return {ErrorCode::invalid_policy, shown(text) + " " + what};
}

bool starts(std::string_view text, std::size_t at, std::string_view with) noexcept {
  return text.substr(at, with.size()) == with;
}

// Bytes that `?` takes at path[at]: one UTF-8 letter, or one stray byte.
std::size_t letter(std::string_view path, std::size_t at) noexcept {
  std::size_t end = at;
  char32_t point;
  return decode_utf8(path, end, point) ? end - at : 1;
}

// One segment against a pattern of one segment (no `**` in it).
bool match_segment(std::string_view pattern, std::string_view segment) noexcept {
  std::size_t p = 0, s = 0, star = pattern.npos, resume = 0;
  while (s < segment.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = s;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == segment[s])) {
      s += pattern[p++] == '?' ? letter(segment, s) : 1;
    } else if (star != pattern.npos) {
      p = star + 1;
      s = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

}  // namespace

bool has_wildcard(std::string_view pattern) noexcept {
  return pattern.find_first_of("*?") != pattern.npos;
}

std::string_view literal_directory(std::string_view pattern) noexcept {
  std::size_t wild = pattern.find_first_of("*?");
  if (wild == pattern.npos) return pattern;
  std::size_t slash = wild == 0 ? pattern.npos : pattern.rfind('/', wild - 1);
  return slash == pattern.npos ? std::string_view() : pattern.substr(0, slash);
}

Result<std::string> parse_path_pattern(std::string_view text) {
  if (text.empty()) return Error{ErrorCode::invalid_policy, "an empty path: write an absolute one such as `/data/**`"};
  if (text.find('\0') != text.npos) return wrong(text.substr(0, text.find('\0')), "holds a NUL byte: no path can");
  if (text.size() >= PATH_MAX)
    return Error{ErrorCode::limit,
                 "a path of " + std::to_string(text.size()) + " bytes: the kernel takes less than 4096"};
  if (text.front() == '~') return wrong(text, "begins with `~`, which only a shell knows: write the absolute path");
  if (text.starts_with("file:")) return wrong(text, "is a URL: write the path alone");
  if (text.front() != '/' && !text.starts_with("**/"))
    return wrong(text, "is not absolute: write " + shown("/var/task/" + std::string(text)) + ", or " +
                           shown("**/" + std::string(text)) + " for anywhere");
  if (text.find("***") != text.npos)
    return wrong(text, "holds `***`: `*` stays within a segment, `**` crosses segments");

  std::string out;
  std::size_t segments = 0;
  for (std::size_t at = 0; at <= text.size();) {
    std::size_t slash = text.find('/', at);
    if (slash == text.npos) slash = text.size();
    std::string_view segment = text.substr(at, slash - at);
    if (segment == "..") return wrong(text, "holds `..`: write the path that is meant, without it");
    if (!segment.empty() && segment != ".") {
      if (!(out.empty() && text.front() != '/')) out += '/';
      out += segment;
      if (++segments > kMaxPatternSegments)
        return Error{ErrorCode::limit, "a pattern of more than " + std::to_string(kMaxPatternSegments) + " segments"};
    }
    at = slash + 1;
  }
  if (out.empty()) out = "/";
  if (text.size() > 1 && text.back() == '/' && out != "/")
    return wrong(text, "ends with `/`: write " + shown(out) + " for the directory itself, or " + shown(out + "/**") +
                           " for all that is in it");
  return out;
}

bool match_path(std::string_view pattern, std::string_view path) noexcept {
  // "/dir/**" is everything below, and the directory itself.
  if (pattern.size() > 3 && pattern.ends_with("/**")) {
    std::string_view directory = pattern.substr(0, pattern.size() - 3);
    if (!has_wildcard(directory) ? directory == path : match_path(directory, path)) return true;
  }
  // Two places to resume from: the last `*` (its text may not cross a slash) and the last `**`.
  constexpr std::size_t none = std::string_view::npos;
  std::size_t p = 0, s = 0, star = none, star_at = 0, deep = none, deep_at = 0;
  while (true) {
    if (p < pattern.size() && starts(pattern, p, "**")) {
      // Between slashes `**` also stands for no directory at all: "/a/**/b" meets "/a/b", "**/b" meets "/b".
      bool whole = (p == 0 || pattern[p - 1] == '/') && p + 2 < pattern.size() && pattern[p + 2] == '/';
      if (whole && p == 0) {
        // A leading "**/": the rest begins at any slash.
        deep = p;
        deep_at = s;
        star = none;
        p += 2;
        continue;
      }
      deep = p;
      deep_at = s;
      star = none;
      p += whole ? 3 : 2;
      if (p == pattern.size()) return true;
      continue;
    }
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      star_at = s;
      continue;
    }
    if (p == pattern.size() && s == path.size()) return true;
    if (p < pattern.size() && s < path.size() && (pattern[p] == '?' ? path[s] != '/' : pattern[p] == path[s])) {
      s += pattern[p++] == '?' ? letter(path, s) : 1;
      continue;
    }
    if (star != none && star_at < path.size() && path[star_at] != '/') {
      p = star + 1;
      s = ++star_at;
      continue;
    }
    if (deep == none || deep_at >= path.size()) return false;
    bool whole = (deep == 0 || pattern[deep - 1] == '/') && deep + 2 < pattern.size() && pattern[deep + 2] == '/';
    star = none;
    if (whole && deep > 0) {
      // Whole directories only: go on behind the next slash.
      std::size_t slash = path.find('/', deep_at);
      if (slash == none) return false;
      s = deep_at = slash + 1;
      p = deep + 3;
    } else if (whole) {
      std::size_t slash = path.find('/', deep_at + 1);
      if (slash == none) return false;
      s = deep_at = slash;
      p = deep + 2;
    } else {
      s = ++deep_at;
      p = deep + 2;
    }
  }
}

std::uint64_t segments_after(std::string_view pattern, std::string_view path) noexcept {
  // Segments of the pattern as states of a small automaton; `**` may stay where it is, or be left out.
  std::string_view segments[kMaxPatternSegments];
  std::size_t count = 0;
  if (pattern.starts_with('/')) pattern.remove_prefix(1);
  while (!pattern.empty() && count < kMaxPatternSegments) {
    std::size_t slash = pattern.find('/');
    segments[count++] = pattern.substr(0, slash);
    pattern = slash == pattern.npos ? std::string_view() : pattern.substr(slash + 1);
  }
  auto crosses = [&](std::size_t i) { return segments[i].find("**") != std::string_view::npos; };
  auto close = [&](std::uint64_t set) {
    for (std::size_t i = 0; i < count; ++i)
      if ((set >> i & 1) && crosses(i)) set |= std::uint64_t{1} << (i + 1);
    return set;
  };
  std::uint64_t set = close(1);
  if (path == "/") path = {};
  if (path.starts_with('/')) path.remove_prefix(1);
  while (!path.empty() && set) {
    std::size_t slash = path.find('/');
    std::string_view segment = path.substr(0, slash);
    path = slash == path.npos ? std::string_view() : path.substr(slash + 1);
    std::uint64_t next = 0;
    for (std::size_t i = 0; i < count; ++i) {
      if (!(set >> i & 1)) continue;
      // A segment with `**` inside ("a**b") is taken for `**`: it may meet more than it should, never less.
      if (crosses(i))
        next |= std::uint64_t{1} << i;
      else if (match_segment(segments[i], segment))
        next |= std::uint64_t{1} << (i + 1);
    }
    set = close(next);
  }
  return set & ~(std::uint64_t{1} << count);  // the end of the pattern: the path itself is met, nothing below
}

PathTable write_paths(BlobWriter& blob, const std::vector<PathEntry>& entries) {
  PathTable table{};
  std::vector<PathItem> items;
  HashIndexBuilder index(entries.size());
  for (const PathEntry& entry : entries) {
    std::size_t wild = entry.pattern.find_first_of("*?");
    std::size_t literal = wild == std::string::npos ? entry.pattern.size() : wild;
    auto number = static_cast<std::uint32_t>(items.size());
    items.push_back({blob.text(entry.pattern), kNoItem, entry.rule, static_cast<std::uint16_t>(entry.pattern.size()),
                     static_cast<std::uint16_t>(literal), entry.use, entry.read, entry.write,
                     literal > 1 && literal + 2 == entry.pattern.size() && entry.pattern.ends_with("/**")});
    std::uint64_t h = 0;
    each_directory_hash(literal_directory(entry.pattern), [&](std::uint64_t hash) { h = hash; });
    index.add(h, number, [&](std::uint32_t before, std::uint32_t now) { items[before].next = now; });
  }
  table.items = blob.array(items);
  table.slots = blob.array(index.slots());
  return table;
}

bool valid_paths(std::string_view blob, const PathTable& table) {
  if (!array_in_bounds<PathItem>(blob, table.items) || !valid_slots(blob, table.slots, table.items.count)) return false;
  const auto* items = array_at<PathItem>(blob.data(), table.items);
  for (std::uint32_t i = 0; i < table.items.count; ++i) {
    const PathItem& item = items[i];
    if (!text_in_bounds(blob, item.text, item.size) || item.literal > item.size) return false;
    if (item.next != kNoItem && (item.next <= i || item.next >= table.items.count)) return false;
    if (item.whole_tree > 1 || (item.whole_tree && item.size < 4)) return false;
    if (static_cast<std::uint8_t>(item.use) > 3 || (item.read > 2 && item.read != kNoAction) ||
        (item.write > 2 && item.write != kNoAction))
      return false;
  }
  return true;
}

}  // namespace ap
