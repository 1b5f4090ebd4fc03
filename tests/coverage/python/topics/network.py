# SPDX-License-Identifier: Apache-2.0
"""Ways in which Python reaches a socket of somebody else. `p.port` is a listener's, TCP and UDP."""

import os

from .channel import Topic, checked, child_says, forked, in_thread, libc, m

t = Topic("network", "Connecting and sending", kind="send")
HOST = "192.0.2.1"


def talk(sock, address, data=b"x"):
    with sock:
        sock.settimeout(5)
        sock.connect(address)
        sock.sendall(data)


def tcp(family=2):
    return m("socket").socket(family)


def udp(family=2):
    return m("socket").socket(family, 2)


t.group("sockets")
t("connect", lambda p: talk(tcp(), (HOST, p.port)))
t("connect, host as bytes", lambda p: talk(tcp(), (HOST.encode(), p.port)))
t("connect, loopback", lambda p: talk(tcp(), ("127.0.0.1", p.port)))
t("connect, localhost", lambda p: talk(tcp(), ("localhost", p.port)))
t("connect, 127.1", lambda p: talk(tcp(), ("127.1", p.port)))
t("connect, 0.0.0.0", lambda p: talk(tcp(), ("0.0.0.0", p.port)))
t("connect, empty host", lambda p: talk(tcp(), ("", p.port)))
t("connect, decimal address", lambda p: talk(tcp(), ("3221225985", p.port)))
t("connect, hexadecimal address", lambda p: talk(tcp(), ("0xc0000201", p.port)))
t("connect, octal address", lambda p: talk(tcp(), ("0300.0.02.01", p.port)))
t("connect, IPv6", lambda p: talk(tcp(10), ("::1", p.port)))
t("connect, IPv4 in IPv6", lambda p: talk(tcp(10), ("::ffff:" + HOST, p.port)))
t("connect, IPv6 unspecified", lambda p: talk(tcp(10), ("::", p.port)))
t("connect_ex", lambda p: connect_ex(p))
t("connect, not blocking", lambda p: not_blocking(p))
t("connect, saved method through map", lambda p: list(map(tcp().connect, [(HOST, p.port)])))
t("connect, _socket", lambda p: m("_socket").socket().connect((HOST, p.port)))
t("connect, socket subclass", lambda p: type("S", (m("socket").socket,), {})().connect((HOST, p.port)))
t("connect, duplicated descriptor", lambda p: m("socket").socket(fileno=os.dup(tcp().detach())).connect((HOST, p.port)))
t("connect, fromfd", lambda p: fromfd(p))
t("connect, unbound method", lambda p: m("_socket").socket.connect(tcp(), (HOST, p.port)))
t("connect, bound before", lambda p: bound(p))
t("connect, thread", lambda p: in_thread(lambda: talk(tcp(), (HOST, p.port))))
t("connect, __del__", lambda p: in_del(p))
t("create_connection", lambda p: m("socket").create_connection((HOST, p.port), 5).sendall(b"x"))
t("create_connection, source address", lambda p: m("socket").create_connection((HOST, p.port), 5, ("", 0)))
t("MPTCP", lambda p: talk(m("socket").socket(2, 1, 262), (HOST, p.port)))
t("sendto", lambda p: udp().sendto(b"x", (HOST, p.port)))
t("sendto, flags", lambda p: udp().sendto(b"x", 0, (HOST, p.port)))
t("sendto, loopback", lambda p: udp().sendto(b"x", ("127.0.0.1", p.port)))
t("sendto, IPv6", lambda p: udp(10).sendto(b"x", ("::1", p.port)))
t("sendto, IPv4 in IPv6", lambda p: udp(10).sendto(b"x", ("::ffff:" + HOST, p.port)))
t("sendto, broadcast-enabled", lambda p: broadcast(p))
t("sendto, empty datagram", lambda p: udp().sendto(b"", (HOST, p.port)))
t("sendto, MSG_FASTOPEN", lambda p: tcp().sendto(b"x", 0x20000000, (HOST, p.port)))
t("sendto, UDP-Lite", lambda p: m("socket").socket(2, 2, 136).sendto(b"x", (HOST, p.port)))
t("sendto, raw socket", lambda p: raw(p), never_granted="raw sockets are refused under any outbound rule")
t("sendto, packet socket", lambda p: packet(p), never_granted="raw sockets are refused under any outbound rule")
t("sendmsg", lambda p: udp().sendmsg([b"x"], [], 0, (HOST, p.port)))
t("sendmsg, MSG_FASTOPEN", lambda p: tcp().sendmsg([b"x"], [], 0x20000000, (HOST, p.port)))
t("sendmsg, several buffers", lambda p: udp().sendmsg([b"x", b"y"], [], 0, (HOST, p.port)))
t("UDP connect and send", lambda p: connected(p, "send"))
t("UDP connect and os.write", lambda p: connected(p, "write"))
t("UDP connect elsewhere, then sendto", lambda p: elsewhere(p), several=True)
t("unix stream", lambda p: talk(tcp(1), p.unix))
t("unix stream, bytes", lambda p: talk(tcp(1), p.unix.encode()))
t("unix stream, relative", lambda p: (os.chdir(os.path.dirname(p.unix)), talk(tcp(1), "stream")))
t("unix stream, symbolic link", lambda p: (os.symlink(p.unix, p.out + "/l"), talk(tcp(1), p.out + "/l")))
t("unix stream, /proc/self/fd", lambda p: talk(tcp(1), f"/proc/self/fd/{os.open(p.unix, os.O_PATH)}"))
t("unix stream, abstract", lambda p: talk(tcp(1), "\0" + p.abstract))
t("unix connect_ex", lambda p: tcp(1).connect_ex(p.unix))
t("unix datagram", lambda p: udp(1).sendto(b"x", p.unix_datagram))
t("unix datagram, sendmsg", lambda p: udp(1).sendmsg([b"x"], [], 0, p.unix_datagram))
t("unix datagram, connected", lambda p: talk(udp(1), p.unix_datagram))

