// SPDX-License-Identifier: Apache-2.0
#include "match/command.hpp"

#include <pthread.h>
#include <re2/re2.h>

#include <memory>
#include <string>
#include <unordered_map>

#include "base/text.hpp"

namespace ap {
namespace {

re2::RE2::Options options() {
  re2::RE2::Options o(re2::RE2::Latin1);
  o.set_log_errors(false);
  o.set_max_mem(1 << 20);  // bytes, per pattern: program and state cache
  return o;
}

// All RE2 work happens under this one mutex, so that no lock of RE2's own can be held by another thread at a fork.
class Compiled {
 public:
  static Compiled& instance() {
    static Compiled* one = new Compiled;  // never destroyed: children and exit handlers may still search
    return *one;
  }
  const re2::RE2& get(std::string_view pattern) {
    // Bounded: more than any policy holds, so that only a process that opens one policy after the other comes here
    // twice.
    if (patterns_.size() >= kMaxPatterns) patterns_.clear();
    auto [at, is_new] = patterns_.try_emplace(std::string(pattern));
    if (is_new) at->second = std::make_unique<re2::RE2>(re2::StringPiece(pattern.data(), pattern.size()), options());
    return *at->second;
  }
  static constexpr std::size_t kMaxPatterns = 16384;

  void lock() { pthread_mutex_lock(&mutex_); }
  void unlock() { pthread_mutex_unlock(&mutex_); }

 private:
  Compiled() {
    pthread_atfork([] { instance().lock(); }, [] { instance().unlock(); }, [] { instance().unlock(); });
  }
  pthread_mutex_t mutex_ = PTHREAD_MUTEX_INITIALIZER;
  std::unordered_map<std::string, std::unique_ptr<re2::RE2>> patterns_;
};

struct Locked {
  Locked() { Compiled::instance().lock(); }
  ~Locked() { Compiled::instance().unlock(); }
};

}  // namespace

Result<bool> check_command_pattern(std::string_view pattern) {
  if (pattern.empty())
    return Error{ErrorCode::invalid_policy,
                 "an empty pattern meets every command: write `^/usr/bin/file `, or `.*` if every command is meant"};
  if (pattern.size() > 4096)
    return Error{ErrorCode::limit, "a pattern of " + std::to_string(pattern.size()) + " bytes: at most 4096"};
  re2::RE2 compiled(re2::StringPiece(pattern.data(), pattern.size()), options());
  if (compiled.ok()) return true;
  std::string what = compiled.error();
  if (what.find("invalid perl operator") != what.npos)
    what += " (look-ahead and look-behind are not in RE2: write the alternatives out)";
  else if (pattern.front() == '*' || pattern.front() == '?')
    what += " (this is a regular expression, not a glob: write `.*` for any text)";
  return Error{ErrorCode::invalid_policy, shown(pattern) + " is not an RE2 expression: " + one_line(what)};
}

bool search_command(std::string_view pattern, std::string_view command) noexcept {
  Locked locked;
  const re2::RE2& re = Compiled::instance().get(pattern);
  return re.ok() && re2::RE2::PartialMatch(re2::StringPiece(command.data(), command.size()), re);
}

std::string_view anchored_literal(std::string_view pattern) noexcept {
  if (!pattern.starts_with('^') || pattern.find('|') != pattern.npos) return {};
  std::string_view rest = pattern.substr(1);
  std::size_t size = rest.find_first_of("\\.+*?()[]{}^$");
  if (size == rest.npos) return rest;
  // A quantifier belongs to the byte before it.
  if (size > 0 && std::string_view("*?{").find(rest[size]) != std::string_view::npos) --size;
  return rest.substr(0, size);
}

}  // namespace ap
