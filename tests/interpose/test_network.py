# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: E501
"""Every guarded way out. What counts is what arrives at a listener; look-ups are seen by a name server of our own, in a network
and a mount namespace where resolv.conf points at it (skipped where no namespace can be made)."""

import os
import shutil
import socket
import struct
import subprocess
import sys
import threading

from harness import Listener, Run, Tools, check, policy, skip

# verb, arguments (T a TCP port, U and V two UDP ports, X a unix path), what arrives. U is the one that deny is about.
SENDS = [
    ("connect 127.0.0.1 T", ["tcp"]),
    ("connect_mapped 127.0.0.1 T", ["tcp"]),
    ("connect6 ::1 T", ["tcp"]),
    ("connect6_short ::1 T", ["tcp"]),
    ("connect_any 0.0.0.0 T", ["tcp"]),
    ("connect_mptcp 127.0.0.1 T", ["tcp"]),
    ("connect_unix X", ["unix"]),
    ("connect_udp 127.0.0.1 U", ["udp"]),
    ("sendto 127.0.0.1 U", ["udp"]),
    ("sendto_unspec 127.0.0.1 U", ["udp"]),
    ("sendto_in_on_in6 127.0.0.1 U", ["udp"]),
    ("sendto_fastopen 127.0.0.1 T", ["tcp"]),
    ("sendmsg 127.0.0.1 U", ["udp"]),
    ("sendmmsg 127.0.0.1 U", ["udp"] * 12),
    ("raw_connect 127.0.0.1 T", ["tcp"]),
    ("raw_sendto 127.0.0.1 U", ["udp"]),
    ("raw_sendmsg 127.0.0.1 U", ["udp"]),
]


def outbound(action, allowed=()):
    return policy(outbound={"action": action, "local": action, "allowed_domains": list(allowed)})


def sends(listener):
    names = {"T": listener.port, "U": listener.udp_port, "V": listener.udp2_port, "X": listener.path}
    for line, arrives in SENDS:
        argv = [names.get(word, word) for word in line.split()]
        title = "network: " + line
        plain = Run(*argv)
        if not check(
            title + " (plain arrives)", plain.out.startswith("ok") and listener.taken(len(arrives)) == arrives, plain
        ):
            continue
        run = Run(*argv, under=policy(outbound={"action": "grant"}, files={"tmp": {"write": "deny"}}))
        check(
            title + " (grant)",
            run.out == plain.out and listener.taken(len(arrives)) == arrives and run.count() == 0,
            run,
        )
        run = Run(*argv, under=outbound("observe"))
        check(
            title + " (observe)",
            run.out == plain.out
            and listener.taken(len(arrives)) == arrives
            and run.count("observe", "outbound") == len(arrives),
            run,
        )
        run = Run(*argv, under=outbound("deny"))
        check(
            title + " (deny)", run.out == "EPERM" and listener.taken() == [] and run.count("deny", "outbound") == 1, run
        )

    allowed = [f"127.0.0.1:{listener.udp2_port}"]
    run = Run("sendmmsg", "127.0.0.1", listener.udp_port, listener.udp2_port, under=outbound("deny", allowed))
    check(
        "network: sendmmsg sends what comes before the refused message",
        run.out == "ok 10" and listener.taken(10) == ["udp2"] * 10,
        run,
    )
    run = Run("sendto_connected", "127.0.0.1", listener.udp_port, listener.udp2_port, under=outbound("deny", allowed))
    check(
        "network: a connected socket's sendto elsewhere is refused", run.out == "EPERM" and listener.taken() == [], run
    )
    run = Run("connect", "127.0.0.1", listener.port, under=outbound("deny", [f"127.0.0.1:{listener.port}"]))
    check(
        "network: an allowed address is reached",
        run.out == "ok" and listener.taken(1) == ["tcp"] and run.count() == 0,
        run,
    )

    for verb in ("socket_vsock", "socket_raw", "socket_packet"):
        plain, shut = Run(verb), Run(verb, under=outbound("deny"))
        if plain.out != "ok":
            skip("network: " + verb, plain.out)
        else:
            check(f"network: {verb} is refused under deny", shut.out == "EPERM", shut)
    check("network: io_uring is not offered", Run("io_uring", under=outbound("deny")).out == "ENOSYS")
    check("network: io_uring is there without us", Run("io_uring").out in ("ok", "EPERM"), Run("io_uring"))


