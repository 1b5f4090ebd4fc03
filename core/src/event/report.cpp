// SPDX-License-Identifier: Apache-2.0
#include "event/report.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>

#include <atomic>

#include "base/clock.hpp"
#include "base/hash.hpp"
#include "base/large.hpp"
#include "base/syscall.hpp"
#include "event/fold.hpp"
#include "event/instance.hpp"
#include "event/marks.hpp"
#include "event/owner.hpp"
#include "event/record.hpp"
#include "event/thread_key.hpp"
#include "event/writer.hpp"
#include "guard/guard.hpp"
#include "guard/image.hpp"
#include "guard/name_table.hpp"

namespace ap::event {
namespace {

std::atomic<LogLevel> g_log_level{LogLevel::info};
AP_LARGE constinit Fold g_fold;  // zeroed pages until the first event

struct Counts {
  std::atomic<std::uint64_t> observed, denied, lines, dropped, dropped_told, unfolded;
};
Counts g_counts;

// Set by an operation that is denied under on_deny "block". Shared with forked children, whose denials block too; those
// that were executed set it by owner.hpp.
struct Shared {
  std::atomic<std::uint32_t> blocked;
};
Shared g_own_shared;
std::atomic<Shared*> g_shared{nullptr};
bool g_handed_over = false;
long g_pid = 0;  // whose memory this is; a child of vfork borrows it

Shared& shared() noexcept {
  if (Shared* s = g_shared.load(std::memory_order_acquire)) return *s;
  const long page = sys::call(SYS_mmap, nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  Shared *none = nullptr, *fresh = page < 0 && page > -4096 ? &g_own_shared : reinterpret_cast<Shared*>(page);
  if (g_shared.compare_exchange_strong(none, fresh)) return *fresh;
  if (fresh != &g_own_shared) sys::call(SYS_munmap, page, 4096);
  return *none;
}

// The current invocation's request id, read without a lock: an odd version means that it is being written.
constexpr std::size_t kRequestMax = 80;
std::atomic<std::uint32_t> g_request_version{0};
std::atomic<std::uint32_t> g_request_size{0};
std::atomic<char> g_request[kRequestMax];

struct RequestId {
  char text[kRequestMax];
  std::uint32_t size = 0;
  std::string_view view() const noexcept { return size != 0 ? std::string_view(text, size) : std::string_view(); }
};

RequestId current_request() noexcept {
  RequestId out;
  for (int i = 0; i < 100; ++i) {
    const std::uint32_t before = g_request_version.load(std::memory_order_acquire);
    if (before & 1) continue;
    out.size = g_request_size.load(std::memory_order_acquire);
    for (std::uint32_t k = 0; k < out.size; ++k) out.text[k] = g_request[k].load(std::memory_order_acquire);
    if (g_request_version.load(std::memory_order_relaxed) == before) return out;
  }
  out.size = 0;
  return out;
}

void notice_fork() noexcept {
  if (!instance_is_new() || !begin_instance()) return;
  g_fold.reset();
  for (auto* c : {&g_counts.observed, &g_counts.denied, &g_counts.lines, &g_counts.dropped, &g_counts.dropped_told,
                  &g_counts.unfolded})
    c->store(0, std::memory_order_relaxed);
  // Before a fork, so that its child has it too. One that was executed tells the owner in another way.
  if (!g_handed_over) shared();
}

std::uint64_t mix(std::uint64_t h, std::uint64_t v) noexcept {
  return hash_bytes({reinterpret_cast<const char*>(&v), sizeof v}, h);
}
std::uint64_t mix(std::uint64_t h, std::string_view s) noexcept {
  return hash_bytes(s.substr(0, 4096), mix(h, s.size()));
}

std::uint64_t address_hash(std::uint64_t h, const Operation& op) noexcept {
  return hash_bytes({reinterpret_cast<const char*>(op.address), sizeof op.address}, mix(h, op.family));
}

// What makes two events equal: everything that the line says but when, and which of a name's addresses it was.
std::uint64_t fold_key(const Record& r) noexcept {
  const Operation& op = *r.operation;
  const Verdict& v = r.verdict;
  std::uint64_t h =
      mix(kHashSeed, static_cast<std::uint64_t>(v.action) | static_cast<std::uint64_t>(v.policy) << 8 |
                         static_cast<std::uint64_t>(op.kind) << 16 | static_cast<std::uint64_t>(op.line) << 24 |
                         static_cast<std::uint64_t>(v.rule) << 32);
  h = mix(mix(h, view(op.text)), view(op.text2));
  if (op.resource == AP_OUTBOUND) {
    h = mix(h, static_cast<std::uint64_t>(op.port) << 16 | static_cast<std::uint64_t>(op.protocol) << 8 | v.cls);
    h = r.host.empty() ? address_hash(h, op) : mix(mix(h, r.host), view(op.query_type));
  } else if (op.text.size == 0 || op.text.data[0] != '/') {
    h = mix(h, view(op.cwd));
  }
  for (std::uint32_t i = 0; i < op.argc && i < 64; ++i) h = mix(h, view(op.argv[i]));
  if (r.who != nullptr) h = mix(mix(h, view(r.who->package)), view(r.who->api));
  h = mix(h, r.request_id);
  return h != 0 ? h : 1;
}

// os.execvp finds one program in several folders of PATH. (Line 2 has a way of its own.)
void describe_start(const Operation& op, Attempt& a) noexcept {
  if (op.line != 1 || op.argc == 0) return;
  const std::string_view program = view(op.text);
  a.form = mix(kHashSeed, program);
  a.subject = mix(mix(kHashSeed, op.resource), program.substr(program.rfind('/') + 1));
  for (std::uint32_t i = 0; i < op.argc && i < 64; ++i) a.subject = mix(a.subject, view(op.argv[i]));
  a.subject |= 1;
}

Attempt attempt_of(const Record& r) noexcept {
  const Operation& op = *r.operation;
  Attempt a;
  a.thread = thread_key();
  if (r.verdict.action != AP_DENY) return a;  // between two refusals it shows that the second is no retry
  if (op.resource == AP_PROCESSES) {
    describe_start(op, a);
    return a;
  }
  // Libraries retry an open with less, a connect with the next address; a delete after a rename is the program's own.
  if (op.resource == AP_FILES && !(op.flags & AP_OP_OPEN)) return a;
  a.rank = op.resource != AP_FILES ? 0 : op.kind == AP_FILE_CREATE ? 2 : op.kind == AP_FILE_WRITE ? 1 : 0;
  const std::string_view subject = op.resource == AP_OUTBOUND ? r.host : view(op.text);
  if (!subject.empty())
    a.subject = mix(mix(mix(kHashSeed, op.resource), subject), op.kind == AP_CONNECT ? op.port : 0) | 1;
  a.form = address_hash(mix(kHashSeed, op.kind), op);
  return a;
}

std::uint32_t own_pid() noexcept {
  return static_cast<std::uint32_t>(sys::call(SYS_getpid));
}

void finish_and_write(Line& line, Tail tail, int patience_ms = -1) noexcept {
  tail.instance = instance_id();
  tail.seq = next_seq();
  tail.pid = own_pid();
  write_tail(line, tail, settings().version);
  // INVARIANT: the caps of record.cpp leave room for the tail; a line that does not fit would be a defect, not a long
  // value.
  const bool written = line.fits() && (patience_ms < 0 ? write_line(Channel::events, line.view())
                                                       : write_line(Channel::events, line.view(), patience_ms));
  (written ? g_counts.lines : g_counts.dropped).fetch_add(1, std::memory_order_relaxed);
}

std::string_view rule_of(const Verdict& v) noexcept {
  if (v.policy == AP_POLICY_AGENT_HEALTH) return {};
  const BlobView* blob = policy();
  return blob != nullptr ? guard::rule_text(*blob, v) : std::string_view();
}

// Each in a frame of its own: a line is 4 KB, and some callers' stacks are small.
[[gnu::noinline]] void write_pending(const Pending& p, int patience_ms) noexcept {
  Line line;
  if (p.head_size != 0)
    line.raw({p.head, p.head_size});
  else
    write_head(line, {.verdict = p.verdict, .rule = rule_of(p.verdict)}, settings());
  finish_and_write(line, {.count = p.count, .first_us = p.first_us, .last_us = p.last_us, .truncated = p.truncated},
                   patience_ms);
}

[[gnu::noinline]] void write_due(bool all, int patience_ms = -1) noexcept {
  Pending p;
  const std::uint64_t now_ms = monotonic_ns() / 1000000;
  for (std::size_t n = 0; n < Fold::kEntries + Fold::kFloods && g_fold.take_due(p, all, now_ms); ++n)
    write_pending(p, patience_ms);
}

[[gnu::noinline]] void write_first(const Record& r, std::uint64_t key, bool fold, std::uint64_t now_us,
                                   std::uint64_t now_ms) noexcept {
  Line line;
  write_head(line, r, settings());
  if (fold) g_fold.remember(key, r.verdict, line.view(), line.truncated(), now_ms);
  finish_and_write(line, {.first_us = now_us, .last_us = now_us});
}

// Returns false for a retry of an operation that was counted already.
bool count(const Record& r, std::uint64_t key, const Attempt& attempt) noexcept {
  const std::uint64_t now_us = unix_ns() / 1000, now_ms = monotonic_ns() / 1000000;
  Fold::Outcome outcome = g_fold.count(key, r.verdict, attempt, now_us, now_ms);
  if (outcome == Fold::full) {
    write_due(true);
    g_fold.forget();
    outcome = g_fold.count(key, r.verdict, Attempt{}, now_us, now_ms);
    if (outcome == Fold::full) outcome = Fold::unfolded;
  }
  if (outcome == Fold::unfolded) g_counts.unfolded.fetch_add(1, std::memory_order_relaxed);
  if (outcome == Fold::write || outcome == Fold::unfolded) write_first(r, key, outcome == Fold::write, now_us, now_ms);
  if (g_fold.sweep_time(now_ms)) write_due(false);
  return outcome != Fold::retry;
}

void tell_dropped() noexcept {
  const std::uint64_t dropped = g_counts.dropped.load(std::memory_order_relaxed);
  std::uint64_t told = g_counts.dropped_told.load(std::memory_order_relaxed);
  if (dropped == told || !g_counts.dropped_told.compare_exchange_strong(told, dropped)) return;
  Line line;
  char text[96] = "event lines could not be written (output full or gone): ";
  std::size_t n = __builtin_strlen(text), digits = 1;
  for (std::uint64_t v = dropped; v >= 10; v /= 10) ++digits;
  for (std::uint64_t v = dropped, k = digits; k-- > 0; v /= 10) text[n + k] = static_cast<char>('0' + v % 10);
  Verdict v{};
  v.action = AP_OBSERVE;
  v.policy = AP_POLICY_AGENT_HEALTH;
  write_head(line, {.verdict = v, .code = "events_dropped", .text = {text, n + digits}}, settings());
  const std::uint64_t now = unix_ns() / 1000;
  finish_and_write(line, {.first_us = now, .last_us = now}, 0);
  // When this line is lost too, the next one says so.
  const std::uint64_t after = g_counts.dropped.load(std::memory_order_relaxed);
  if (after != dropped) g_counts.dropped_told.store(dropped - 1, std::memory_order_relaxed);
}

[[noreturn]] void terminate(const Record& r) noexcept {
  constexpr int kLastWordsMs = 250;
  {
    Line line;
    write_head(line, r, settings());
    const std::uint64_t now = unix_ns() / 1000;
    finish_and_write(line, {.first_us = now, .last_us = now}, kLastWordsMs);
  }
  write_due(true, 0);
  end_owner();
  for (;;) sys::call(SYS_exit_group, 77);
}

}  // namespace

void report(const Operation& op, const Verdict& verdict, const ap_attribution* who) noexcept {
  if (verdict.action != AP_OBSERVE && verdict.action != AP_DENY) return;
  notice_fork();
  RequestId request;
  Record r;
  r.operation = &op;
  r.verdict = verdict;
  r.who = who;
  r.rule = rule_of(verdict);
  HostName looked_up;
  if (op.resource == AP_OUTBOUND) {
    r.host = view(op.text);
    if (r.host.empty() && op.family != 0 && name_table().last_name(make_ip(op.family, op.address), looked_up))
      r.host = looked_up.view();
    if (r.host.empty()) r.host = {};
  }
  if (who != nullptr && who->request_id.data != nullptr) {
    r.request_id = view(who->request_id);
  } else {
    request = current_request();
    r.request_id = request.view();
  }
  if (verdict.action == AP_OBSERVE) {
    if (op.line == 1) marks::put(op);
  } else if (verdict.on_deny == AP_ON_DENY_BLOCK) {
    shared().blocked.store(1, std::memory_order_release);
    if (g_handed_over) set_flag_of_owner();
  } else if (verdict.on_deny == AP_ON_DENY_TERMINATE) {
    terminate(r);
  }
  if (count(r, fold_key(r), attempt_of(r)))
    (verdict.action == AP_DENY ? g_counts.denied : g_counts.observed).fetch_add(1, std::memory_order_relaxed);
}

void health(std::string_view code, std::string_view text) noexcept {
  notice_fork();
  Record r;
  r.verdict.action = AP_OBSERVE;
  r.verdict.policy = AP_POLICY_AGENT_HEALTH;
  r.code = code;
  r.text = text;
  const RequestId request = current_request();
  r.request_id = request.view();
  count(r, hash_bytes(code, mix(kHashSeed, std::uint64_t{AP_POLICY_AGENT_HEALTH})) | 1, Attempt{});
}

void log(LogLevel level, std::string_view text) noexcept {
  if (level > g_log_level.load(std::memory_order_relaxed)) return;
  static constexpr std::string_view kWords[] = {"[ERROR] ", "[WARN] ", "[INFO] ", "[DEBUG] ", "[TRACE] "};
  Line line;
  line.raw(kWords[static_cast<std::size_t>(level)]);
  line.raw("[app_protect] ");
  // Line by line, and no control character: nobody forges a second line through a text of ours.
  constexpr std::size_t kRoom = Line::kMax - 32;
  std::size_t used = 0;
  for (char c : text.substr(0, kRoom)) {
    const char clean = static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c;
    line.raw({&clean, 1});
    ++used;
  }
  if (used < text.size()) line.raw("...");
  line.raw("\n");
  write_line(Channel::log, line.view());
}

void flush() noexcept {
  if (instance_is_new()) return;  // a forked child that has nothing of its own yet
  write_due(true);
  tell_dropped();
}

bool in_borrowed_memory() noexcept {
  return sys::call(SYS_getpid) != g_pid;
}

void after_fork() noexcept {
  g_pid = sys::call(SYS_getpid);
  forget_instance();  // the next begins with the child's first event
}

void begin(const Sink& events, const Sink& log_sink, LogLevel level) noexcept {
  g_log_level.store(level, std::memory_order_relaxed);
  g_pid = sys::call(SYS_getpid);
  use_sinks(events, log_sink, true);
  notice_fork();
}

Sink share_blocked() noexcept {
  Sink file = make_flag_file();
  if (file.fd < 0) return file;
  // In the place of the page that forked children share: they share this one as well.
  Shared& before = shared();
  if (&before == &g_own_shared) return file;
  const long page = sys::call(SYS_mmap, &before, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file.fd, 0);
  if (page < 0 && page > -4096) file.fd = -1;
  return file;
}

void adopt(int event_fd, int log_fd) noexcept {
  g_handed_over = true;
  g_pid = sys::call(SYS_getpid);
  const Settings& s = settings();
  Sink events = s.event_sink, log_sink = s.log_sink;
  events.fd = event_fd;
  log_sink.fd = log_fd;
  g_log_level.store(s.log_level, std::memory_order_relaxed);
  use_sinks(events, log_sink, false);  // its instance begins with its first event: most have none
}

bool handed_over() noexcept {
  return g_handed_over;
}

void invocation_begin(std::string_view request_id) noexcept {
  notice_fork();
  shared().blocked.store(0, std::memory_order_release);
  request_id = request_id.substr(0, kRequestMax);
  g_request_version.fetch_add(1, std::memory_order_acq_rel);
  for (std::size_t i = 0; i < request_id.size(); ++i) g_request[i].store(request_id[i], std::memory_order_release);
  g_request_size.store(static_cast<std::uint32_t>(request_id.size()), std::memory_order_release);
  g_request_version.fetch_add(1, std::memory_order_release);
}

bool invocation_end() noexcept {
  flush();
  g_fold.forget();  // the next invocation's first event of each kind is written at once, under its own request id
  return blocked();
}

bool blocked() noexcept {
  return shared().blocked.load(std::memory_order_acquire) != 0;
}

Counters counters() noexcept {
  notice_fork();
  const auto get = [](const std::atomic<std::uint64_t>& v) { return v.load(std::memory_order_relaxed); };
  return {get(g_counts.observed), get(g_counts.denied), get(g_counts.lines), get(g_counts.dropped),
          get(g_counts.unfolded)};
}

std::string_view instance() noexcept {
  notice_fork();
  return instance_id();
}

}  // namespace ap::event