t.group("asyncio")
t("open_connection", lambda p: run(lambda: m("asyncio").open_connection(HOST, p.port)))
t("loop.create_connection", lambda p: run(lambda: loop().create_connection(protocol(), HOST, p.port)))
t(
    "loop.create_connection, happy eyeballs",
    lambda p: run(lambda: loop().create_connection(protocol(), "localhost", p.port, happy_eyeballs_delay=0.1)),
    several=True,
)
t("loop.sock_connect", lambda p: run(lambda: loop().sock_connect(quiet(tcp()), (HOST, p.port))))
t("loop.sock_sendto", lambda p: run(lambda: loop().sock_sendto(quiet(udp()), b"x", (HOST, p.port))))
t("loop.create_datagram_endpoint, remote", lambda p: run(lambda: datagram(p, True)))
t("loop.create_datagram_endpoint, sendto", lambda p: run(lambda: datagram(p, False)))
t("open_unix_connection", lambda p: run(lambda: m("asyncio").open_unix_connection(p.unix)))
t(
    "selector loop, _sock_connect in a thread",
    lambda p: in_thread(lambda: run(lambda: m("asyncio").open_connection(HOST, p.port))),
)

t.group("protocols")
t("http.client", lambda p: http(p))
t("http.client, tunnel", lambda p: tunnel(p))
t("urllib.request", lambda p: opener().open(f"http://{HOST}:{p.port}/", timeout=5).read())
t("urllib.request, proxy", lambda p: opener(f"http://{HOST}:{p.port}").open("http://name.invalid/", timeout=5).read())
t("urllib.request, http_proxy variable", lambda p: proxied(p))
t("urllib.request, ftp", lambda p: m("urllib.request").urlopen(f"ftp://{HOST}:{p.port}/x", timeout=5), several=True)
t("urllib.request, redirect-less https", lambda p: m("urllib.request").urlopen(f"https://{HOST}:{p.port}/", timeout=5))
t("ssl.wrap_socket and connect", lambda p: tls(p))
t("ssl.get_server_certificate", lambda p: m("ssl").get_server_certificate((HOST, p.port)))
t("ftplib", lambda p: m("ftplib").FTP().connect(HOST, p.port, 5))
t("smtplib", lambda p: m("smtplib").SMTP(HOST, p.port, timeout=5))
t("smtplib SSL", lambda p: m("smtplib").SMTP_SSL(HOST, p.port, timeout=5))
t("poplib", lambda p: m("poplib").POP3(HOST, p.port, 5))
t("imaplib", lambda p: m("imaplib").IMAP4(HOST, p.port))
t("nntplib", lambda p: m("nntplib").NNTP(HOST, p.port, timeout=5))
t("telnetlib", lambda p: m("telnetlib").Telnet(HOST, p.port, 5))
t("xmlrpc.client", lambda p: m("xmlrpc.client").ServerProxy(f"http://{HOST}:{p.port}/").call())
t("urllib.robotparser", lambda p: m("urllib.robotparser").RobotFileParser(f"http://{HOST}:{p.port}/").read())
t("xml.sax with a URL", lambda p: m("xml.sax").parse(f"http://{HOST}:{p.port}/", m("xml.sax").ContentHandler()))
t("logging SocketHandler", lambda p: emit(m("logging.handlers").SocketHandler(HOST, p.port)), several=True)
t("logging DatagramHandler", lambda p: emit(m("logging.handlers").DatagramHandler(HOST, p.port)))
t("logging SysLogHandler", lambda p: emit(m("logging.handlers").SysLogHandler((HOST, p.port))))
t("logging SysLogHandler, unix", lambda p: emit(m("logging.handlers").SysLogHandler(p.unix_datagram)), several=True)
t("logging HTTPHandler", lambda p: emit(m("logging.handlers").HTTPHandler(f"{HOST}:{p.port}", "/")))
t("logging SMTPHandler", lambda p: emit(m("logging.handlers").SMTPHandler((HOST, p.port), "a", "b", "c")))
t("multiprocessing.connection.Client", lambda p: m("multiprocessing.connection").Client((HOST, p.port)))
t("multiprocessing.connection.Client, unix", lambda p: m("multiprocessing.connection").Client(p.unix))
t("multiprocessing manager", lambda p: m("multiprocessing.managers").BaseManager((HOST, p.port), b"x").connect())
t("asyncore", lambda p: m("asyncore").dispatcher(None).create_socket() or asyncore(p))
t("descriptor connected by a child", lambda p: passed(p))