# --- look-ups, inside the namespaces -------------------------------------------------------------------------------------------

LOOKUPS = [
    "getaddrinfo N",
    "gethostbyname N",
    "gethostbyname2 N",
    "gethostbyname_r N",
    "gethostbyname2_r N",
    "res_query N",
    "res_search N",
    "res_send N",
    "res_nquery N",
    "res_nsearch N",
    "res_nsend N",
    "res_querydomain first D",
    "getnameinfo R",
    "gethostbyaddr R",
]


class NameServer:
    """Answers every A question with 127.0.0.9, every PTR one with a name; remembers what it was asked."""

    def __init__(self):
        self.asked = []
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.53", 53))
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            query, sender = self.socket.recvfrom(2000)
            name, at = [], 12
            while query[at]:
                name.append(query[at + 1 : at + 1 + query[at]].decode())
                at += query[at] + 1
            kind = struct.unpack("!H", query[at + 1 : at + 3])[0]
            self.asked.append(".".join(name))
            question = query[12 : at + 5]
            data = {1: bytes([10, 11, 12, 13]), 12: b"\x04back\x04test\x00"}.get(kind)
            answer = b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 60, len(data)) + data if data else b""
            self.socket.sendto(
                query[:2] + b"\x81\x80\0\1" + struct.pack("!H", bool(data)) + b"\0\0\0\0" + question + answer, sender
            )

    def taken(self):
        seen, self.asked[:] = list(self.asked), []
        return seen


