# SPDX-License-Identifier: Apache-2.0
"""Ways in which Python has a name server asked. `p.name` is a name of this channel alone, `p.strange` an address."""

import os

from .channel import Topic, child_says, forked, in_thread, libc, m

t = Topic("look_ups", "Asking name servers", kind="ask")


def so():
    return m("socket")


t.group("language")
t("getaddrinfo", lambda p: so().getaddrinfo(p.name, 80))
t("getaddrinfo, bytes", lambda p: so().getaddrinfo(p.name.encode(), 80))
t("getaddrinfo, trailing dot", lambda p: so().getaddrinfo(p.name + ".", 80))
t("getaddrinfo, upper case", lambda p: so().getaddrinfo(p.name.upper(), 80))
t("getaddrinfo, service None", lambda p: so().getaddrinfo(p.name, None, 10), several=True)
t("_socket.getaddrinfo", lambda p: m("_socket").getaddrinfo(p.name, 80))
t("gethostbyname", lambda p: so().gethostbyname(p.name))
t("gethostbyname_ex", lambda p: so().gethostbyname_ex(p.name))
t("gethostbyaddr, name", lambda p: so().gethostbyaddr(p.name))
t("gethostbyaddr, address", lambda p: so().gethostbyaddr(p.strange))
t("getfqdn", lambda p: so().getfqdn(p.name))
t("getfqdn, address", lambda p: so().getfqdn(p.strange))
t("getnameinfo", lambda p: so().getnameinfo((p.strange, 80), 0))
t("socket.connect", lambda p: so().socket().connect((p.name, 9)))
t("socket.connect_ex", lambda p: so().socket().connect_ex((p.name, 9)))
t("socket.bind", lambda p: so().socket().bind((p.name, 0)))
t("socket.sendto", lambda p: so().socket(2, 2).sendto(b"x", (p.name, 9)))
t("socket.sendmsg", lambda p: so().socket(2, 2).sendmsg([b"x"], [], 0, (p.name, 9)))
t("_socket.socket.connect", lambda p: m("_socket").socket().connect((p.name, 9)))
t("create_connection", lambda p: so().create_connection((p.name, 9), 1))
t("create_server", lambda p: so().create_server((p.name, 0)))
t("thread", lambda p: in_thread(lambda: so().getaddrinfo(p.name, 80)))
t("asyncio getaddrinfo", lambda p: run(lambda: m("asyncio").get_running_loop().getaddrinfo(p.name, 80)))
t("asyncio getnameinfo", lambda p: run(lambda: m("asyncio").get_running_loop().getnameinfo((p.strange, 80))))
t("asyncio open_connection", lambda p: run(lambda: m("asyncio").open_connection(p.name, 9)))
t("asyncio create_datagram_endpoint", lambda p: run(lambda: endpoint(p)))

t.group("standard library")
t("http.client", lambda p: m("http.client").HTTPConnection(p.name, 9, timeout=1).connect())
t("urllib.request", lambda p: m("urllib.request").urlopen(f"http://{p.name}:9/", timeout=1))
t("urllib file: URL with a host", lambda p: m("urllib.request").urlopen(f"file://{p.name}/etc/hostname"), several=True)
t("ftplib", lambda p: m("ftplib").FTP(p.name, timeout=1))
t("smtplib", lambda p: m("smtplib").SMTP(p.name, 9, timeout=1))
t("poplib", lambda p: m("poplib").POP3(p.name, 9, 1))
t("imaplib", lambda p: m("imaplib").IMAP4(p.name, 9))
t("xmlrpc.client", lambda p: m("xmlrpc.client").ServerProxy(f"http://{p.name}:9/").call())
t("ssl.get_server_certificate", lambda p: m("ssl").get_server_certificate((p.name, 9)))
t("logging SysLogHandler", lambda p: m("logging.handlers").SysLogHandler((p.name, 9)))
t("logging SocketHandler", lambda p: m("logging.handlers").SocketHandler(p.name, 9).makeSocket(1))
t("multiprocessing.connection.Client", lambda p: m("multiprocessing.connection").Client((p.name, 9)))
t("http.server address_string-like getfqdn", lambda p: m("http.server").HTTPServer((p.name, 0), None), several=True)
t("urllib.request.proxy_bypass-like thishost", lambda p: m("urllib.request").ftpwrapper("", "", p.name, 9, [], 1))

t.group("packets by hand")


def query(name, kind=1):
    head = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"
    labels = b"".join(bytes([len(x)]) + x.encode() for x in name.split("."))
    return head + labels + b"\0" + bytes([0, kind, 0, 1])


