// SPDX-License-Identifier: Apache-2.0
#include "event/record.hpp"

#include <app_protect/words.hpp>

#include "base/syscall.hpp"
#include "event/mask.hpp"
#include "event/utc.hpp"
#include "guard/path_text.hpp"
#include "match/address.hpp"

namespace ap::event {
namespace {

// What each value may take, in bytes after escaping. INVARIANT: the largest info, the rest of the head and the tail
// together fit a line (record_test fills every value).
constexpr std::size_t kPath = 2000, kPathOfTwo = 1000;
constexpr std::size_t kCommand = 1150, kProgram = 500, kCwd = 350;
constexpr std::size_t kHost = 300, kQueryType = 16;
constexpr std::size_t kCode = 64, kText = 1500;
constexpr std::size_t kGroup = 110, kRule = 160, kFunction = 170, kRequest = 80, kRuntime = 40, kPackage = 130,
                      kApi = 70;
constexpr std::size_t kFrame = 120, kFrames = 560;

constexpr std::string_view kNull = "null";

std::string_view protocol_word(std::uint8_t protocol) noexcept {
  switch (protocol) {
    case AP_PROTO_TCP:
      return "\"tcp\"";
    case AP_PROTO_UDP:
      return "\"udp\"";
    case AP_PROTO_DNS:
      return "\"dns\"";
    case AP_PROTO_UNIX:
      return "\"unix\"";
  }
  return kNull;
}

// Address text: dotted, or RFC 5952 (longest run of zero groups, the first of equal ones, lower case).
void write_address(Line& line, const Operation& op) noexcept {
  const IpAddress ip = make_ip(op.family, op.address);
  if (ip.family == 0) return line.raw(kNull);
  line.raw("\"");
  if (ip.family == 4) {
    for (int i = 0; i < 4; ++i) {
      if (i != 0) line.raw(".");
      line.number(ip.bytes[i]);
    }
    return line.raw("\"");
  }
  unsigned group[8];
  for (int i = 0; i < 8; ++i) group[i] = static_cast<unsigned>(ip.bytes[2 * i] << 8 | ip.bytes[2 * i + 1]);
  int best = -1, best_size = 1;
  for (int i = 0; i < 8;) {
    int end = i;
    while (end < 8 && group[end] == 0) ++end;
    if (end - i > best_size) best = i, best_size = end - i;
    i = end == i ? i + 1 : end;
  }
  for (int i = 0; i < 8; ++i) {
    if (i == best) {
      line.raw("::");
      i += best_size - 1;
      continue;
    }
    if (i != 0 && i != best + best_size) line.raw(":");
    char hex[4];
    int n = 0;
    for (int shift = 12; shift >= 0; shift -= 4)
      if (n != 0 || shift == 0 || (group[i] >> shift) != 0) hex[n++] = "0123456789abcdef"[(group[i] >> shift) & 15];
    line.raw({hex, static_cast<std::size_t>(n)});
  }
  line.raw("\"");
}

void write_masked_string(Line& line, std::string_view value, std::size_t cap, MaskScope scope) noexcept {
  if (value.data() == nullptr) return line.raw(kNull);
  line.open(cap);
  write_masked(line, value, scope);
  line.close();
}

void write_outbound(Line& line, const Record& r) noexcept {
  const Operation* op = r.operation;
  std::string_view host = op != nullptr ? r.host : std::string_view();
  char abstract[128];
  if (!host.empty() && host[0] == '\0') {  // an abstract unix socket, as ss(8) shows it
    const std::size_t n = host.size() < sizeof abstract ? host.size() : sizeof abstract;
    __builtin_memcpy(abstract, host.data(), n);
    abstract[0] = '@';
    host = {abstract, n};
  }
  line.raw("{\"host\":");
  write_masked_string(line, host, kHost, MaskScope::host);
  line.raw(",\"ip\":");
  if (op != nullptr)
    write_address(line, *op);
  else
    line.raw(kNull);
  line.raw(",\"port\":");
  if (op != nullptr && op->port != 0)
    line.number(op->port);
  else
    line.raw(kNull);
  line.raw(",\"protocol\":");
  line.raw(op != nullptr ? protocol_word(op->kind == AP_RESOLVE ? std::uint8_t{AP_PROTO_DNS} : op->protocol) : kNull);
  line.raw(",\"class\":");
  if (op == nullptr || r.verdict.cls == AP_CLASS_NONE) {
    line.raw(kNull);
  } else {
    line.raw("\"");
    line.raw(app_protect::class_word(r.verdict.cls));
    line.raw("\"");
  }
  if (op != nullptr && op->kind == AP_RESOLVE) {
    line.raw(",\"query\":");
    write_masked_string(line, host, kHost, MaskScope::host);
    line.raw(",\"type\":");
    line.string_or_null(view(op->query_type), kQueryType);
  }
  line.raw("}");
}

// A path as policies compare it. (Line 2's are the kernel's own already.)
void write_path(Line& line, const Operation& op, std::string_view path, std::size_t cap) noexcept {
  PathText text;
  if ((op.flags & AP_OP_CANONICAL) == 0 && !path.empty() && text.normalise(path, view(op.cwd))) path = text.view();
  write_masked_string(line, path, cap, MaskScope::path);
}

void write_files(Line& line, const Operation* op) noexcept {
  line.raw("{\"path\":");
  if (op == nullptr) return line.raw("null,\"operation\":null}");
  const bool two = op->kind == AP_FILE_RENAME || op->kind == AP_FILE_LINK || op->kind == AP_FILE_SYMLINK;
  write_path(line, *op, view(op->text), two ? kPathOfTwo : kPath);
  line.raw(",\"operation\":\"");
  line.raw(operation_word(op->kind));
  line.raw("\"");
  if (two) {
    line.raw(",\"to\":");
    if (op->kind == AP_FILE_SYMLINK)  // the text of the link, not a path of this directory
      write_masked_string(line, view(op->text2), kPathOfTwo, MaskScope::path);
    else
      write_path(line, *op, view(op->text2), kPathOfTwo);
  }
  line.raw("}");
}

bool is_plain_word(std::string_view word) noexcept {
  if (word.empty()) return false;
  for (char c : word) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
                       c == '@' || c == '%' || c == '+' || c == '=' || c == ':' || c == ',' || c == '.' || c == '/' ||
                       c == '-';
    if (!plain) return false;
  }
  return true;
}

// 'it'"'"'s': a quote inside leaves the quotes for a moment.
void write_inside_quotes(Line& line, std::string_view text) noexcept {
  for (std::size_t quote; (quote = text.find('\'')) != std::string_view::npos; text.remove_prefix(quote + 1)) {
    line.text(text.substr(0, quote));
    line.text("'\"'\"'");
    if (line.full()) return;
  }
  line.text(text);
}

void write_quoted(Line& line, std::string_view word) noexcept {
  if (is_plain_word(word.substr(0, kMaskInput))) return write_masked(line, word, MaskScope::command);
  if (word.size() > kMaskInput) line.set_truncated();
  word = word.substr(0, kMaskInput);
  const MaskSpans spans = mask(word, MaskScope::command);
  line.text("'");
  std::size_t from = 0;
  for (std::size_t i = 0; i < spans.count; ++i) {
    write_inside_quotes(line, word.substr(from, spans.spans[i].begin - from));
    line.text("***");
    from = spans.spans[i].end;
  }
  write_inside_quotes(line, word.substr(from));
  line.text("'");
}

// The program and its arguments as a shell would have to be told, secrets masked.
void write_command(Line& line, const Operation& op) noexcept {
  line.open(kCommand);
  if (op.argc == 0 || op.argv == nullptr) {
    write_masked(line, view(op.text), MaskScope::command);
    return line.close();
  }
  Flag before = Flag::ordinary;
  for (std::uint32_t i = 0; i < op.argc && !line.full(); ++i) {
    const std::string_view word = view(op.argv[i]);
    if (i != 0) line.text(" ");
    const std::size_t colon = before == Flag::user_and_password_follow ? word.find(':') : std::string_view::npos;
    if (before == Flag::secret_follows && !word.empty() && word[0] != '-') {
      line.text("***");
    } else if (colon != std::string_view::npos) {
      line.text(word.substr(0, colon + 1));
      line.text("***");
    } else {
      write_quoted(line, word);
    }
    before = flag_kind(word);
  }
  line.close();
}

void write_process(Line& line, const Operation* op) noexcept {
  if (op == nullptr) return line.raw("{\"command\":null,\"program\":null,\"cwd\":null,\"shell\":null}");
  line.raw("{\"command\":");
  if (op->kind == AP_FORK)
    line.raw(kNull);
  else
    write_command(line, *op);
  line.raw(",\"program\":");
  write_masked_string(line, op->kind == AP_FORK ? std::string_view() : view(op->text), kProgram, MaskScope::path);
  line.raw(",\"cwd\":");
  char here[512];
  std::string_view cwd = view(op->cwd);
  if (cwd.empty()) {
    const long n = sys::call(SYS_getcwd, here, sizeof here);
    cwd = n > 1 && here[0] == '/' ? std::string_view(here, static_cast<std::size_t>(n - 1)) : std::string_view();
  }
  write_masked_string(line, cwd, kCwd, MaskScope::path);
  line.raw(op->flags & AP_OP_SHELL ? ",\"shell\":true}" : ",\"shell\":false}");
}

void write_native(Line& line, const Operation* op) noexcept {
  line.raw("{\"path\":");
  write_masked_string(line, op != nullptr ? view(op->text) : std::string_view(), kPath, MaskScope::path);
  line.raw(",\"operation\":");
  if (op == nullptr) return line.raw("null}");
  line.raw("\"");
  line.raw(operation_word(op->kind));
  line.raw("\"}");
}

void write_info(Line& line, const Record& r) noexcept {
  line.raw(",\"info\":");
  switch (r.verdict.policy) {
    case AP_POLICY_OUTBOUND_DATA:
      return write_outbound(line, r);
    case AP_POLICY_READ_WRITE_TMP:
    case AP_POLICY_READ_WRITE_APP:
    case AP_POLICY_READ_WRITE_OTHER:
      return write_files(line, r.operation);
    case AP_POLICY_CREATE_CHILD_PROCESS:
      return write_process(line, r.operation);
    case AP_POLICY_NATIVE_CODE:
      return write_native(line, r.operation);
  }
  line.raw("{\"code\":");
  line.string_or_null(r.code, kCode);
  line.raw(",\"text\":");
  write_masked_string(line, r.text, kText, MaskScope::url);
  line.raw("}");
}

void write_stack(Line& line, const ap_attribution* who) noexcept {
  line.raw(",\"stack\":");
  if (who == nullptr || who->stack == nullptr || who->stack_size == 0) return line.raw(kNull);
  const std::size_t begin = line.size();
  line.raw("[");
  for (std::uint32_t i = 0; i < who->stack_size; ++i) {
    if (line.size() - begin + kFrame + 4 > kFrames) break;  // innermost first: the outer frames are left out
    if (i != 0) line.raw(",");
    line.string(view(who->stack[i]), kFrame);
  }
  line.raw("]");
}

// A terminated text of the settings; empty is null.
std::string_view text_or_null(const char* text) noexcept {
  return *text != '\0' ? std::string_view(text) : std::string_view();
}

}  // namespace