t.group("below the language")


def address(p, host=HOST, family=2):
    return m("struct").pack("!2sH4s8x", m("struct").pack("H", family), p.port, m("socket").inet_aton(host))


t("ctypes connect", lambda p: checked(libc().connect(tcp().detach(), address(p), 16)))
t("ctypes connect, short structure", lambda p: checked(libc().connect(tcp().detach(), address(p)[:16] + bytes(8), 24)))
t("ctypes sendto", lambda p: checked(libc().sendto(udp().detach(), b"x", 1, 0, address(p), 16)))
t("ctypes sendto, AF_UNSPEC", lambda p: checked(libc().sendto(udp().detach(), b"x", 1, 0, address(p, family=0), 16)))
t(
    "ctypes sendto, IPv4 address on IPv6 socket",
    lambda p: checked(libc().sendto(udp(10).detach(), b"x", 1, 0, address(p), 16)),
)
t("ctypes sendmsg", lambda p: sendmsg(p, "sendmsg"))
t("ctypes sendmmsg", lambda p: sendmsg(p, "sendmmsg"))
t("ctypes sendmmsg, the second message", lambda p: second_message(p))
t(
    "ctypes connect, unix",
    lambda p: checked(libc().connect(tcp(1).detach(), b"\1\0" + p.unix.encode(), 2 + len(p.unix))),
)
t("ctypes syscall connect", lambda p: checked(libc().syscall(42, tcp().detach(), address(p), 16)))
t("ctypes syscall sendto", lambda p: checked(libc().syscall(44, udp().detach(), b"x", 1, 0, address(p), 16)))
t("ctypes syscall sendmsg", lambda p: sendmsg(p, 46))
t("ctypes syscall sendmmsg", lambda p: sendmsg(p, 307))
t("ctypes syscall with high bits", lambda p: high_bits(p))
t("ctypes getaddrinfo result connected", lambda p: getaddrinfo(p), several=True)
t("ctypes res_nsend to a server of its own", lambda p: res_send(p), several=True)

t.group("children")
t(
    "child: Python",
    lambda p: child_says([m("sys").executable, "-c", f"import socket; socket.create_connection(({HOST!r}, {p.port}))"]),
)
t("child: bash /dev/tcp", lambda p: child_says(["bash", "-c", f"echo x > /dev/tcp/{HOST}/{p.port}"]))
t("child: bash /dev/udp", lambda p: child_says(["bash", "-c", f"echo x > /dev/udp/{HOST}/{p.port}"]))
t("child: curl", lambda p: child_says(["curl", "-s", "-m", "5", f"http://{HOST}:{p.port}/"]))
t("child: perl", lambda p: child_says(["perl", "-e", f"use IO::Socket; IO::Socket::INET->new('{HOST}:{p.port}')"]))
t("child: env -i perl syscall", lambda p: child_says(["env", "-i", "/usr/bin/perl", "-e", perl_syscall(p)]))
t("fork", lambda p: forked(lambda: talk(tcp(), (HOST, p.port))))
t("multiprocessing spawn", lambda p: process("spawn", p), alone=True)
t("sub-interpreter", lambda p: interpreter(p))


