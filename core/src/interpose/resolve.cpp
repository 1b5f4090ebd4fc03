// SPDX-License-Identifier: Apache-2.0
//
// Look-ups: the name is judged before any query exists; answers of a granted one feed the guard's name table. libc's
// own function then runs (there is no other way to ask NSS), with a mark on the thread so that the sockets it opens are
// its own affair.
#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <errno.h>
#include <netinet/in.h>
#include <resolv.h>

#include <cstring>

#include "guard/name_table.hpp"
#include "interpose/calls.hpp"
#include "interpose/decide.hpp"
#include "interpose/network.hpp"
#include "interpose/originals.hpp"
#include "interpose/user_memory.hpp"

namespace ap::interpose {
namespace {

constexpr int kInternal = -1;  // NETDB_INTERNAL: "see errno"; musl has no name for it

constexpr std::size_t kName = 1026;  // NI_MAXHOST and a terminator: libc refuses longer names itself

// A copied name. `data()` is what is judged and what libc gets.
class Name {
 public:
  explicit Name(const char* from) {
    length_ = from ? copy_string(text_, sizeof text_, from) : 0;
    given_ = from != nullptr;
  }
  bool bad() const { return length_ < 0; }
  const char* data() const { return given_ ? text_ : nullptr; }
  std::string_view view() const { return {text_, static_cast<std::size_t>(length_ > 0 ? length_ : 0)}; }

