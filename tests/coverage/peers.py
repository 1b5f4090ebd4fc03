# SPDX-License-Identifier: Apache-2.0
"""The other end of every channel to the network: listeners and name servers of the runner, in a network of its own.

    peers.enter_own_network()                    # first thing: the runner goes on in a namespace where it may have one
    with peers.Peers() as peers:
        place = peers.listen(folder)             # a port (TCP and UDP), two unix sockets, an abstract one
        ...
        peers.reached(place)                     # whether anything arrived at any of them
        peers.asked("name.look.example")         # whether a name server of ours was asked for it

In the namespace the loopback device also carries the address of a stranger and those of resolv.conf's name servers:
nothing leaves the machine, and look-ups through the C library can be seen. Without namespaces everything runs on
127.0.0.1, and such look-ups are channels that are not available.
"""

import fcntl
import os
import pathlib
import selectors
import shutil
import socket
import struct
import subprocess
import sys
import threading
import time

STRANGER = "192.0.2.1"
ENTERED = "APP_PROTECT_COVERAGE_NETWORK"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"


def name_servers():
    """The IPv4 name servers that the C library of this machine asks."""
    try:
        lines = pathlib.Path("/etc/resolv.conf").read_text().splitlines()
    except OSError:
        lines = []
    words = [line.split() for line in lines]
    return [w[1] for w in words if len(w) > 1 and w[0] == "nameserver" and ":" not in w[1]] or ["127.0.0.1"]


def enter_own_network():
    """Starts this program again in a network namespace; returns there, or here when there is none to be had."""
    if ENTERED in os.environ:
        if os.environ[ENTERED] == "1":
            _loopback()
        return
    own, mapped = ["unshare", "--net"], ["unshare", "--net", "--user", "--map-root-user"]
    for command in (own, mapped) if os.geteuid() == 0 else (mapped,):
        if shutil.which("unshare") and subprocess.call([*command, "true"], stderr=subprocess.DEVNULL) == 0:
            os.environ[ENTERED] = "1"
            os.execvp(command[0], [*command, "--", sys.executable, *sys.argv])
    os.environ[ENTERED] = "0"


def own_network():
    return os.environ.get(ENTERED) == "1"


def _loopback():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, 0x8914, struct.pack("16sH14x", b"lo", 0x1 | 0x40))  # SIOCSIFFLAGS: up, running
        for number, address in enumerate(sorted({STRANGER, *name_servers()} - {"127.0.0.1"})):
            name = f"lo:{number + 1}".encode()
            for request, value in ((0x8916, address), (0x891C, "255.255.255.255")):  # SIOCSIFADDR, SIOCSIFNETMASK
                packed = struct.pack("16sHH4s8x", name, socket.AF_INET, 0, socket.inet_aton(value))
                fcntl.ioctl(control, request, packed)