# --- what they are made of


def connect_ex(p):
    with tcp() as sock:
        return sock.connect_ex((HOST, p.port))


def not_blocking(p):
    sock = quiet(tcp())
    try:
        sock.connect((HOST, p.port))
    except BlockingIOError:
        m("select").select([], [sock], [], 5)


def quiet(sock):
    sock.setblocking(False)
    return sock


def fromfd(p):
    with tcp() as made:
        m("socket").fromfd(made.fileno(), 2, 1).connect((HOST, p.port))


def bound(p):
    with tcp() as sock:
        sock.bind(("", 0))
        sock.connect((HOST, p.port))


def in_del(p):
    class Dying:
        def __del__(self):
            try:
                talk(tcp(), (HOST, p.port))
            except OSError:
                pass

    Dying()


def broadcast(p):
    with udp() as sock:
        sock.setsockopt(m("socket").SOL_SOCKET, m("socket").SO_BROADCAST, 1)
        sock.sendto(b"x", (HOST, p.port))


def raw(p):
    # A UDP packet by hand: the runner's listener cannot tell it from another.
    with m("socket").socket(2, 3, 17) as sock:
        sock.sendto(m("struct").pack("!HHHH", 9, p.port, 9, 0) + b"x", (HOST, 0))


def packet(p):
    struct = m("struct")
    inet = m("socket").inet_aton
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 29, 1, 0, 64, 17, 0, inet("127.0.0.1"), inet("127.0.0.1"))
    total = sum(struct.unpack("!10H", head))
    total = ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF
    head = head[:10] + struct.pack("!H", total) + head[12:]
    datagram_bytes = struct.pack("!HHHH", 9, p.port, 9, 0) + b"x"
    with m("socket").socket(17, 2, 0) as sock:
        sock.sendto(head + datagram_bytes, ("lo", 0x0800))


def connected(p, how):
    with udp() as sock:
        sock.connect((HOST, p.port))
        os.write(sock.fileno(), b"x") if how == "write" else sock.send(b"x")


def elsewhere(p):
    with udp() as sock:
        try:
            sock.connect(("127.0.0.1", 9))
        except PermissionError:
            pass
        sock.sendto(b"x", (HOST, p.port))


def loop():
    return m("asyncio").get_running_loop()


def protocol():
    return m("asyncio").Protocol


def run(start):
    async def main():
        await start()
        await m("asyncio").sleep(0.02)

    m("asyncio").run(main())


async def datagram(p, remote):
    asyncio = m("asyncio")
    given = {"remote_addr": (HOST, p.port)} if remote else {"family": 2}
    transport, _ = await loop().create_datagram_endpoint(asyncio.DatagramProtocol, **given)
    transport.sendto(b"x") if remote else transport.sendto(b"x", (HOST, p.port))
    await asyncio.sleep(0.02)
    transport.close()


def http(p):
    connection = m("http.client").HTTPConnection(HOST, p.port, timeout=5)
    connection.request("GET", "/")
    return connection.getresponse().read()


def tunnel(p):
    connection = m("http.client").HTTPSConnection(HOST, p.port, timeout=5)
    connection.set_tunnel("name.invalid", 443)
    connection.connect()


def opener(proxy=None):
    request = m("urllib.request")
    return request.build_opener(request.ProxyHandler({"http": proxy} if proxy else {}))


def proxied(p):
    os.environ["http_proxy"] = f"http://{HOST}:{p.port}"
    try:
        request = m("urllib.request")
        return request.build_opener().open("http://name.invalid/", timeout=5).read()
    finally:
        del os.environ["http_proxy"]


def tls(p):
    ssl = m("ssl")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with context.wrap_socket(tcp()) as sock:
        sock.settimeout(5)
        sock.connect((HOST, p.port))


def emit(handler):
    logging = m("logging")
    logging.raiseExceptions = False
    handler.emit(logging.makeLogRecord({"msg": "x"}))