t("UDP connect, send to the name server", lambda p: datagram(p, "send"))
t("UDP sendto the name server", lambda p: so().socket(2, 2).sendto(query(p.name), (p.name_server, 53)))
t(
    "UDP sendmsg to the name server",
    lambda p: so().socket(2, 2).sendmsg([query(p.name)[:9], query(p.name)[9:]], [], 0, (p.name_server, 53)),
)
t("UDP connect, os.write to the name server", lambda p: datagram(p, "write"))
t("UDP connect, os.writev to the name server", lambda p: datagram(p, "writev"))
t("UDP, TXT question", lambda p: so().socket(2, 2).sendto(query(p.name, 16), (p.name_server, 53)))
t("UDP through makefile", lambda p: datagram(p, "makefile"))
t("TCP to the name server", lambda p: stream(p, "sendall"))
t(
    "TCP to the name server, byte by byte",
    lambda p: stream(p, "bytes"),
    never_granted="a question in pieces cannot be judged",
)
t(
    "TCP to the name server, os.sendfile",
    lambda p: stream(p, "sendfile"),
    never_granted="a question in a file or a pipe cannot be judged",
)
t(
    "TCP to the name server, os.splice",
    lambda p: stream(p, "splice"),
    never_granted="a question in a file or a pipe cannot be judged",
)
t("TCP to the name server, os.pwritev", lambda p: stream(p, "pwritev"))
t("TCP to the name server, ctypes syscall writev", lambda p: stream(p, "syscall"))
t("UDP to a server on another port", lambda p: so().socket(2, 2).sendto(query(p.name), ("127.0.0.1", p.dns_port)))
t("asyncio datagram", lambda p: run(lambda: by_hand(p)))

t.group("below the language")


def text(p):
    return p.name.encode()


def resolver(name, *arguments):
    def call(p):
        answer = m("ctypes").create_string_buffer(1024)
        library = libc()
        names = (name, "__" + name)
        places = (library, m("ctypes").CDLL("libresolv.so.2"))
        function = next(getattr(place, each) for place in places for each in names if hasattr(place, each))
        return function(*(a(p) if callable(a) else a for a in arguments), answer, 1024)

    return call


t("ctypes getaddrinfo", lambda p: libc().getaddrinfo(text(p), None, None, m("ctypes").byref(m("ctypes").c_void_p())))
t("ctypes getaddrinfo_a", lambda p: getaddrinfo_a(p))
t("ctypes gethostbyname", lambda p: libc().gethostbyname(text(p)))
t("ctypes gethostbyname2", lambda p: libc().gethostbyname2(text(p), 2))
t("ctypes gethostbyname_r", lambda p: reentrant("gethostbyname_r", text(p)))
t("ctypes gethostbyname2_r", lambda p: reentrant("gethostbyname2_r", text(p), 2))
t("ctypes gethostbyaddr", lambda p: libc().gethostbyaddr(so().inet_aton(p.strange), 4, 2))
t("ctypes gethostbyaddr_r", lambda p: reentrant("gethostbyaddr_r", so().inet_aton(p.strange), 4, 2))
t("ctypes getnameinfo", lambda p: getnameinfo(p))
t("ctypes res_query", resolver("res_query", text, 1, 1))
t("ctypes res_search", resolver("res_search", text, 1, 1))
t("ctypes res_querydomain", resolver("res_querydomain", text, b"", 1, 1))
t("ctypes res_nquery", resolver("res_nquery", lambda p: state(), text, 1, 1))
t("ctypes res_nsearch", resolver("res_nsearch", lambda p: state(), text, 1, 1))
t("ctypes res_send", resolver("res_send", lambda p: query(p.name), lambda p: len(query(p.name))))
t("ctypes res_nsend", resolver("res_nsend", lambda p: state(), lambda p: query(p.name), lambda p: len(query(p.name))))
t("ctypes sendto the name server", lambda p: c_sendto(p))
t("ctypes syscall sendto the name server", lambda p: c_sendto(p, True))
t("HOSTALIASES", lambda p: host_alias(p), alone=True)
t("LOCALDOMAIN", lambda p: local_domain(p), alone=True)

t.group("children")
t("child: getent hosts", lambda p: child_says(["getent", "hosts", p.name]), several=True)
t("child: getent ahosts", lambda p: child_says(["getent", "ahosts", p.name]))
t(
    "child: Python",
    lambda p: child_says([m("sys").executable, "-c", f"import socket; socket.gethostbyname({p.name!r})"]),
)
t("child: curl", lambda p: child_says(["curl", "-s", "-m", "2", f"http://{p.name}:9/"]), several=True)
t("child: perl", lambda p: child_says(["perl", "-e", f"gethostbyname('{p.name}')"]))
t("child: bash /dev/tcp", lambda p: child_says(["bash", "-c", f"echo > /dev/tcp/{p.name}/9"]))
t("child: bash /dev/udp by hand", lambda p: child_says(["bash", "-c", bash_query(p)]))
t("fork", lambda p: forked(lambda: so().gethostbyname(p.name)))