std::string_view operation_word(std::uint8_t kind) noexcept {
  switch (kind) {
    case AP_FILE_READ:
      return "read";
    case AP_FILE_WRITE:
      return "write";
    case AP_FILE_CREATE:
      return "create";
    case AP_FILE_DELETE:
      return "delete";
    case AP_FILE_RENAME:
      return "rename";
    case AP_FILE_LINK:
    case AP_FILE_SYMLINK:
      return "link";
    case AP_FILE_STAT:
    case AP_FILE_METADATA:
      return "metadata";
    case AP_FILE_LIST:
      return "list";
    case AP_LOAD:
      return "load";
    case AP_EXEC_MEMORY:
      return "exec_memory";
    case AP_CALL_ADDRESS:
      return "call_address";
    case AP_MEMFD:
      return "memfd";
    case AP_SPAWN:
      return "spawn";
    case AP_FORK:
      return "fork";
    case AP_RESOLVE:
      return "resolve";
    case AP_CONNECT:
      return "connect";
  }
  return "unknown";
}

void write_head(Line& line, const Record& r, const Settings& s) noexcept {
  line.raw("{\"source\":\"appDefender\",\"policy\":\"");
  line.raw(app_protect::policy_word(r.verdict.policy));
  line.raw(r.verdict.action == AP_DENY ? "\",\"action\":\"deny\"" : "\",\"action\":\"observe\"");
  write_info(line, r);
  line.raw(",\"policy_group\":");
  line.string_or_null(text_or_null(s.policy_group), kGroup);
  line.raw(",\"policy_version\":");
  if (s.policy_group[0] != '\0' && s.policy_version >= 0)
    line.number(static_cast<std::uint64_t>(s.policy_version));
  else
    line.raw(kNull);
  line.raw(",\"rule\":");
  line.string_or_null(r.rule, kRule);
  line.raw(",\"function\":");
  line.string_or_null(text_or_null(s.function), kFunction);
  line.raw(",\"request_id\":");
  line.string_or_null(r.request_id, kRequest);
  line.raw(",\"runtime\":");
  line.string_or_null(text_or_null(s.runtime), kRuntime);
  line.raw(",\"package\":");
  line.string_or_null(r.who != nullptr ? view(r.who->package) : std::string_view(), kPackage);
  write_stack(line, r.who);
  line.raw(",\"api\":");
  line.string_or_null(r.who != nullptr ? view(r.who->api) : std::string_view(), kApi);
  line.raw(",\"line\":");
  if (r.operation != nullptr && r.operation->line != 0)
    line.number(r.operation->line);
  else
    line.raw(kNull);
}

void write_tail(Line& line, const Tail& t, std::string_view version) noexcept {
  line.raw(",\"instance\":\"");
  line.raw(t.instance);
  line.raw("\",\"seq\":");
  line.number(t.seq);
  line.raw(",\"pid\":");
  line.number(t.pid);
  line.raw(",\"count\":");
  line.number(t.count);
  line.raw(",\"first_utc\":\"");
  line.raw(utc_text(t.first_us).view());
  line.raw("\",\"time_utc\":\"");
  line.raw(utc_text(t.last_us).view());
  line.raw(t.truncated || line.truncated() ? "\",\"truncated\":true,\"ver\":\"" : "\",\"ver\":\"");
  line.raw(version);
  line.raw("\"}\n");
}

}  // namespace ap::event