class Peers:
    """Sockets of many channels, served by one thread; listen and forget are for any thread."""

    # How long a client that waits for a greeting is kept: it gets none.
    PATIENCE_SEC = 0.1

    def __init__(self):
        self._selector, self._lock = selectors.DefaultSelector(), threading.Lock()
        self._reached, self._asked, self._sockets, self._waiting = set(), set(), {}, {}
        self._partial, self._ending = {}, False
        self.dns_port = self._name_server("127.0.0.1", 0)
        self.name_server = None
        if own_network():
            for address in name_servers():
                self._name_server(address, 53)
            self.name_server = name_servers()[0]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._ending = True
        self._thread.join()
        for each in [*sum(self._sockets.values(), []), *self._waiting]:
            each.close()

    def listen(self, folder):
        """Sockets of one channel; returns what its program has to know."""
        while True:
            stream = socket.socket(socket.AF_INET6)
            stream.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            stream.bind(("::", 0))
            port = stream.getsockname()[1]
            datagrams = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
            datagrams.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            try:
                datagrams.bind(("::", port))
                break
            except OSError:
                stream.close()
                datagrams.close()
        place = {"port": port, "unix": f"{folder}/stream", "unix_datagram": f"{folder}/datagram"}
        with self._lock:
            self._reached.discard(port)
        place["abstract"] = f"coverage-{port}-{os.getpid()}"
        others = [
            (socket.SOCK_STREAM, place["unix"]),
            (socket.SOCK_DGRAM, place["unix_datagram"]),
            (socket.SOCK_STREAM, "\0" + place["abstract"]),
        ]
        for kind, address in others:
            made = socket.socket(socket.AF_UNIX, kind)
            made.bind(address)
            self._add(made, port)
        self._add(stream, port)
        self._add(datagrams, port)
        return place

    def forget(self, place):
        """Closes the sockets of a channel."""
        for made in self._sockets.pop(place["port"], []):
            self._selector.unregister(made)
            made.close()

    def reached(self, place):
        with self._lock:
            return place["port"] in self._reached

    def asked(self, name):
        with self._lock:
            return any(name.lower() in each for each in self._asked)

    def settle(self):
        """Waits until what was sent has been seen."""
        time.sleep(0.15)

    def _add(self, made, port):
        made.setblocking(False)
        if made.type != socket.SOCK_DGRAM:
            made.listen(64)
        self._sockets.setdefault(port, []).append(made)
        self._selector.register(made, selectors.EVENT_READ, ("listener", port))

    def _name_server(self, address, port):
        datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        datagrams.bind((address, port))
        port = datagrams.getsockname()[1]
        stream = socket.socket()
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        stream.bind((address, port))
        stream.listen(16)
        for made in (datagrams, stream):
            made.setblocking(False)
            self._sockets.setdefault("names", []).append(made)
            self._selector.register(made, selectors.EVENT_READ, ("names", None))
        return port

    def _serve(self):
        while not self._ending:
            for key, _ in self._selector.select(0.03):
                try:
                    self._ready(key.fileobj, *key.data)
                except (OSError, ValueError):
                    pass  # gone in the meantime
            for made, until in list(self._waiting.items()):
                if time.monotonic() > until:
                    self._drop(made)

    def _drop(self, made):
        self._waiting.pop(made, None)
        self._partial.pop(made, None)
        self._selector.unregister(made)
        made.close()

    def _ready(self, made, what, port):
        if what in ("listener", "names") and made.type != socket.SOCK_DGRAM:
            peer, _ = made.accept()
            if what == "listener":
                with self._lock:
                    self._reached.add(port)
            peer.setblocking(False)
            self._waiting[peer] = time.monotonic() + (2 if what == "names" else self.PATIENCE_SEC)
            self._selector.register(peer, selectors.EVENT_READ, ("asking" if what == "names" else "talking", port))
        elif what == "listener":
            made.recv(65536)
            with self._lock:
                self._reached.add(port)
        elif what == "names":
            query, client = made.recvfrom(65536)
            made.sendto(self._answer(query), client)
        elif what == "asking":
            more = made.recv(65536)
            query = self._partial.pop(made, b"") + more
            if more and (len(query) < 2 or len(query) - 2 < struct.unpack("!H", query[:2])[0]):
                self._partial[made] = query
                return
            if query:
                answer = self._answer(query[2:])
                made.sendall(struct.pack("!H", len(answer)) + answer)
            self._drop(made)
        else:
            data = made.recv(65536)
            if data[:4] in (b"GET ", b"POST", b"HEAD", b"PUT ", b"CONN"):
                made.sendall(ANSWER)
            self._drop(made)

    def _answer(self, query):
        """Every name has the stranger's address, every address a name."""
        labels, at = [], 12
        try:
            while query[at]:
                labels.append(query[at + 1 : at + 1 + query[at]].decode("ascii", "replace"))
                at += 1 + query[at]
            (kind,) = struct.unpack("!H", query[at + 1 : at + 3])
        except (IndexError, struct.error):
            return b""
        with self._lock:
            self._asked.add(".".join(labels).lower())
        answer = b""
        if kind == 1:
            answer = b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 60, 4) + socket.inet_aton(STRANGER)
        elif kind == 12:
            answer = b"\xc0\x0c" + struct.pack("!HHIH", 12, 1, 60, 5) + b"\x03ptr\x00"
        head = query[:2] + struct.pack("!HHHHH", 0x8180, 1, 1 if answer else 0, 0, 0)
        return head + query[12 : at + 5] + answer