# --- what they are made of


def run(start):
    async def main():
        await m("asyncio").wait_for(start(), 3)

    m("asyncio").run(main())


async def endpoint(p):
    asyncio = m("asyncio")
    await asyncio.get_running_loop().create_datagram_endpoint(asyncio.DatagramProtocol, remote_addr=(p.name, 9))


async def by_hand(p):
    asyncio = m("asyncio")
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(asyncio.DatagramProtocol, family=2)
    transport.sendto(query(p.name), (p.name_server, 53))
    await asyncio.sleep(0.02)
    transport.close()


def datagram(p, how):
    with so().socket(2, 2) as sock:
        sock.connect((p.name_server, 53))
        if how == "makefile":
            file = sock.makefile("wb", 0)
            return file.write(query(p.name))
        if how == "writev":
            return os.writev(sock.fileno(), [query(p.name)])
        return os.write(sock.fileno(), query(p.name)) if how == "write" else sock.send(query(p.name))


def stream(p, how):
    data = query(p.name)
    data = m("struct").pack("!H", len(data)) + data
    with so().create_connection((p.name_server, 53), 2) as sock:
        sock.setsockopt(so().IPPROTO_TCP, so().TCP_NODELAY, 1)
        if how == "bytes":
            for byte in data:
                sock.sendall(bytes([byte]))
        elif how == "sendfile":
            memory = os.memfd_create("x")
            os.write(memory, data)
            os.sendfile(sock.fileno(), memory, 0, len(data))
        elif how == "pwritev":
            os.pwritev(sock.fileno(), [data], -1)
        elif how == "syscall":
            ctypes = m("ctypes")
            held = ctypes.create_string_buffer(data)
            libc().syscall(20, sock.fileno(), m("struct").pack("QQ", ctypes.addressof(held), len(data)), 1)
        elif how == "splice":
            ours, theirs = os.pipe()
            os.write(theirs, data)
            os.splice(ours, sock.fileno(), len(data))
        else:
            sock.sendall(data)
        sock.recv(512)


def reentrant(name, *arguments):
    ctypes = m("ctypes")
    result, buffer = ctypes.create_string_buffer(64), ctypes.create_string_buffer(2048)
    found, error = ctypes.c_void_p(), ctypes.c_int()
    return getattr(libc(), name)(
        *arguments, result, buffer, ctypes.c_size_t(2048), ctypes.byref(found), ctypes.byref(error)
    )


def getnameinfo(p):
    address = m("struct").pack("!2sH4s8x", b"\2\0", 80, so().inet_aton(p.strange))
    host = m("ctypes").create_string_buffer(256)
    return libc().getnameinfo(address, 16, host, 255, None, 0, 0)


def getaddrinfo_a(p):
    ctypes = m("ctypes")
    name = ctypes.create_string_buffer(text(p))
    entry = ctypes.create_string_buffer(m("struct").pack("QQQQi", ctypes.addressof(name), 0, 0, 0, 0) + bytes(64))
    entries = (ctypes.c_void_p * 1)(ctypes.addressof(entry))
    library = libc()
    function = getattr(library, "getaddrinfo_a", None) or ctypes.CDLL("libanl.so.1").getaddrinfo_a
    return function(0, entries, 1, None)


def state():
    made = m("ctypes").create_string_buffer(1024)
    getattr(libc(), "__res_ninit")(made)
    return made


def c_sendto(p, numbered=False):
    sock = so().socket(2, 2)
    address = m("struct").pack("!2sH4s8x", b"\2\0", 53, so().inet_aton(p.name_server))
    call = libc().syscall if numbered else libc().sendto
    return call(*((44,) if numbered else ()), sock.fileno(), query(p.name), len(query(p.name)), 0, address, 16)


def host_alias(p):
    with open(p.out + "/aliases", "w") as file:
        file.write(f"innocent {p.name}\n")
    os.environ["HOSTALIASES"] = p.out + "/aliases"
    return so().gethostbyname("innocent")


def local_domain(p):
    os.environ["LOCALDOMAIN"] = p.name
    return so().gethostbyname("innocent")


def bash_query(p):
    packed = "".join(f"\\x{byte:02x}" for byte in query(p.name))
    return f"printf '{packed}' > /dev/udp/{p.name_server}/53"
