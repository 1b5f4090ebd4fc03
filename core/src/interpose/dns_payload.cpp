// SPDX-License-Identifier: Apache-2.0
#include "interpose/dns_payload.hpp"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstring>

#include "base/hash.hpp"
#include "base/syscall.hpp"
#include "interpose/decide.hpp"
#include "interpose/network.hpp"
#include "interpose/user_memory.hpp"

namespace ap::interpose {
namespace {

bool watching = false;
char search_domains[1024];  // " one two": each with a blank in front
std::size_t search_size = 0;

// Names counted a moment ago: a resolver asks for both families, and again when no answer comes.
struct Recent {
  std::uint64_t name;
  long second;
};
Recent recent[16];

bool counted_lately(std::string_view name) {
  timespec now{};
  sys::call(SYS_clock_gettime, 1 /* CLOCK_MONOTONIC */, &now);
  const std::uint64_t hash = hash_bytes(name);
  Recent& slot = recent[hash % 16];
  const bool known = __atomic_load_n(&slot.name, __ATOMIC_RELAXED) == hash &&
                     now.tv_sec - __atomic_load_n(&slot.second, __ATOMIC_RELAXED) <= 5;
  __atomic_store_n(&slot.name, hash, __ATOMIC_RELAXED);
  __atomic_store_n(&slot.second, now.tv_sec, __ATOMIC_RELAXED);
  return known;
}

unsigned peer_port(int fd) {
  sockaddr_in6 peer{};
  socklen_t size = sizeof peer;
  if (sys::call(SYS_getpeername, fd, &peer, &size) != 0) return 0;
  return peer.sin6_family == AF_INET || peer.sin6_family == AF_INET6 ? ntohs(peer.sin6_port)
                                                                     : 0;  // the port is at the same place
}

bool is_stream(int fd) {
  int type = 0;
  socklen_t size = sizeof type;
  return sys::call(SYS_getsockopt, fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM;
}

bool same(std::string_view a, std::string_view b) {
  if (!b.empty() && b.back() == '.') b.remove_suffix(1);
  return a.size() == b.size() && strncasecmp(a.data(), b.data(), a.size()) == 0;
}

// `name` is what libc makes of the name it is looking up: itself, or with a search domain of resolv.conf behind it.
bool belongs_to_look_up(std::string_view name) {
  const std::string_view asked = LookUp::name();
  if (asked.empty()) return false;
  if (same(name, asked)) return true;
  if (name.size() <= asked.size() || name[asked.size()] != '.' || !same(name.substr(0, asked.size()), asked))
    return false;
  const std::string_view domain = name.substr(asked.size() + 1);
  for (std::string_view rest(search_domains, search_size); !rest.empty();) {
    rest.remove_prefix(1);
    const auto end = rest.find(' ');
    if (same(domain, rest.substr(0, end))) return true;
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end);
  }
  return false;
}

long decide_question(std::string_view name, int type) {
  if (belongs_to_look_up(name) || name.empty()) return 0;
  Operation op = look_up_operation(name, type);
  Verdict verdict;
  if (judge(op, verdict) == AP_GRANT) return 0;
  if (verdict.action == AP_OBSERVE) return LookUp::running() || counted_lately(name) ? 0 : settle(op, verdict, name);
  return LookUp::running() && !LookUp::first_refusal() ? -EPERM : settle(op, verdict, name);
}

// Data for a name server that is no query: nothing of it can be judged.
long decide_unknown() {
  Operation op{};
  op.resource = AP_OUTBOUND;
  op.kind = AP_CONNECT;
  op.protocol = AP_PROTO_DNS;
  return decide(op, {});
}

}  // namespace

void note_name_server() noexcept {
  if (!LookUp::running()) __atomic_store_n(&watching, true, __ATOMIC_RELAXED);
}

bool watches_payload() noexcept {
  return __atomic_load_n(&watching, __ATOMIC_RELAXED) || LookUp::running();
}

long decide_payload(int fd, unsigned port, const iovec* user, std::size_t count, Query& query) noexcept {
  query.size = 0;
  if (!watches_payload() || (port ? port : peer_port(fd)) != 53) return 0;
  for (std::size_t i = 0; i < count; ++i) {
    iovec part;
    if (copy_bytes(&part, user + i, sizeof part) < 0) return -EFAULT;
    if (part.iov_len > Query::kRoom - query.size) {
      query.size = 0;
      return decide_unknown();
    }
    if (copy_bytes(query.bytes + query.size, part.iov_base, part.iov_len) < 0) return -EFAULT;
    query.size += part.iov_len;
  }
  char name[256];
  int type = 0;
  if (!is_stream(fd)) {
    const std::size_t size = question_of(query.bytes, query.size, name, sizeof name, type);
    return size ? decide_question({name, size}, type) : decide_unknown();
  }
  // Over TCP each query has its length in front; a part of one is not sent.
  std::size_t at = 0;
  while (at + 2 <= query.size) {
    const std::size_t length = static_cast<std::size_t>(query.bytes[at]) << 8 | query.bytes[at + 1];
    at += 2;
    if (at + length > query.size) return decide_unknown();
    const std::size_t size = question_of(query.bytes + at, length, name, sizeof name, type);
    if (const long refused = size ? decide_question({name, size}, type) : decide_unknown()) return refused;
    at += length;
  }
  return at == query.size ? 0 : decide_unknown();
}

bool remember_search_domains(std::string_view domains) noexcept {
  if (domains.size() > sizeof search_domains) return false;
  std::memcpy(search_domains, domains.data(), domains.size());
  search_size = domains.size();
  return true;
}

std::string_view known_search_domains() noexcept {
  return {search_domains, search_size};
}

long decide_unseen_payload(int fd) noexcept {
  return watches_payload() && peer_port(fd) == 53 ? decide_unknown() : 0;
}

void remember_search_domains() noexcept {
  const long fd = sys::call(SYS_openat, AT_FDCWD, "/etc/resolv.conf", O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return;
  char text[4096];
  const long size = sys::call(SYS_read, fd, text, sizeof text);
  sys::call(SYS_close, fd);
  search_size = 0;
  for (std::string_view rest(text, size > 0 ? static_cast<std::size_t>(size) : 0); !rest.empty();) {
    const auto end = rest.find('\n');
    std::string_view line = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    if (line.substr(0, 6) != "search" && line.substr(0, 6) != "domain") continue;
    search_size = 0;  // the last line counts
    line.remove_prefix(6);
    while (!line.empty()) {
      const auto begin = line.find_first_not_of(" \t\r");
      if (begin == std::string_view::npos) break;
      line.remove_prefix(begin);
      const std::string_view word = line.substr(0, line.find_first_of(" \t\r"));
      line.remove_prefix(word.size());
      if (search_size + word.size() + 1 > sizeof search_domains) break;
      search_domains[search_size++] = ' ';
      std::memcpy(search_domains + search_size, word.data(), word.size());
      search_size += word.size();
    }
  }
}

}  // namespace ap::interpose
