// SPDX-License-Identifier: Apache-2.0
// Files: files.rules (the first that speaks about the direction), the runtime's own needs, then tmp, application,
// elsewhere.
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstring>

#include "base/syscall.hpp"
#include "guard/guard.hpp"
#include "guard/judge.hpp"
#include "guard/path_text.hpp"

namespace ap::guard {
namespace {

struct PathVerdict {
  std::uint8_t action;
  std::uint8_t policy;
  std::uint32_t rule;
};

PathVerdict worse(const PathVerdict& a, const PathVerdict& b) noexcept {
  return b.action > a.action ? b : a;
}

std::uint8_t event_policy(Place place) noexcept {
  return static_cast<std::uint8_t>(AP_POLICY_READ_WRITE_TMP + static_cast<int>(place));
}

// What the matching entries say about one direction.
struct Findings {
  std::uint32_t rule_number = kNoItem;
  const PathItem* rule = nullptr;
  int need = -1;  // bytes of the need's literal part

  void rule_seen(std::uint32_t number, const PathItem& item) noexcept {
    if (number < rule_number) {
      rule_number = number;
      rule = &item;
    }
  }
  bool need_wins() const noexcept { return need >= 0 && (!rule || rule->literal < need); }
};

PathVerdict judge_path(const BlobView& policy, std::string_view path, Direction direction, std::uint8_t kind) noexcept {
  const PolicyHeader& h = policy.header();
  Findings read, write;
  bool own = false, own_code = false, ancestor = false;
  policy.paths().each_match(path, [&](std::uint32_t number, const PathItem& item) {
    switch (item.use) {
      case PathUse::rule:
        if (item.read != kNoAction) read.rule_seen(number, item);
        if (item.write != kNoAction) write.rule_seen(number, item);
        break;
      case PathUse::need:
        read.need = std::max(read.need, static_cast<int>(item.literal));
        if (item.write != kNoAction) write.need = std::max(write.need, static_cast<int>(item.literal));
        break;
      case PathUse::ancestor:
        ancestor = true;
        break;
      case PathUse::own:
        (item.read == kNoAction ? own_code : own) = true;
        break;
    }
  });
  // A need gives way to a rule that names the path as closely: a wider rule is passed over, and the next one asked.
  auto pass_over_wider = [&](Findings& found, std::uint8_t PathItem::* stated) {
    if (!found.need_wins()) return;
    found.rule_number = kNoItem;
    found.rule = nullptr;
    policy.paths().each_match(path, [&](std::uint32_t number, const PathItem& item) {
      if (item.use == PathUse::rule && item.*stated != kNoAction && item.literal >= found.need)
        found.rule_seen(number, item);
    });
  };
  if (read.rule) pass_over_wider(read, &PathItem::read);
  if (write.rule) pass_over_wider(write, &PathItem::write);

  Place place = place_of(policy, path);
  const std::uint8_t policy_id = event_policy(place);
  if (own) return {AP_DENY, policy_id, rule_files_own};
  if (ancestor && kind == AP_FILE_STAT && !read.rule) return {AP_GRANT, policy_id, rule_files_runtime};

  auto judge = [&](const Findings& found, int direction_index) -> PathVerdict {
    if (own_code && direction_index) return {AP_DENY, policy_id, rule_files_own};
    if (found.need_wins()) return {AP_GRANT, policy_id, rule_files_runtime};
    if (found.rule) return {direction_index ? found.rule->write : found.rule->read, policy_id, found.rule->rule};
    return {h.places[static_cast<int>(place)][direction_index], policy_id,
            rule_tmp_read + 2 * static_cast<std::uint32_t>(place) + static_cast<std::uint32_t>(direction_index)};
  };
  switch (direction) {
    case Direction::read:
      return judge(read, 0);
    case Direction::write:
      return judge(write, 1);
    case Direction::read_and_write:
      return worse(judge(read, 0), judge(write, 1));
    case Direction::none:
      break;
  }
  return {AP_GRANT, policy_id, rule_none};
}

// Order of a tree's text and `path` + '/'.
int compare_with_slash(std::string_view text, std::string_view path) noexcept {
  int head = text.substr(0, path.size()).compare(path);
  if (head != 0 || text.size() == path.size()) return head != 0 ? head : -1;
  unsigned char next = static_cast<unsigned char>(text[path.size()]);
  return next < '/' ? -1 : next > '/' ? 1 : text.size() == path.size() + 1 ? 0 : 1;
}

// The severest tree at or below `path`.
PathVerdict trees_below(const BlobView& policy, std::string_view path) noexcept {
  const Range range = policy.header().protected_trees;
  const auto* trees = policy.items<ProtectedItem>(range);
  auto text = [&](std::uint32_t i) { return policy.text(trees[i].text, trees[i].size); };
  auto first = [&](auto less) {
    std::uint32_t low = 0, high = range.count;
    while (low < high) {
      std::uint32_t middle = low + (high - low) / 2;
      if (less(text(middle)))
        low = middle + 1;
      else
        high = middle;
    }
    return low;
  };
  PathVerdict found{AP_GRANT, 0, rule_none};
  auto take = [&](std::uint32_t i, auto inside) {
    for (std::uint32_t at : {i, i < range.count ? trees[i].next_denied : range.count})
      if (at < range.count && inside(text(at)))
        found = worse(found, {trees[at].action, trees[at].policy, trees[at].rule});
  };
  take(first([&](std::string_view t) { return t < path; }), [&](std::string_view t) { return t == path; });
  take(first([&](std::string_view t) { return compare_with_slash(t, path) < 0; }),
       [&](std::string_view t) { return t.size() > path.size() && t.starts_with(path) && t[path.size()] == '/'; });
  return found;
}

bool may_be_directory(std::string_view path) noexcept {
  char terminated[PATH_MAX];
  if (path.size() >= sizeof(terminated)) return true;
  std::memcpy(terminated, path.data(), path.size());
  terminated[path.size()] = '\0';
  struct stat status;
  long result = sys::call(SYS_newfstatat, AT_FDCWD, terminated, &status, AT_SYMLINK_NOFOLLOW);
  return result != 0 || S_ISDIR(status.st_mode);
}

// Renaming `from` to `to` moves everything below: refused where something below `from` has a rule that it would leave
// behind.
PathVerdict judge_move(const BlobView& policy, std::string_view from, std::string_view to) noexcept {
  PathVerdict found = trees_below(policy, from);
  PathVerdict patterns{AP_GRANT, 0, rule_none};
  const std::uint8_t policy_id = event_policy(place_of(policy, from));
  PathMatcher paths = policy.paths();
  paths.each_candidate(from, [&](std::uint32_t, const PathItem& item) {
    if (item.literal == item.size || (item.use != PathUse::rule && item.use != PathUse::own)) return;
    std::uint8_t action = std::max(item.read == kNoAction ? std::uint8_t{AP_GRANT} : item.read,
                                   item.write == kNoAction ? std::uint8_t{AP_GRANT} : item.write);
    if (action <= patterns.action) return;
    std::string_view pattern = paths.pattern(item);
    // What can still be met below `from` can be met below `to` as well: the rule goes along.
    std::uint64_t left = segments_after(pattern, from);
    if (left & ~segments_after(pattern, to)) patterns = {action, policy_id, item.rule};
  });
  if (patterns.action > found.action && may_be_directory(from)) return patterns;
  return found;
}

}  // namespace

Place place_of(const BlobView& policy, std::string_view path) noexcept {
  const Range range = policy.header().directories;
  const auto* directories = policy.items<DirectoryItem>(range);
  Place place = Place::elsewhere;
  std::size_t longest = 0;
  for (std::uint32_t i = 0; i < range.count; ++i) {
    const DirectoryItem& item = directories[i];
    if (item.size > longest && is_at_or_below(path, policy.text(item.text, item.size))) {
      longest = item.size;
      place = item.place;
    }
  }
  return place;
}

bool spares_code(const Verdict& verdict) noexcept {
  return verdict.rule == rule_application_read;
}

bool is_runtime_need(const BlobView& policy, std::string_view path) noexcept {
  bool need = false;
  policy.paths().each_match(path,
                            [&](std::uint32_t, const PathItem& item) { need = need || item.use == PathUse::need; });
  return need;
}

void judge_files(const BlobView& policy, const Operation& operation, Verdict& verdict) noexcept {
  const PolicyHeader& h = policy.header();
  PathText path;
  auto prepare = [&](PathText& out, const ap_str& text) {
    return operation.flags & AP_OP_CANONICAL ? out.from_kernel(view(text))
                                             : out.normalise(view(text), view(operation.cwd));
  };
  auto unjudged = [&] {
    verdict.policy = AP_POLICY_READ_WRITE_OTHER;
    set(verdict, h.files_worst, rule_files_path);
  };
  if (!prepare(path, operation.text)) return unjudged();
  FileDirections directions = guard::directions(operation.kind);
  if (directions.path == Direction::write && operation.flags & AP_OP_READ_TOO)
    directions.path = Direction::read_and_write;
  PathVerdict found = judge_path(policy, path.view(), directions.path, operation.kind);

  if (directions.to != Direction::none && operation.text2.data) {
    PathText to;
    if (!prepare(to, operation.text2)) return unjudged();
    found = worse(found, judge_path(policy, to.view(), directions.to, operation.kind));
    if (operation.kind == AP_FILE_RENAME && found.action != AP_DENY) {
      found = worse(found, judge_move(policy, path.view(), to.view()));
      // An exchange moves both ways, and what is moved onto a tree hides it.
      PathVerdict hidden = trees_below(policy, to.view());
      found = worse(found, hidden);
    }
  }
  verdict.policy = found.policy ? found.policy : std::uint8_t{AP_POLICY_READ_WRITE_OTHER};
  set(verdict, found.action, found.rule);
}

}  // namespace ap::guard
