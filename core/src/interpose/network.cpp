// SPDX-License-Identifier: Apache-2.0
//
// Calls that reach out: connect, the send family with an address, bind of a unix path (which makes a file), sockets of
// families whose addresses nothing here can judge. Traffic on a connected socket needs no hook: its connect was
// decided.
#include "interpose/network.hpp"

#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/un.h>

#include <cstddef>
#include <cstring>
#include <utility>

#include "base/syscall.hpp"
#include "base/thread_local.hpp"
#include "interpose/calls.hpp"
#include "interpose/decide.hpp"
#include "interpose/dns_payload.hpp"
#include "interpose/originals.hpp"
#include "interpose/user_memory.hpp"

namespace ap::interpose {
namespace {

AP_THREAD_LOCAL std::string_view look_up;
AP_THREAD_LOCAL bool look_up_refused;

// The calls here are cancellation points in libc; a thread that waits in one must stay cancellable.
class CancellationPoint {
 public:
  CancellationPoint() { pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &before_); }
  ~CancellationPoint() { pthread_setcanceltype(before_, nullptr); }

 private:
  int before_ = 0;
};

template <typename... A>
long waiting_call(long number, A... args) {
  CancellationPoint here;
  return sys::call(number, args...);
}

int fd_of(long word) {
  return static_cast<int>(word);
}

int socket_type(int fd) {
  int type = 0;
  socklen_t size = sizeof type;
  return sys::call(SYS_getsockopt, fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 ? type : 0;
}

// What the resolver's own sockets do: datagrams and streams to name servers, an unconnected datagram socket asking for
// a route.
bool is_resolver_traffic(const Operation& op, int fd, bool sends) {
  if (!LookUp::running()) return false;
  if (op.protocol == AP_PROTO_UNIX) return true;  // nscd, resolved
  return op.port == 53 || (!sends && socket_type(fd) == SOCK_DGRAM);
}

int judge_address(int fd, const Address& address, bool sends, Operation& op, Verdict& verdict) {
  verdict = Verdict{};
  if (!describe(address, sends, op) || is_resolver_traffic(op, fd, sends)) return AP_GRANT;
  judge(op, verdict);
  if (op.port == 53 && verdict.action != AP_DENY) note_name_server();
  if (verdict.action == AP_GRANT) return AP_GRANT;
  if (op.family) {
    const bool datagram = socket_type(fd) == SOCK_DGRAM;
    op.protocol = datagram && op.port == 53 ? AP_PROTO_DNS : datagram ? AP_PROTO_UDP : AP_PROTO_TCP;
  }
  return verdict.action;
}

long decide_address(int fd, const Address& address, bool sends) {
  Operation op;
  Verdict verdict;
  return judge_address(fd, address, sends, op, verdict) == AP_GRANT ? 0 : settle(op, verdict, view(op.text));
}

long do_connect(long fd, long user_address, long size, long, long, long) {
  Address address;
  if (const long r = copy_address(address, reinterpret_cast<const void*>(user_address), static_cast<int>(size)); r < 0)
    return r;
  if (const long refused = decide_address(fd_of(fd), address, false)) return refused;
  return waiting_call(SYS_connect, fd_of(fd), address.bytes, address.size);
}

unsigned port_of(const Address& address) {
  Operation op;
  return describe(address, true, op) ? op.port : 0;
}

long do_sendto(long fd, long data, long size, long flags, long user_address, long address_size) {
  const iovec vector{reinterpret_cast<void*>(data), static_cast<std::size_t>(size)};
  Query query;
  if (!user_address) {
    if (const long refused = decide_payload(fd_of(fd), 0, &vector, 1, query)) return refused;
    return waiting_call(SYS_sendto, fd_of(fd), query.size ? reinterpret_cast<long>(query.bytes) : data, size,
                        static_cast<int>(flags), nullptr, 0);
  }
  Address address;
  if (const long r = copy_address(address, reinterpret_cast<const void*>(user_address), static_cast<int>(address_size));
      r < 0)
    return r;
  if (const long refused = decide_address(fd_of(fd), address, true)) return refused;
  if (const long refused = decide_payload(fd_of(fd), port_of(address), &vector, 1, query)) return refused;
  return waiting_call(SYS_sendto, fd_of(fd), query.size ? reinterpret_cast<long>(query.bytes) : data, size,
                      static_cast<int>(flags), address.bytes, address.size);
}

// Sends on connected sockets: only those to a name server are looked at.
ssize_t hook_send(int fd, const void* data, size_t size, int flags) {
  if (!watches_payload()) return originals.send(fd, data, size, flags);
  return finish(do_sendto(fd, reinterpret_cast<long>(data), static_cast<long>(size), flags, 0, 0));
}
ssize_t hook_write(int fd, const void* data, size_t size) {
  if (!watches_payload()) return originals.write(fd, data, size);
  const iovec vector{const_cast<void*>(data), size};
  Query query;
  if (const long refused = decide_payload(fd, 0, &vector, 1, query)) return finish(refused);
  return originals.write(fd, query.size ? query.bytes : data, size);
}
ssize_t hook_writev(int fd, const iovec* vectors, int count) {
  if (!watches_payload()) return originals.writev(fd, vectors, count);
  Query query;
  if (const long refused = decide_payload(fd, 0, vectors, count > 0 ? static_cast<size_t>(count) : 0, query))
    return finish(refused);
  return query.size ? originals.write(fd, query.bytes, query.size) : originals.writev(fd, vectors, count);
}
long do_write(long fd, long data, long size, long, long, long) {
  const iovec vector{reinterpret_cast<void*>(data), static_cast<std::size_t>(size)};
  Query query;
  if (const long refused = decide_payload(fd_of(fd), 0, &vector, 1, query)) return refused;
  return sys::call(SYS_write, fd_of(fd), query.size ? reinterpret_cast<long>(query.bytes) : data, size);
}

long do_writev(long fd, long vectors, long count, long, long, long) {
  Query query;
  const auto* user = reinterpret_cast<const iovec*>(vectors);
  if (const long refused = decide_payload(fd_of(fd), 0, user, count > 0 ? static_cast<size_t>(count) : 0, query))
    return refused;
  return query.size ? sys::call(SYS_write, fd_of(fd), query.bytes, query.size)
                    : sys::call(SYS_writev, fd_of(fd), vectors, count);
}
// With a position of -1 these write to sockets.
long do_pwritev2(long fd, long vectors, long count, long low, long high, long flags) {
  Query query;
  const auto* user = reinterpret_cast<const iovec*>(vectors);
  if (const long refused = decide_payload(fd_of(fd), 0, user, count > 0 ? static_cast<size_t>(count) : 0, query))
    return refused;
  return query.size ? sys::call(SYS_write, fd_of(fd), query.bytes, query.size)
                    : sys::call(SYS_pwritev2, fd_of(fd), vectors, count, low, high, flags);
}
// libc's form: one word for the position.
long hook_pwritev2(long fd, long vectors, long count, long position, long flags, long) {
  return do_pwritev2(fd, vectors, count, position, 0, flags);
}

// What these send is in a file or a pipe.
long do_sendfile(long to, long from, long offset, long count, long, long) {
  if (const long refused = decide_unseen_payload(fd_of(to))) return refused;
  return sys::call(SYS_sendfile, fd_of(to), fd_of(from), offset, count);
}
long do_splice(long from, long from_offset, long to, long to_offset, long size, long flags) {
  if (const long refused = decide_unseen_payload(fd_of(to))) return refused;
  return sys::call(SYS_splice, fd_of(from), from_offset, fd_of(to), to_offset, size, flags);
}

// The wire has another destination than the address where a source route says so: the first hop's. Nothing that could
// be judged is left then, so the dimension's action decides, as for a socket of a family without addresses.
bool is_source_route(int level, int name) {
  constexpr int kOldHeader = 5, kOldOptions = 6;  // IPV6_2292RTHDR, IPV6_2292PKTOPTIONS
  if (level == IPPROTO_IP) return name == IP_OPTIONS || name == IP_RETOPTS;
  return level == IPPROTO_IPV6 && (name == IPV6_RTHDR || name == kOldHeader || name == kOldOptions);
}
long decide_source_route() {
  Operation op{};
  op.resource = AP_OUTBOUND;
  op.kind = AP_CONNECT;
  return decide(op, {});
}

long do_setsockopt(long fd, long level, long name, long value, long size, long) {
  if (is_source_route(static_cast<int>(level), static_cast<int>(name)) && static_cast<int>(size) > 0)
    if (const long refused = decide_source_route()) return refused;
  return sys::call(SYS_setsockopt, fd_of(fd), static_cast<int>(level), static_cast<int>(name), value,
                   static_cast<int>(size));
}

// A copied message header, its name replaced by a copy, and so the control data of internet sockets.
struct Message {
  msghdr header;
  Address address;
  iovec only;  // in place of the caller's vector, for a copied query
  alignas(cmsghdr) unsigned char control[512];
};

int socket_domain(int fd) {
  int domain = 0;
  socklen_t size = sizeof domain;
  return sys::call(SYS_getsockopt, fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 ? domain : 0;
}

long decide_control(int fd, Message& message) {
  msghdr& header = message.header;
  if (!header.msg_control || !header.msg_controllen) return 0;
  const int domain = socket_domain(fd);
  if (domain != AF_INET && domain != AF_INET6) return 0;
  if (header.msg_controllen > sizeof message.control) return decide_source_route();  // what else needs so much?
  if (copy_bytes(message.control, header.msg_control, header.msg_controllen) < 0) return -EFAULT;
  header.msg_control = message.control;
  // CMSG_NXTHDR by hand: its types, and so its warnings, are not the same in every libc.
  for (std::size_t at = 0; at + sizeof(cmsghdr) <= header.msg_controllen;) {
    cmsghdr part;
    std::memcpy(&part, message.control + at, sizeof part);
    if (part.cmsg_len < sizeof part) break;  // the kernel refuses it
    if (is_source_route(part.cmsg_level, part.cmsg_type)) return decide_source_route();
    at += (part.cmsg_len + sizeof(long) - 1) & ~(sizeof(long) - 1);
  }
  return 0;
}

long decide_message(int fd, Message& message, Query& query) {
  if (const long refused = decide_control(fd, message)) return refused;
  const unsigned port = message.header.msg_name ? port_of(message.address) : 0;
  if (const long refused =
          decide_payload(fd, port, message.header.msg_iov, static_cast<std::size_t>(message.header.msg_iovlen), query))
    return refused;
  if (query.size) {
    message.only = {query.bytes, query.size};
    message.header.msg_iov = &message.only;
    message.header.msg_iovlen = 1;
  }
  return 0;
}

long copy_message(Message& to, const void* from) {
  if (copy_bytes(&to.header, from, sizeof to.header) < 0) return -EFAULT;
  if (!to.header.msg_name) return 0;
  if (to.header.msg_namelen > static_cast<socklen_t>(sizeof to.address.bytes))
    to.header.msg_namelen = sizeof to.address.bytes;  // as the kernel
  if (const long r = copy_address(to.address, to.header.msg_name, static_cast<int>(to.header.msg_namelen)); r < 0)
    return r;
  to.header.msg_name = to.address.bytes;
  return 0;
}

long do_sendmsg(long fd, long user_message, long flags, long, long, long) {
  Message message;
  if (const long r = copy_message(message, reinterpret_cast<const void*>(user_message)); r < 0) return r;
  if (message.header.msg_name)
    if (const long refused = decide_address(fd_of(fd), message.address, true)) return refused;
  Query query;
  if (const long refused = decide_message(fd_of(fd), message, query)) return refused;
  return waiting_call(SYS_sendmsg, fd_of(fd), &message.header, static_cast<int>(flags));
}

long do_sendmmsg(long fd, long user_messages, long count, long flags, long, long) {
  constexpr unsigned kBatch = 8;
  auto* user = reinterpret_cast<mmsghdr*>(user_messages);
  const auto total =
      static_cast<unsigned>(count) > 1024u ? 1024u : static_cast<unsigned>(count);  // UIO_MAXIOV, as the kernel
  unsigned sent = 0;
  while (sent < total) {
    Message messages[kBatch];
    Query queries[kBatch];
    mmsghdr batch[kBatch];
    unsigned ready = 0;
    long trouble = 0;
    for (; ready < kBatch && sent + ready < total; ++ready) {
      Message& message = messages[ready];
      trouble = copy_message(message, &user[sent + ready].msg_hdr);
      Operation op;
      Verdict verdict{};
      if (trouble == 0 && message.header.msg_name &&
          judge_address(fd_of(fd), message.address, true, op, verdict) != AP_GRANT) {
        // What comes before a refused message is sent; the caller asks again for the rest and is refused then.
        if (verdict.action == AP_DENY && sent + ready > 0)
          trouble = -EPERM;
        else
          trouble = settle(op, verdict, view(op.text));
      }
      if (trouble == 0) trouble = decide_message(fd_of(fd), message, queries[ready]);
      if (trouble < 0) break;
      batch[ready] = {message.header, 0};
    }
    if (!ready) return sent ? static_cast<long>(sent) : trouble;
    const long done = waiting_call(SYS_sendmmsg, fd_of(fd), batch, ready, static_cast<int>(flags));
    if (done < 0) return sent ? static_cast<long>(sent) : done;
    for (long i = 0; i < done; ++i)
      if (readable(&user[sent + static_cast<unsigned>(i)].msg_len, sizeof(int)))
        user[sent + static_cast<unsigned>(i)].msg_len = batch[i].msg_len;
    sent += static_cast<unsigned>(done);
    if (trouble < 0 || done < static_cast<long>(ready)) break;
  }
  return sent;
}

// bind of a unix path makes a file.
long do_bind(long fd, long user_address, long size, long, long, long) {
  Address address;
  if (const long r = copy_address(address, reinterpret_cast<const void*>(user_address), static_cast<int>(size)); r < 0)
    return r;
  Operation unix_path{};
  if (address.size > 2 && address.get()->sa_family == AF_UNIX && describe(address, false, unix_path) &&
      unix_path.text.size && unix_path.text.data[0] != '\0') {
    PathBuffer path;
    if (path.assign(view(unix_path.text))) {
      canonical::Entry entry;
      if (canonical::resolve_entry(-100 /* AT_FDCWD */, path, entry) == 0) {
        Operation op = file(AP_FILE_CREATE, entry.path.view());
        if (const long refused = decide(op, path.view())) return refused;
      }
    }
  }
  return sys::call(SYS_bind, fd_of(fd), address.bytes, address.size);
}

// Sockets whose addresses are not judged at connect or send (other families, raw, UDP-Lite, SCTP): decided when they
// are made, as an outbound operation without an address.
bool is_judged_later(int family, int type, int protocol) {
  switch (family) {
    case AF_UNIX:
    case AF_NETLINK:
    case AF_ALG:
      return true;
    case AF_INET:
    case AF_INET6:
      return (type & 0xf) != SOCK_RAW && protocol != IPPROTO_UDPLITE && protocol != IPPROTO_SCTP;
    default:
      return false;
  }
}

long do_socket(long family, long type, long protocol, long, long, long) {
  const long fd = sys::call(SYS_socket, static_cast<int>(family), static_cast<int>(type), static_cast<int>(protocol));
  if (fd < 0 || is_judged_later(static_cast<int>(family), static_cast<int>(type), static_cast<int>(protocol)))
    return fd;
  Operation op{};
  op.resource = AP_OUTBOUND;
  op.kind = AP_CONNECT;
  const long refused = decide(op, {});
  if (refused) sys::call(SYS_close, fd);
  return refused ? refused : fd;
}

}  // namespace

LookUp::LookUp(std::string_view name) noexcept : outer_(look_up) {
  if (name.data()) look_up = name;
  look_up_refused = false;
}
LookUp::~LookUp() {
  look_up = outer_;
}
bool LookUp::refused() const noexcept {
  return look_up_refused;
}
bool LookUp::running() noexcept {
  return look_up.data() != nullptr;
}
std::string_view LookUp::name() noexcept {
  return look_up;
}
bool LookUp::first_refusal() noexcept {
  return !std::exchange(look_up_refused, true);
}

long copy_address(Address& to, const void* from, long size) noexcept {
  if (size < 0 || size > static_cast<long>(sizeof to.bytes)) return -EINVAL;
  to.size = static_cast<unsigned>(size);
  return size ? copy_bytes(to.bytes, from, to.size) : 0;
}

bool describe(const Address& address, bool sends, Operation& op) noexcept {
  op = Operation{};
  op.resource = AP_OUTBOUND;
  op.kind = AP_CONNECT;
  if (address.size < sizeof(sa_family_t)) return false;
  sa_family_t family;
  std::memcpy(&family, address.bytes, sizeof family);
  if (family == AF_UNSPEC) {
    if (!sends) return false;  // a disconnect
    family = AF_INET;          // UDP over IPv4 delivers it
  }
  switch (family) {
    case AF_INET: {
      if (address.size < sizeof(sockaddr_in)) return false;
      sockaddr_in in;
      std::memcpy(&in, address.bytes, sizeof in);
      op.family = 4;
      op.port = ntohs(in.sin_port);
      std::memcpy(op.address, &in.sin_addr, 4);
      return true;
    }
    case AF_INET6: {
      if (address.size < offsetof(sockaddr_in6, sin6_scope_id)) return false;  // 24 bytes are legal (RFC 2133)
      sockaddr_in6 in{};
      std::memcpy(&in, address.bytes, address.size < sizeof in ? address.size : sizeof in);
      op.port = ntohs(in.sin6_port);
      if (IN6_IS_ADDR_V4MAPPED(&in.sin6_addr)) {
        op.family = 4;
        std::memcpy(op.address, in.sin6_addr.s6_addr + 12, 4);
      } else {
        op.family = 6;
        std::memcpy(op.address, &in.sin6_addr, 16);
      }
      return true;
    }
    case AF_UNIX: {
      op.protocol = AP_PROTO_UNIX;
      const char* path = reinterpret_cast<const char*>(address.bytes) + offsetof(sockaddr_un, sun_path);
      const std::size_t room = address.size - offsetof(sockaddr_un, sun_path);
      // An abstract name keeps its leading NUL and all of its bytes.
      op.text = {path, static_cast<uint32_t>(room && *path ? strnlen(path, room) : room)};
      return true;
    }
    case AF_NETLINK:
      return false;
    default:
      return true;  // no address that could be judged: the dimension's action decides
  }
}

Table<Call> network_calls() noexcept {
  static const Call rows[] = {
      {"connect", entry_of<do_connect>(), kNetwork},
      {"sendto", entry_of<do_sendto>(), kNetwork},
      {"sendmsg", entry_of<do_sendmsg>(), kNetwork},
      {"sendmmsg", entry_of<do_sendmmsg>(), kNetwork},
      {"socket", entry_of<do_socket>(), kNetwork},
      {"setsockopt", entry_of<do_setsockopt>(), kNetwork},
      {"bind", entry_of<do_bind>(), kFiles},
      {"send", code(hook_send), kNetwork, slot(originals.send)},
      {"write", code(hook_write), kNetwork, slot(originals.write)},
      {"__write_nocancel", entry_of<do_write>(), kNetwork},  // stdio's, for streams opened with "c"
      {"writev", code(hook_writev), kNetwork, slot(originals.writev)},
      {"pwritev2", entry_of<hook_pwritev2>(), kNetwork},
      {"pwritev64v2", entry_of<hook_pwritev2>(), kNetwork},
      {"sendfile", entry_of<do_sendfile>(), kNetwork},
      {"sendfile64", entry_of<do_sendfile>(), kNetwork},
      {"splice", entry_of<do_splice>(), kNetwork},
  };
  return table(rows);
}

Table<Number> network_numbers() noexcept {
  static const Number rows[] = {
      {SYS_connect, do_connect, kNetwork},   {SYS_sendto, do_sendto, kNetwork},
      {SYS_sendmsg, do_sendmsg, kNetwork},   {SYS_sendmmsg, do_sendmmsg, kNetwork},
      {SYS_write, do_write, kNetwork},       {SYS_socket, do_socket, kNetwork},
      {SYS_bind, do_bind, kFiles},           {SYS_writev, do_writev, kNetwork},
      {SYS_pwritev2, do_pwritev2, kNetwork}, {SYS_setsockopt, do_setsockopt, kNetwork},
      {SYS_sendfile, do_sendfile, kNetwork}, {SYS_splice, do_splice, kNetwork},
  };
  return table(rows);
}

}  // namespace ap::interpose
