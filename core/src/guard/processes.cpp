// SPDX-License-Identifier: Apache-2.0
// Child processes: fork, and programs with their arguments.
#include <fcntl.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstring>

#include "base/syscall.hpp"
#include "guard/canonical.hpp"
#include "guard/judge.hpp"
#include "guard/path_text.hpp"
#include "match/command.hpp"

namespace ap::guard {
namespace {

// Grows past its stack part into pages of its own: no malloc, which may not be called everywhere that exec is.
class CommandLine {
 public:
  CommandLine() = default;
  CommandLine(const CommandLine&) = delete;
  ~CommandLine() {
    if (data_ != stack_) sys::call(SYS_munmap, data_, capacity_);
  }
  bool append(std::string_view text) noexcept {
    if (text.size() > capacity_ - size_ && !grow(size_ + text.size())) return false;
    if (!text.empty()) std::memcpy(data_ + size_, text.data(), text.size());
    size_ += text.size();
    return true;
  }
  bool append_quoted(std::string_view argument) noexcept {
    bool fits = true;
    shell_quote(argument, [&](std::string_view piece) { fits = fits && append(piece); });
    return fits;
  }
  void clear() noexcept { size_ = 0; }
  std::string_view view() const noexcept { return {data_, size_}; }

 private:
  bool grow(std::size_t need) noexcept {
    std::size_t capacity = (std::max(need, capacity_ * 2) + 4095) & ~std::size_t{4095};
    if (capacity > (64u << 20)) return false;  // the kernel takes 6 MB of arguments at most; quoting makes five of one
    long pages = sys::call(SYS_mmap, nullptr, capacity, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages < 0 && pages > -4096) return false;
    char* fresh = reinterpret_cast<char*>(pages);
    std::memcpy(fresh, data_, size_);
    if (data_ != stack_) sys::call(SYS_munmap, data_, capacity_);
    data_ = fresh;
    capacity_ = capacity;
    return true;
  }
  char stack_[512];
  char* data_ = stack_;
  std::size_t size_ = 0, capacity_ = sizeof(stack_);
};

bool is_executable_file(const PathBuffer& path) noexcept {
  return sys::call(SYS_faccessat, AT_FDCWD, path.data, 1 /* X_OK */) == 0;
}

bool canonical_of(std::string_view path, std::string_view cwd, PathBuffer& real) noexcept {
  PathBuffer joined;
  if (!path.starts_with('/') && !cwd.empty()) {
    if (!joined.assign(cwd) || !joined.append("/") || !joined.append(path)) return false;
  } else if (!joined.assign(path)) {
    return false;
  }
  canonical::Descriptor object;
  return canonical::find(AT_FDCWD, joined, 0, object, real) == 0;
}

// The real path of the program that `word` names: itself where it holds a slash, else the first of PATH (as it was
// before user code).
bool resolve_program(const BlobView& policy, std::string_view word, std::string_view cwd, PathBuffer& real) noexcept {
  if (word.empty()) return false;
  if (word.find('/') != word.npos) return canonical_of(word, cwd, real);
  std::string_view path = policy.text(policy.header().program_path);
  while (!path.empty()) {
    std::size_t colon = path.find(':');
    std::string_view directory = path.substr(0, colon);
    path = colon == path.npos ? std::string_view() : path.substr(colon + 1);
    if (!directory.starts_with('/')) continue;  // "." and relative ones depend on where the caller stands
    PathBuffer candidate;
    if (!candidate.assign(directory) || !candidate.append("/") || !candidate.append(word)) continue;
    if (is_executable_file(candidate)) return canonical_of(candidate.view(), {}, real);
  }
  return false;
}

// (In a frame of its own: most calls do not need its buffer.)
[[gnu::noinline]] bool resolves_to(const BlobView& policy, std::string_view word, std::string_view cwd,
                                   std::string_view real) noexcept {
  PathBuffer path;
  return resolve_program(policy, word, cwd, path) && path.view() == real;
}

// A text with dot-dot says one directory and means another: it is not searched.
bool has_dot_dot(std::string_view path) noexcept {
  for (std::size_t at = path.find(".."); at != path.npos; at = path.find("..", at + 1))
    if ((at == 0 || path[at - 1] == '/') && (at + 2 == path.size() || path[at + 2] == '/')) return true;
  return false;
}

bool write_command(CommandLine& line, std::string_view program, const Operation& operation) noexcept {
  line.clear();
  bool fits = line.append_quoted(program);
  for (std::uint32_t i = 1; i < operation.argc && operation.argv; ++i)
    fits = fits && line.append(" ") && line.append_quoted(view(operation.argv[i]));
  return fits;
}

// The first rule that one of the command's spellings meets; its action, or the dimension's own.
void judge_command(const BlobView& policy, const Operation& operation, Verdict& verdict) noexcept {
  const PolicyHeader& h = policy.header();
  const auto* rules = policy.items<CommandItem>(h.commands);
  set(verdict, h.child, rule_child_action);
  if (h.commands.count == 0) return;

  const std::string_view program = view(operation.text), cwd = view(operation.cwd);
  const std::string_view first = operation.argc && operation.argv ? view(operation.argv[0]) : std::string_view();
  // Line 2 says both: the program as called, and (text2) the file that will run. It must not be looked for a second
  // time.
  PathBuffer resolved;
  std::string_view real = operation.text2.data ? view(operation.text2) : program;
  bool found = true;
  if (!(operation.flags & AP_OP_CANONICAL)) {
    found = resolve_program(policy, program, cwd, resolved);
    real = resolved.view();
  }

  // At most four spellings: the real program; the program as called, plainly written and as it stands, and argv[0],
  // where they lead to it. A path leads where it says, a bare name where PATH led at the start (for execve it is a file
  // of the current directory). Where a spelling leads is found out when a rule meets it: PATH may be long.
  auto leads_there = [&](std::string_view word) {
    if (operation.flags & AP_OP_CANONICAL && word == program && word.starts_with('/')) return true;  // as it was called
    return !found || word == real || resolves_to(policy, word, cwd, real);
  };
  enum class Leads : std::uint8_t { there, elsewhere, unknown };
  struct Spelling {
    std::string_view word;
    Leads leads;
    CommandLine line;
  } spellings[4];
  int count = 0;
  bool fits = true;
  auto add = [&](std::string_view word, Leads leads) {
    for (int i = 0; i < count; ++i) {
      if (spellings[i].word != word) continue;
      if (leads == Leads::there) spellings[i].leads = leads;
      return;
    }
    Spelling& spelling = spellings[count++];
    spelling.word = word;
    spelling.leads = leads;
    fits = fits && write_command(spelling.line, word, operation);
  };
  const bool is_path = program.find('/') != program.npos;
  PathText plain;
  if (found) add(real, Leads::there);
  if (is_path && plain.normalise(program, cwd)) add(plain.view(), Leads::unknown);
  if (!program.empty() && !has_dot_dot(program)) add(program, is_path ? Leads::there : Leads::unknown);
  if (!first.empty() && first != program && found && !has_dot_dot(first)) add(first, Leads::unknown);
  if (!fits) return set(verdict, h.denies ? std::uint8_t{AP_DENY} : h.child, rule_child_action);

  for (std::uint32_t i = 0; i < h.commands.count; ++i) {
    std::string_view pattern = policy.text(rules[i].text, rules[i].size), literal = anchored_literal(pattern);
    for (int s = 0; s < count; ++s) {
      Spelling& spelling = spellings[s];
      if (spelling.leads == Leads::elsewhere || !spelling.line.view().starts_with(literal) ||
          !search_command(pattern, spelling.line.view()))
        continue;
      if (spelling.leads == Leads::unknown)
        spelling.leads = leads_there(spelling.word) ? Leads::there : Leads::elsewhere;
      if (spelling.leads == Leads::there) return set(verdict, rules[i].action, rules[i].rule);
    }
  }
}

}  // namespace

void judge_processes(const BlobView& policy, const Operation& operation, Verdict& verdict) noexcept {
  const PolicyHeader& h = policy.header();
  if (operation.kind != AP_SPAWN) return set(verdict, h.child, rule_child_action);
  judge_command(policy, operation, verdict);
  // A program that line 2 cannot enter would leave the policy behind, whatever opened it.
  if (operation.flags & AP_OP_UNGUARDED && h.unguarded > verdict.action)
    set(verdict, h.unguarded, rule_child_unguarded);
}

}  // namespace ap::guard