def lookups():
    server = NameServer()
    names = {"N": "first.test", "D": "test", "R": "10.11.12.13"}
    for line in LOOKUPS:
        argv = [names.get(word, word) for word in line.split()]
        title = "look-ups: " + line
        plain = Run(*argv)
        if not check(title + " (plain asks)", plain.out.startswith("ok") and server.taken(), plain):
            continue
        run = Run(*argv, under=policy(outbound="grant", child_processes="deny"))
        check(title + " (grant)", run.out == plain.out and run.count() == 0 and server.taken(), run)
        run = Run(*argv, under=policy(outbound="observe"))
        check(
            title + " (observe)", run.out == plain.out and run.count("observe", "outbound") == 1 and server.taken(), run
        )
        run = Run(*argv, under=policy(outbound={"action": "deny", "allowed_domains": ["=other.test"]}))
        check(title + " (deny: nothing leaves)", "EPERM" in run.out and server.taken() == [], run)
        check(title + " (deny: counted once)", run.count("deny", "outbound") == 1, run)
        allowed = ["=first.test"] if "R" not in line else ["10.11.12.13"]
        run = Run(*argv, under=policy(outbound={"action": "deny", "allowed_domains": allowed}))
        check(title + " (allowed name)", run.out == plain.out and run.count() == 0 and server.taken(), run)

    # An allowed name's answer opens the address; another address stays shut. (Nobody listens there: refused by the network.)
    under = policy(outbound={"action": "deny", "allowed_domains": ["=first.test"]})
    subprocess.run(["ip", "addr", "add", "10.11.12.13/32", "dev", "lo"], check=True)
    web = socket.create_server(("10.11.12.13", 8080))
    run = Run("getaddrinfo_connect", "first.test", "8080", under=under)
    check("look-ups: the answer of an allowed name may be connected to", run.out == "ok" and run.count() == 0, run)
    run = Run("connect", "10.11.12.13", "8080", under=under)
    check("look-ups: the address alone may not", run.out == "EPERM" and run.count("deny") == 1, run)
    web.close()
    server.taken()

    # A user's alias file, and a search domain of the environment.
    with open("/var/tmp/ap_aliases", "w") as f:
        f.write("first evil.test\n")
    env = {"HOSTALIASES": "/var/tmp/ap_aliases"}
    plain = Run("getaddrinfo", "first", env=env)
    led = "evil.test" in server.taken()
    run = Run("getaddrinfo", "first", under=policy(outbound={"action": "deny", "allowed_domains": ["=first"]}), env=env)
    check(
        "look-ups: HOSTALIASES does not lead an allowed name elsewhere",
        led and "evil.test" not in server.taken() and "EPERM" in run.out,
        f"{plain} {run}",
    )
    plain = Run("getaddrinfo", "first", env={"LOCALDOMAIN": "leak.test"})
    leaked = any(name.endswith("leak.test") for name in server.taken())
    run = Run(
        "getaddrinfo",
        "first",
        env={"LOCALDOMAIN": "leak.test"},
        under=policy(outbound={"action": "deny", "allowed_domains": ["=first"]}),
    )
    asked = server.taken()
    check(
        "look-ups: LOCALDOMAIN does not carry an allowed name elsewhere",
        leaked and not any(name.endswith("leak.test") for name in asked),
        f"{plain} {run} {asked}",
    )

    # Port 53 of the resolver itself, asked by hand.
    query = b"\x12\x34\x01\0\0\1\0\0\0\0\0\0" + b"\x04evil\x04test\0\0\1\0\1"
    aio = (
        "import ctypes; c=ctypes.CDLL(None, use_errno=True); ring=ctypes.c_ulong(); b=ctypes.create_string_buffer(q, len(q))\n"
        " ask=lambda *w: c.syscall(*map(ctypes.c_long, w)) if c is not None else 0\n"
        " n=ask(206, 4, ctypes.addressof(ring))\n"
        " if n: raise OSError(1 if ctypes.get_errno()==38 else ctypes.get_errno(), '')\n"
        " s.connect(a); import struct\n"
        " i=ctypes.create_string_buffer(struct.pack('QIIHhIQQqQII', 0, 0, 0, 1, 0, s.fileno(), ctypes.addressof(b), len(q), 0, 0, 0, 0))\n"
        " p=ctypes.c_void_p(ctypes.addressof(i)); ask(209, ring.value, 1, ctypes.addressof(p))"
    )
    stdio = (
        "import ctypes, os; c=ctypes.CDLL(None, use_errno=True); c.fopen.restype=ctypes.c_void_p\n"
        " s.connect(a); f=ctypes.c_void_p(c.fopen(b'/dev/null', b'wc')); os.dup2(s.fileno(), c.fileno(f)); c.fwrite(q, 1, len(q), f)\n"
        " if c.fflush(f): raise OSError(ctypes.get_errno(), '')"
    )
    hows = (
        "connected",
        "sendto",
        "tcp-like write",
        "sendfile",
        "splice",
        "pwritev2",
        "io_submit",
        "stdio that is no cancellation point",
    )
    for how in hows:
        code = {
            "connected": "s.connect(a); s.send(q)",
            "sendto": "s.sendto(q, a)",
            "tcp-like write": "s.connect(a); import os; os.write(s.fileno(), q)",
            "sendfile": "s.connect(a); import os; f = os.memfd_create('f'); os.write(f, q); os.sendfile(s.fileno(), f, 0, 99)",
            "splice": "s.connect(a); import os; r, w = os.pipe(); os.write(w, q); os.splice(r, s.fileno(), 99)",
            "pwritev2": "s.connect(a); import os; os.pwritev(s.fileno(), [q], -1)",
            "io_submit": aio,
            "stdio that is no cancellation point": stdio,
        }[how]
        script = f"import socket,time; q={query!r}; a=('127.0.0.53', 53); s=socket.socket(2,2)\ntry:\n {code}\nexcept OSError as e: print(e.errno)\ntime.sleep(.1)"
        plain = Run("execvp", "python3", "-c", script)
        check(f"look-ups: a query by hand arrives plain ({how})", "evil.test" in server.taken(), plain)
        run = Run(
            "execvp",
            "python3",
            "-c",
            script,
            under=policy(outbound={"action": "deny", "allowed_domains": ["=first.test"]}, child_processes="grant"),
        )
        check(
            f"look-ups: a query by hand for another name does not leave ({how})",
            "evil.test" not in server.taken() and run.out == "1",
            run,
        )


