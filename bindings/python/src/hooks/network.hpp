// SPDX-License-Identifier: Apache-2.0
//
// Outbound: names before they are looked up, and the peers of connect and send, on the C socket module that ssl,
// asyncio, http.client, urllib and every client library end in.
//
// Hooked: socket.connect, connect_ex, bind, sendto, sendmsg; getaddrinfo, gethostbyname, gethostbyname_ex,
// gethostbyaddr, getnameinfo. A host name inside connect, sendto or bind is judged before its look-up: the event Python
// has comes too late. Left to line 2: other address families, sends on connected sockets, listen and accept.
#pragma once
#include "python.hpp"

namespace ap::python::network {

// Hooks the module `_socket`, loaded now or later.
void install(PyObject* socket_module);

}  // namespace ap::python::network