 private:
  char text_[kName] = "";
  long length_ = 0;
  bool given_ = false;
};

// An address in words needs no query: it is judged when it is connected to.
bool is_numeric(std::string_view name) {
  IpAddress address;
  return parse_ip(name, address);
}

// 0, or -EPERM. libc's functions call each other: what a running look-up asks was decided when it began.
long decide_query(Operation& op) {
  return LookUp::running() ? 0 : decide(op, view(op.text));
}

long decide_name(std::string_view name, int type = 0) {
  if (name.empty() || LookUp::running()) return 0;
  Operation op = look_up_operation(name, type);
  return decide_query(op);
}

// An address for a reverse look-up, in words and in bytes.
struct Reverse {
  char text[INET6_ADDRSTRLEN] = "";
  Operation op{};
  bool set(int family, const void* bytes, std::size_t size) {
    op.resource = AP_OUTBOUND;
    op.kind = AP_RESOLVE;
    op.protocol = AP_PROTO_DNS;
    if (family == AF_INET && size >= 4)
      op.family = 4;
    else if (family == AF_INET6 && size >= 16)
      op.family = 6;
    else
      return false;
    std::memcpy(op.address, bytes, op.family == 4 ? 4 : 16);
    inet_ntop(family, op.address, text, sizeof text);
    op.text = {text, static_cast<uint32_t>(std::strlen(text))};
    return true;
  }
};

constexpr std::size_t kAnswers = 64;

void note(std::string_view name, const addrinfo* list) {
  IpAddress addresses[kAnswers];
  std::size_t n = 0;
  for (; list && n < kAnswers; list = list->ai_next) {
    if (list->ai_family == AF_INET)
      addresses[n++] = make_ip(
          4, reinterpret_cast<const std::uint8_t*>(&reinterpret_cast<const sockaddr_in*>(list->ai_addr)->sin_addr));
    if (list->ai_family == AF_INET6)
      addresses[n++] = make_ip(6, reinterpret_cast<const sockaddr_in6*>(list->ai_addr)->sin6_addr.s6_addr);
  }
  name_table().note(name, addresses, n);
}

void note(std::string_view name, const hostent* host) {
  if (!host || !host->h_addr_list) return;
  IpAddress addresses[kAnswers];
  std::size_t n = 0;
  for (char** a = host->h_addr_list; *a && n < kAnswers; ++a)
    addresses[n++] = make_ip(host->h_addrtype == AF_INET6 ? 6 : 4, reinterpret_cast<const std::uint8_t*>(*a));
  name_table().note(name, addresses, n);
}

bool needs_query(const Name& name) {
  return name.data() && !name.view().empty() && !is_numeric(name.view());
}

// --- replacements
// ----------------------------------------------------------------------------------------------------------

int hook_getaddrinfo(const char* user_node, const char* service, const addrinfo* user_hints, addrinfo** result) {
  const Name node(user_node);
  if (node.bad()) return EAI_NONAME;
  addrinfo hints{};
  const bool hinted = user_hints && copy_bytes(&hints, user_hints, sizeof hints) == 0;
  const bool asks = needs_query(node) && !(hinted && (hints.ai_flags & AI_NUMERICHOST));
  if (asks && decide_name(node.view()) < 0) {
    errno = EPERM;
    return EAI_SYSTEM;
  }
  const LookUp scope(asks ? node.view() : std::string_view());
  const int status = originals.getaddrinfo(node.data(), service, hinted ? &hints : user_hints, result);
  if (status != 0 && scope.refused()) {  // an alias or a search domain led to a name that is not allowed
    errno = EPERM;
    return EAI_SYSTEM;
  }
  if (status == 0 && asks) {
    const int kept = errno;
    note(node.view(), *result);
    errno = kept;
  }
  return status;
}

int hook_getnameinfo(const sockaddr* user_address, socklen_t size, char* host, socklen_t host_size, char* service,
                     socklen_t service_size, int flags) {
  Address address;
  if (copy_address(address, user_address, static_cast<int>(size)) < 0) return EAI_FAMILY;
  Reverse reverse;
  bool asks = false;
  if (host && host_size && !(flags & NI_NUMERICHOST)) {
    const auto* in = reinterpret_cast<const sockaddr_in*>(address.bytes);
    const auto* in6 = reinterpret_cast<const sockaddr_in6*>(address.bytes);
    if (size >= sizeof *in && in->sin_family == AF_INET)
      asks = reverse.set(AF_INET, &in->sin_addr, 4);
    else if (size >= sizeof *in6 && in6->sin6_family == AF_INET6)
      asks = reverse.set(AF_INET6, &in6->sin6_addr, 16);
  }
  if (asks && decide_query(reverse.op) < 0) {
    errno = EPERM;
    return EAI_SYSTEM;
  }
  const LookUp scope(asks ? view(reverse.op.text) : std::string_view());
  return originals.getnameinfo(address.get(), size, host, host_size, service, service_size, flags);
}

hostent* refused_host() {
  h_errno = kInternal;
  errno = EPERM;
  return nullptr;
}

int refused_host_r(hostent** result, int* error) {
  *result = nullptr;
  *error = kInternal;
  errno = EPERM;
  return EPERM;
}

hostent* by_name(const char* user_name, int family) {
  const Name name(user_name);
  if (name.bad()) {
    h_errno = HOST_NOT_FOUND;
    return nullptr;
  }
  const bool asks = needs_query(name);
  if (asks && decide_name(name.view()) < 0) return refused_host();
  const LookUp scope(asks ? name.view() : std::string_view());
  hostent* host =
      family == AF_UNSPEC ? originals.gethostbyname(name.data()) : originals.gethostbyname2(name.data(), family);
  if (!host && scope.refused()) return refused_host();
  if (asks) note(name.view(), host);
  return host;
}
hostent* hook_gethostbyname(const char* name) {
  return by_name(name, AF_UNSPEC);
}
hostent* hook_gethostbyname2(const char* name, int family) {
  return by_name(name, family);
}

int by_name_r(const char* user_name, int family, hostent* host, char* buffer, size_t size, hostent** result,
              int* error) {
  const Name name(user_name);
  if (name.bad()) {
    *result = nullptr;
    *error = HOST_NOT_FOUND;
    return 0;
  }
  const bool asks = needs_query(name);
  if (asks && decide_name(name.view()) < 0) return refused_host_r(result, error);
  const LookUp scope(asks ? name.view() : std::string_view());
  const int status = family == AF_UNSPEC
                         ? originals.gethostbyname_r(name.data(), host, buffer, size, result, error)
                         : originals.gethostbyname2_r(name.data(), family, host, buffer, size, result, error);
  if (!*result && scope.refused()) return refused_host_r(result, error);
  if (status == 0 && asks) note(name.view(), *result);
  return status;
}
int hook_gethostbyname_r(const char* name, hostent* host, char* buffer, size_t size, hostent** result, int* error) {
  return by_name_r(name, AF_UNSPEC, host, buffer, size, result, error);
}
int hook_gethostbyname2_r(const char* name, int family, hostent* host, char* buffer, size_t size, hostent** result,
                          int* error) {
  return by_name_r(name, family, host, buffer, size, result, error);
}

hostent* hook_gethostbyaddr(const void* user_address, socklen_t size, int family) {
  unsigned char bytes[16] = {};
  const socklen_t kept = size < sizeof bytes ? size : static_cast<socklen_t>(sizeof bytes);
  if (copy_bytes(bytes, user_address, kept) < 0) return refused_host();
  Reverse reverse;
  if (reverse.set(family, bytes, size) && decide_query(reverse.op) < 0) return refused_host();
  const LookUp scope(view(reverse.op.text));
  return originals.gethostbyaddr(bytes, size, family);
}
int hook_gethostbyaddr_r(const void* user_address, socklen_t size, int family, hostent* host, char* buffer, size_t room,
                         hostent** result, int* error) {
  unsigned char bytes[16] = {};
  const socklen_t kept = size < sizeof bytes ? size : static_cast<socklen_t>(sizeof bytes);
  if (copy_bytes(bytes, user_address, kept) < 0) return refused_host_r(result, error);
  Reverse reverse;
  if (reverse.set(family, bytes, size) && decide_query(reverse.op) < 0) return refused_host_r(result, error);
  const LookUp scope(view(reverse.op.text));
  return originals.gethostbyaddr_r(bytes, size, family, host, buffer, room, result, error);
}

// The resolver's own interface. A refusal is -1 with errno and h_errno, as a failed query is.
int refused_query() {
  h_errno = kInternal;
  errno = EPERM;
  return -1;
}

template <typename Run>
int query(const char* user_name, int type, Run run) {
  const Name name(user_name);
  if (name.bad() || !name.data()) return refused_query();
  if (decide_name(name.view(), type) < 0) return refused_query();
  const LookUp scope(name.view());
  return run(name.data());
}

int hook_res_query(const char* name, int cls, int type, unsigned char* answer, int size) {
  return query(name, type, [&](const char* n) { return originals.res_query(n, cls, type, answer, size); });
}
int hook_res_search(const char* name, int cls, int type, unsigned char* answer, int size) {
  return query(name, type, [&](const char* n) { return originals.res_search(n, cls, type, answer, size); });
}
int hook_res_nquery(void* state, const char* name, int cls, int type, unsigned char* answer, int size) {
  return query(name, type, [&](const char* n) { return originals.res_nquery(state, n, cls, type, answer, size); });
}
int hook_res_nsearch(void* state, const char* name, int cls, int type, unsigned char* answer, int size) {
  return query(name, type, [&](const char* n) { return originals.res_nsearch(state, n, cls, type, answer, size); });
}

// A name and a domain, joined as the resolver joins them.
template <typename Run>
int query_in_domain(const char* user_name, const char* user_domain, int type, Run run) {
  const Name name(user_name), domain(user_domain);
  if (name.bad() || domain.bad() || !name.data()) return refused_query();
  char joined[2 * kName];
  std::size_t size = name.view().size();
  std::memcpy(joined, name.data(), size);
  if (domain.data() && !domain.view().empty()) {
    if (size && joined[size - 1] != '.') joined[size++] = '.';
    std::memcpy(joined + size, domain.data(), domain.view().size());
    size += domain.view().size();
  }
  joined[size] = 0;
  if (decide_name({joined, size}, type) < 0) return refused_query();
  const LookUp scope({joined, size});
  return run(name.data(), domain.data());
}
int hook_res_querydomain(const char* name, const char* domain, int cls, int type, unsigned char* answer, int size) {
  return query_in_domain(name, domain, type, [&](const char* n, const char* d) {
    return originals.res_querydomain(n, d, cls, type, answer, size);
  });
}
int hook_res_nquerydomain(void* state, const char* name, const char* domain, int cls, int type, unsigned char* answer,
                          int size) {
  return query_in_domain(name, domain, type, [&](const char* n, const char* d) {
    return originals.res_nquerydomain(state, n, d, cls, type, answer, size);
  });
}

// A ready query: its question is in the packet.
template <typename Run>
int send_query(const unsigned char* user_packet, int size, Run run) {
  unsigned char packet[1024];
  if (size < 0 || size > static_cast<int>(sizeof packet) ||
      copy_bytes(packet, user_packet, static_cast<std::size_t>(size)) < 0)
    return refused_query();
  char name[kName];
  int type = 0;
  const std::size_t length = question_of(packet, static_cast<std::size_t>(size), name, sizeof name, type);
  if (length && decide_name({name, length}, type) < 0) return refused_query();
  const LookUp scope(length ? std::string_view(name, length) : std::string_view());
  return run(packet);
}
int hook_res_send(const unsigned char* packet, int size, unsigned char* answer, int room) {
  return send_query(packet, size, [&](const unsigned char* p) { return originals.res_send(p, size, answer, room); });
}
int hook_res_nsend(void* state, const unsigned char* packet, int size, unsigned char* answer, int room) {
  return send_query(packet, size,
                    [&](const unsigned char* p) { return originals.res_nsend(state, p, size, answer, room); });
}

}  // namespace

namespace {

std::string_view type_name(int type) {
  switch (type) {
    case ns_t_a:
      return "A";
    case ns_t_aaaa:
      return "AAAA";
    case ns_t_txt:
      return "TXT";
    case ns_t_mx:
      return "MX";
    case ns_t_ns:
      return "NS";
    case ns_t_cname:
      return "CNAME";
    case ns_t_srv:
      return "SRV";
    case ns_t_ptr:
      return "PTR";
    case ns_t_soa:
      return "SOA";
    case ns_t_any:
      return "ANY";
    default:
      return {};
  }
}

}  // namespace

Operation look_up_operation(std::string_view name, int type) noexcept {
  Operation op{};
  op.resource = AP_OUTBOUND;
  op.kind = AP_RESOLVE;
  op.protocol = AP_PROTO_DNS;
  op.text = str(name);
  if (const std::string_view word = type_name(type); !word.empty()) op.query_type = str(word);
  return op;
}

std::size_t question_of(const unsigned char* packet, std::size_t size, char* name, std::size_t room,
                        int& type) noexcept {
  constexpr std::size_t kHeader = 12;
  if (size < kHeader + 5 || (packet[2] & 0x80) || (packet[4] | packet[5]) == 0) return 0;  // a query with a question
  std::size_t at = kHeader, out = 0;
  while (at < size && packet[at]) {
    const std::size_t label = packet[at++];
    if (label > 63 || at + label > size || out + label + 2 > room) return 0;  // a compressed question: nobody sends one
    if (out) name[out++] = '.';
    for (std::size_t i = 0; i < label; ++i) name[out++] = static_cast<char>(packet[at++]);
  }
  if (at + 5 > size) return 0;
  type = packet[at + 1] << 8 | packet[at + 2];
  name[out] = 0;
  return out;
}

Table<Call> resolve_calls() noexcept {
  static const Call rows[] = {
      {"getaddrinfo", code(hook_getaddrinfo), kNetwork, slot(originals.getaddrinfo)},
      {"getnameinfo", code(hook_getnameinfo), kNetwork, slot(originals.getnameinfo)},
      {"gethostbyname", code(hook_gethostbyname), kNetwork, slot(originals.gethostbyname)},
      {"gethostbyname2", code(hook_gethostbyname2), kNetwork, slot(originals.gethostbyname2)},
      {"gethostbyname_r", code(hook_gethostbyname_r), kNetwork, slot(originals.gethostbyname_r)},
      {"gethostbyname2_r", code(hook_gethostbyname2_r), kNetwork, slot(originals.gethostbyname2_r)},
      {"gethostbyaddr", code(hook_gethostbyaddr), kNetwork, slot(originals.gethostbyaddr)},
      {"gethostbyaddr_r", code(hook_gethostbyaddr_r), kNetwork, slot(originals.gethostbyaddr_r)},
      {"res_query", code(hook_res_query), kNetwork, slot(originals.res_query)},
      {"res_search", code(hook_res_search), kNetwork, slot(originals.res_search)},
      {"res_querydomain", code(hook_res_querydomain), kNetwork, slot(originals.res_querydomain)},
      {"res_send", code(hook_res_send), kNetwork, slot(originals.res_send)},
      {"res_nquery", code(hook_res_nquery), kNetwork, slot(originals.res_nquery)},
      {"res_nsearch", code(hook_res_nsearch), kNetwork, slot(originals.res_nsearch)},
      {"res_nquerydomain", code(hook_res_nquerydomain), kNetwork, slot(originals.res_nquerydomain)},
      {"res_nsend", code(hook_res_nsend), kNetwork, slot(originals.res_nsend)},
      // What <resolv.h> meant by them before glibc 2.34, in libresolv.
      {"__res_query", code(hook_res_query), kNetwork, slot(originals.res_query)},
      {"__res_search", code(hook_res_search), kNetwork, slot(originals.res_search)},
      {"__res_querydomain", code(hook_res_querydomain), kNetwork, slot(originals.res_querydomain)},
      {"__res_send", code(hook_res_send), kNetwork, slot(originals.res_send)},
      {"__res_nquery", code(hook_res_nquery), kNetwork, slot(originals.res_nquery)},
      {"__res_nsearch", code(hook_res_nsearch), kNetwork, slot(originals.res_nsearch)},
      {"__res_nquerydomain", code(hook_res_nquerydomain), kNetwork, slot(originals.res_nquerydomain)},
      {"__res_nsend", code(hook_res_nsend), kNetwork, slot(originals.res_nsend)},
  };
  return table(rows);
}

}  // namespace ap::interpose