# Each sends to 10.8.8.8, by way of 10.9.9.9.
SOURCE_ROUTES = {
    "setsockopt": "s.setsockopt(0, 4, route); s.sendto(b'routed', a)",
    "setsockopt and connect": "s.setsockopt(0, 4, route); s.connect(a); s.send(b'routed')",
    "control data": "s.sendmsg([b'routed'], [(0, 7, route)], 0, a)",
    "control data behind other data": "s.sendmsg([b'routed'], [(0, 1, b'\\0\\0\\0\\0'), (0, 7, route)], 0, a)",
    "raw call": "import ctypes; c=ctypes.CDLL(None, use_errno=True); w=[ctypes.c_long(x) for x in (54, s.fileno(), 0, 4)]\n"
    " if c.syscall(*w, route, ctypes.c_long(len(route))): raise OSError(ctypes.get_errno(), '')\n"
    " s.sendto(b'routed', a)",
}


def source_routes():
    """The address that is judged is not the one on the wire."""
    for command in ("route add 10.0.0.0/8 dev lo", "-6 route add fd00::/16 dev lo"):
        subprocess.run(["ip", *command.split()], check=True)
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x800))
    wire.bind(("lo", 0))
    wire.setblocking(False)

    def on_the_wire():
        seen = set()
        while True:
            try:
                packet = wire.recv(2000)
            except BlockingIOError:
                return seen
            if b"routed" in packet:
                seen.add(socket.inet_ntoa(packet[30:34]))

    under = policy(outbound={"action": "deny", "allowed_domains": ["10.8.8.8"]}, child_processes="grant")
    watched = policy(outbound={"action": "observe", "allowed_domains": ["10.8.8.8"]})
    route = bytes([131, 7, 4]) + socket.inet_aton("10.9.9.9") + b"\0"
    for how, code in SOURCE_ROUTES.items():
        script = f"import socket; route={route!r}; a=('10.8.8.8', 9); s=socket.socket(2, 2)\ntry:\n {code}\nexcept OSError as e: print(e.errno)"
        argv = ("execvp", "python3", "-c", script)
        plain = Run(*argv)
        check(f"source route: plain goes another way ({how})", on_the_wire() == {"10.9.9.9"}, plain)
        run = Run(*argv, under=under)
        check(f"source route: refused ({how})", run.out == "1" and not on_the_wire(), run)
        check(f"source route: counted once ({how})", run.count("deny", "outbound") == 1, run)
        run = Run(*argv, under=watched)
        check(
            f"source route: observed ({how})",
            run.count("observe", "outbound") == 1 and on_the_wire() == {"10.9.9.9"},
            run,
        )
    script = "import socket; s=socket.socket(2, 2); s.setsockopt(0, 1, 4); s.sendmsg([b'routed'], [(0, 1, b'\\0\\0\\0\\0')], 0, ('10.8.8.8', 9)); print('sent')"
    run = Run("execvp", "python3", "-c", script, under=under)
    check(
        "source route: other options stay open",
        run.out == "sent" and not run.events and on_the_wire() == {"10.8.8.8"},
        run,
    )


def test():
    if os.environ.get("AP_INSIDE_NAMESPACE"):
        source_routes()
        return lookups()
    sends(Listener())
    probe = ["unshare", "--net", "--mount", "--propagation", "private"]
    if not shutil.which("ip") or subprocess.run([*probe, "true"], capture_output=True).returncode:
        return skip("look-ups", "no network namespace can be made here (needs root and iproute2)")
    prepare = (
        "ip link set lo up && echo 'nameserver 127.0.0.53' > /var/tmp/ap_resolv.conf && echo 'hosts: files dns' > /var/tmp/ap_nsswitch.conf && "
        f'for etc in /etc {Tools.root}/etc; do mount --bind /var/tmp/ap_resolv.conf $etc/resolv.conf && mount --bind /var/tmp/ap_nsswitch.conf $etc/nsswitch.conf || exit; done; exec "$@"'
    )
    done = subprocess.run(
        [
            *probe,
            "sh",
            "-c",
            prepare,
            "sh",
            sys.executable,
            *Tools.again,
            "network",
        ],
        env={**os.environ, "AP_INSIDE_NAMESPACE": "1"},
        capture_output=True,
        text=True,
    )
    *lines, last = done.stdout.strip().split("\n")
    for line in lines:
        if line.startswith("FAILED "):
            print(line)
    words = last.replace(",", "").split()
    if not check("look-ups: ran", words[1:2] == ["passed"], done.stdout + done.stderr):
        return
    from harness import FAILED, PASSED

    PASSED.extend(["look-ups"] * int(words[0]))
    FAILED.extend(["look-ups"] * int(words[2]))
