// SPDX-License-Identifier: Apache-2.0
#include "match/path.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "match/blob_writer.hpp"

namespace ap {
namespace {

TEST(Path, Globs) {
  struct Case {
    const char *pattern, *path;
    bool met;
  };
  for (const auto& [pattern, path, met] : {
           Case{"/data/x", "/data/x", true},
           Case{"/data/x", "/data/xy", false},
           Case{"/data/*", "/data/x", true},
           Case{"/data/*", "/data/x/y", false},
           Case{"/data/*", "/data", false},
           Case{"/data/*.csv", "/data/.csv", true},
           Case{"/data/a*b*c", "/data/aXbYbZc", true},
           Case{"/data/?", "/data/x", true},
           Case{"/data/?", "/data/\xc3\xa9", true},
           Case{"/data/?", "/data/\xff", true},
           Case{"/data/?", "/data/xy", false},
           Case{"/data/a?b", "/data/a/b", false},
           Case{"/data/**", "/data/x/y", true},
           Case{"/data/**", "/data", true},
           Case{"/data/**", "/datax", false},
           Case{"/data/**/x", "/data/x", true},
           Case{"/data/**/x", "/data/a/b/x", true},
           Case{"/data/**/x", "/data/ax", false},
           Case{"/data/**/x/**", "/data/a/x", true},
           Case{"/data/**/*.pem", "/data/a/b.pem/c.pem", true},
           Case{"**/*.pem", "/a/b.pem", true},
           Case{"**/*.pem", "/b.pem", true},
           Case{"**/b/c", "/a/b/b/c", true},
           Case{"**/b/c", "/a/xb/c", false},
           Case{"/a/**.pem", "/a/b/c.pem", true},
           Case{"/a/*/c/**/e", "/a/b/c/d/c/e", true},
           Case{"/**", "/", true},
           Case{"/**", "/x", true},
           Case{"/a[b]{c}", "/a[b]{c}", true},
           Case{"/", "/", true},
       })
    EXPECT_EQ(match_path(pattern, path), met) << pattern << " " << path;
}

// The definition, written down: a segment at a time, trying everything.
bool plainly(std::string_view pattern, std::string_view path) {
  auto split = [](std::string_view text) {
    std::vector<std::string_view> out;
    for (text.remove_prefix(1); !text.empty();) {
      out.push_back(text.substr(0, text.find('/')));
      text.remove_prefix(std::min(text.size(), out.back().size() + 1));
    }
    return out;
  };
  struct Segment {
    static bool match(std::string_view p, std::string_view s) {
      if (p.empty()) return s.empty();
      if (p[0] == '*') return match(p.substr(1), s) || (!s.empty() && match(p, s.substr(1)));
      return !s.empty() && (p[0] == '?' || p[0] == s[0]) && match(p.substr(1), s.substr(1));
    }
  };
  auto ps = split(pattern), ss = split(path);
  auto all = [&](auto self, std::size_t p, std::size_t s) -> bool {
    if (p == ps.size()) return s == ss.size();
    if (ps[p] == "**") return self(self, p + 1, s) || (s < ss.size() && self(self, p, s + 1));
    return s < ss.size() && Segment::match(ps[p], ss[s]) && self(self, p + 1, s + 1);
  };
  return all(all, 0, 0);
}

TEST(Path, MeetsWhatThePlainDefinitionMeets) {
  std::uint32_t state = 7;
  auto random = [&](std::uint32_t n) { return ((state = state * 1664525u + 1013904223u) >> 16) % n; };
  int met = 0;
  for (int round = 0; round < 20000; ++round) {
    std::string pattern, path;
    for (std::uint32_t i = 0; i < 1 + random(5); ++i)
      pattern +=
          std::string("/") + std::vector<const char*>{"a", "b", "**", "*", "a*", "*b", "?", "a*b", "ab"}[random(9)];
    for (std::uint32_t i = 0; i < 1 + random(6); ++i)
      path += std::string("/") + std::vector<const char*>{"a", "b", "ab", "aab", "c"}[random(5)];
    if (pattern.find("**/**") != pattern.npos) continue;
    ASSERT_EQ(match_path(pattern, path), plainly(pattern, path)) << pattern << " " << path;
    met += match_path(pattern, path);
  }
  EXPECT_GT(met, 1000);
}

TEST(Path, BacktrackingIsBounded) {
  std::string pattern = "/", path = "/" + std::string(4000, 'a');
  for (int i = 0; i < 500; ++i) pattern += "a*";
  EXPECT_FALSE(match_path(pattern + "b", path));
  std::string deep = "/**";
  for (int i = 0; i < 20; ++i) deep += "/a*/**";
  EXPECT_FALSE(match_path(deep + "/b", "/" + std::string(2000, 'a')));
}

TEST(Path, PatternsHaveANormalForm) {
  for (auto [written, normal] :
       {std::pair{"/a//b/./c", "/a/b/c"}, {"/", "/"}, {"**/x", "**/x"}, {"/a/**", "/a/**"}, {"//a", "/a"}}) {
    auto pattern = parse_path_pattern(written);
    ASSERT_TRUE(pattern) << pattern.error().message;
    EXPECT_EQ(*pattern, normal);
  }
  struct Wrong {
    std::string text;
    const char* says;
  };
  for (const auto& [text, says] :
       {Wrong{"", "empty path"}, Wrong{"a/b", "not absolute"}, Wrong{"*.pem", "`**/*.pem`"}, Wrong{"~/x", "shell"},
        Wrong{"/a/../b", "`..`"}, Wrong{"/a/***", "`***`"}, Wrong{"/a/", "`/a/**`"}, Wrong{"file:///a", "URL"},
        Wrong{std::string("/a\0b", 4), "NUL"}, Wrong{"/" + std::string(5000, 'a'), "4096"},
        Wrong{"/" + std::string(200, '*').replace(0, 200, std::string(64, 'a')), ""}}) {
    if (*says == 0) continue;
    auto pattern = parse_path_pattern(text);
    ASSERT_FALSE(pattern) << text;
    EXPECT_NE(pattern.error().message.find(says), std::string::npos) << pattern.error().message;
  }
  std::string many;
  for (int i = 0; i < 64; ++i) many += "/a";
  EXPECT_FALSE(parse_path_pattern(many));
}

TEST(Path, IndexFindsWhatTryingAllFinds) {
  const std::vector<std::string> patterns = {
      "/data/**",          "/data/x", "/data/*/y", "**/y",         "/**", "/data/eightchr/longersegment/x",
      "/data/eightchr/**", "/d*",     "/",         "/data/**/z/**"};
  std::vector<PathEntry> entries;
  for (const std::string& p : patterns)
    entries.push_back({p, PathUse::rule, 2, kNoAction, static_cast<std::uint32_t>(entries.size())});
  BlobWriter writer;
  PathTable table = write_paths(writer, entries);
  ASSERT_TRUE(valid_paths(writer.bytes(), table));
  PathMatcher m(writer.bytes().data(), table);
  for (std::string path : {"/", "/data", "/data/x", "/data/x/y", "/data/eightchr", "/data/eightchr/longersegment/x",
                           "/data/eightchr/longersegment", "/other/y", "/data/a/z/b"}) {
    std::set<std::uint32_t> found, expected;
    m.each_match(path, [&](std::uint32_t number, const PathItem&) { found.insert(number); });
    for (std::uint32_t i = 0; i < patterns.size(); ++i)
      if (match_path(patterns[i], path)) expected.insert(i);
    EXPECT_EQ(found, expected) << path;
  }
}

TEST(Path, SegmentsAfter) {
  EXPECT_EQ(segments_after("/srv/app/secret", "/srv"), segments_after("/srv/app/secret", "/srv"));
  EXPECT_NE(segments_after("/srv/app/secret", "/srv/app"), 0u);
  EXPECT_EQ(segments_after("/srv/app/secret", "/srv/other"), 0u);
  EXPECT_EQ(segments_after("/srv/app/secret", "/srv/app/secret"), 0u) << "met itself, nothing below";
  EXPECT_EQ(segments_after("/srv/*/secret", "/srv/a"), segments_after("/srv/*/secret", "/srv/b"));
  EXPECT_EQ(segments_after("**/x", "/any/where"), segments_after("**/x", "/else/where"));
  EXPECT_NE(segments_after("/data/**/x", "/data/a"), 0u);
  EXPECT_EQ(segments_after("/data/**/x", "/tmp"), 0u);
}

}  // namespace
}  // namespace ap