def asyncore(p):
    made = m("asyncore").dispatcher()
    made.create_socket()
    made.connect((HOST, p.port))


def passed(p):
    socket = m("socket")
    ours, theirs = socket.socketpair()
    text = (
        "import socket, sys, array\n"
        "s = socket.socket(fileno=int(sys.argv[1]))\n"
        f"c = socket.create_connection(({HOST!r}, {p.port}))\n"
        "s.sendmsg([b'x'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', [c.fileno()]))])\n"
    )
    m("subprocess").run([m("sys").executable, "-c", text, str(theirs.fileno())], pass_fds=[theirs.fileno()], stderr=-3)


def message(p):
    ctypes = m("ctypes")
    data, name = ctypes.create_string_buffer(b"x"), ctypes.create_string_buffer(address(p))
    part = ctypes.create_string_buffer(m("struct").pack("QQ", ctypes.addressof(data), 1))
    head = m("struct").pack("QIIQQQQII", ctypes.addressof(name), 16, 0, ctypes.addressof(part), 1, 0, 0, 0, 0)
    return head, (data, name, part)


def sendmsg(p, how):
    head, kept = message(p)
    buffer = m("ctypes").create_string_buffer(head + bytes(16), 72)
    last = (1, 0) if how in ("sendmmsg", 307) else (0,)
    call = libc().syscall if isinstance(how, int) else getattr(libc(), how)
    numbers = (how,) if isinstance(how, int) else ()
    return checked(call(*numbers, udp().detach(), buffer, *last)), kept and None


def second_message(p):
    ctypes = m("ctypes")
    sock = udp()
    second, kept = message(p)
    nowhere = ctypes.create_string_buffer(m("struct").pack("!2sH4s8x", b"\2\0", p.port, b"\x7f\0\0\1"))
    first = m("struct").pack("Q", ctypes.addressof(nowhere)) + second[8:]
    buffer = ctypes.create_string_buffer(first + bytes(8) + second + bytes(8), 128)
    return checked(libc().sendmmsg(sock.detach(), buffer, 2, 0)), kept and None


def high_bits(p):
    ctypes = m("ctypes")
    call = libc().syscall
    call.argtypes = [ctypes.c_ulong, ctypes.c_int, ctypes.c_char_p, ctypes.c_int]
    return checked(call((1 << 32) | 42, tcp().detach(), address(p), 16))


def getaddrinfo(p):
    ctypes, library = m("ctypes"), libc()
    found = ctypes.c_void_p()
    hints = m("struct").pack("iiii", 4, 2, 1, 0) + bytes(32)
    library.getaddrinfo(HOST.encode(), str(p.port).encode(), hints, ctypes.byref(found))
    length, target = m("struct").unpack("I4xQ", ctypes.string_at(found.value + 16, 16))
    return checked(library.connect(tcp().detach(), ctypes.c_void_p(target), length))


def res_send(p):
    # The resolver's own state, pointed at a server of the program's choice.
    ctypes, library = m("ctypes"), libc()
    state = ctypes.create_string_buffer(1024)
    getattr(library, "__res_ninit")(state)
    state[20:36] = address(p)
    answer = ctypes.create_string_buffer(512)
    query = bytes([0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1]) + b"x\4look\7example\0\0\1\0\1"
    struct = m("struct")
    struct.pack_into("i", state, 0, 1)
    struct.pack_into("i", state, 4, 1)
    struct.pack_into("i", state, 16, 1)
    sender = getattr(library, "res_nsend", None) or getattr(library, "__res_nsend")
    return sender(state, query, len(query), answer, 512)


def perl_syscall(p):
    packed = "".join(f"\\\\x{byte:02x}" for byte in address(p)).replace("\\\\", "\\")
    return f'my $a="{packed}"; my $s=syscall(41,2,1,0); syscall(42,$s,$a,16)'


def reach(port):
    m("socket").create_connection((HOST, port), 5).close()


def process(method, p):
    made = m("multiprocessing").get_context(method).Process(target=reach, args=(p.port,))
    made.start()
    made.join()


def interpreter(p):
    try:
        interpreters = m("_interpreters")
    except ImportError:
        interpreters = m("_xxsubinterpreters")
    text = f"import _socket; _socket.socket().connect(({HOST!r}, {p.port}))"
    return interpreters.run_string(interpreters.create(), text)
