// SPDX-License-Identifier: Apache-2.0
//
// Queries in what is sent to a name server: the questions are judged, whoever asks. A program with a resolver of its
// own (c-ares, dnspython, sixteen lines of C) must not get a name out that getaddrinfo would have been refused; nor
// must a search domain from the environment carry an allowed name elsewhere.
//
// Costs nothing until something other than libc has opened a socket to port 53; then one getpeername per send or write.
#pragma once
#include <sys/uio.h>

#include <cstddef>
#include <string_view>

#include "guard/operation.hpp"

namespace ap::interpose {

// A copied query. What was judged is what is sent.
struct Query {
  static constexpr std::size_t kRoom = 768;  // a query has a name of 255 bytes and some options
  unsigned char bytes[kRoom];
  std::size_t size = 0;  // 0: no query, the caller's own data goes out
};

// A socket of this process was allowed to reach port 53.
void note_name_server() noexcept;

// Looks at data for `fd`. `port`: of the address that goes along; 0 = the socket is connected. 0, or -EPERM; with
// query.size != 0 the copy must be sent instead of the data.
long decide_payload(int fd, unsigned port, const iovec* user, std::size_t count, Query& query) noexcept;

// The same for what goes to `fd` without being in this process's memory (sendfile, splice): a query cannot be told.
long decide_unseen_payload(int fd) noexcept;

// Whether decide_payload() has anything to do on this thread.
bool watches_payload() noexcept;

// The search domains of resolv.conf, which may be put behind a name. At install: from the file, or as a parent knew
// them (" one two", each with a blank in front; false: too long).
void remember_search_domains() noexcept;
bool remember_search_domains(std::string_view domains) noexcept;
std::string_view known_search_domains() noexcept;

}  // namespace ap::interpose
