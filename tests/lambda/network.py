# SPDX-License-Identifier: Apache-2.0
"""A network of our own: functions under test run in a network namespace that reaches nothing outside.

Its loopback device carries every address that a test needs: those of resolv.conf (a name server double answers
there), documentation addresses and metadata addresses. So a test can show that a connection or a look-up really
succeeds without us, and that under a policy not one byte of it arrives, and neither ever leaves the machine.

    network = network.shared()             # None where namespaces are not to be had
    with network.listen("192.0.2.1", 443) as peer, network.names({"exfil.example": "192.0.2.1"}) as dns:
        ...
        assert peer.received == [] and dns.queries == []
"""

import array
import atexit
import fcntl
import functools
import json
import os
import pathlib
import shutil
import socket
import struct
import subprocess
import sys
import threading
from typing import Dict, List, Optional


@functools.lru_cache(maxsize=None)
def shared() -> Optional["Network"]:
    """The network for functions that need none of their own; None where the machine does not allow namespaces."""
    network = make()
    if network:
        atexit.register(network.close)
    return network


def make() -> Optional["Network"]:
    """A new network, to be closed by the caller, or None."""
    if not (shutil.which("unshare") and shutil.which("nsenter")):
        return None
    own = ["unshare", "--net"]
    mapped = ["unshare", "--net", "--user", "--map-root-user"]
    for command in (own, mapped) if os.geteuid() == 0 else (mapped,):
        try:
            return Network(command)
        except (OSError, ValueError):
            continue
    return None


def name_servers() -> List[str]:
    """The IPv4 name servers that the C library of this machine asks."""
    found = []
    try:
        for line in pathlib.Path("/etc/resolv.conf").read_text().splitlines():
            words = line.split()
            if len(words) >= 2 and words[0] == "nameserver" and ":" not in words[1]:
                found.append(words[1])
    except OSError:
        pass
    return found or ["127.0.0.1"]


class Network:
    """A network namespace and a helper inside it that makes sockets for us."""

    def __init__(self, unshare):
        self._lock = threading.Lock()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        self._channel = ours
        self._helper = subprocess.Popen(
            [*unshare, "--", sys.executable, __file__, str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        theirs.close()
        try:
            ours.settimeout(10)
            os.close(self._ask({"address": "127.0.0.1"}))
        except (OSError, ValueError):
            self.close()
            raise
        enter = ["nsenter", "--target", str(self._helper.pid), "--net"]
        self.enter = enter + (["--user", "--preserve-credentials", "--"] if "--user" in unshare else ["--"])
        self.enter_mounts = self._with_mounts()

    def _with_mounts(self):
        """`enter`, and a mount namespace of its own below it, from which no mount gets out."""
        # In a chroot whose root is no mount point unshare cannot cut the propagation. There is nothing to cut where the
        # file system that everything lies in is not shared.
        with open("/proc/1/mountinfo") as mounts:
            is_shared = any(" / / " in line and " shared:" in line for line in mounts)
        ways = [["unshare", "--mount"]]
        if not is_shared:
            ways.append(["unshare", "--mount", "--propagation", "unchanged"])
        for way in ways:
            enter = [*self.enter, *way, "--"]
            if subprocess.call([*enter, "true"], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL) == 0:
                return enter
        self.close()
        raise OSError("no mount namespace")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self._channel.close()
        self._helper.kill()
        self._helper.wait()

    def socket(self, address: str, port: int, datagram: bool = False) -> socket.socket:
        """A socket of the namespace, bound (port 0: any) and, for streams, listening."""
        descriptor = self._ask({"address": address, "port": port, "datagram": datagram})
        return socket.socket(fileno=descriptor)

    def listen(self, address: str, port: int = 0, reply: bytes = b"") -> "Peer":
        """A TCP server that keeps what it receives and answers every connection with `reply`."""
        return Peer(self.socket(address, port), reply)

    def listen_datagrams(self, address: str, port: int = 0) -> "Peer":
        """A UDP socket that keeps what it receives."""
        return Peer(self.socket(address, port, datagram=True))

    def names(self, table: Dict[str, str]) -> "NameServer":
        """A name server at the addresses of resolv.conf that knows `table` and keeps the questions."""
        return NameServer([self.socket(address, 53, datagram=True) for address in name_servers()], table)

    def _ask(self, request) -> int:
        with self._lock:
            self._channel.sendall(json.dumps(request).encode() + b"\n")
            data, ancillary, _, _ = self._channel.recvmsg(4096, socket.CMSG_SPACE(4))
        if not ancillary:
            raise ValueError(data.decode() or "the helper in the network namespace ended")
        descriptors = array.array("i")
        descriptors.frombytes(ancillary[0][2][:4])
        return descriptors[0]


class Peer:
    """A server on a thread; `received` holds the bytes of each connection or datagram, in order of arrival."""

    def __init__(self, listener: socket.socket, reply: bytes = b""):
        self.address, self.port = listener.getsockname()[:2]
        self._received: List[bytearray] = []
        self._closed = False
        self._listener = listener
        self._reply = reply
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @classmethod
    def at(cls, address: str, port: int = 0, reply: bytes = b"") -> "Peer":
        """One in the network that this process is in."""
        return cls(socket.create_server((address, port)), reply)

    @property
    def received(self) -> List[bytes]:
        return [bytes(data) for data in self._received]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._closed = True
        _stop(self._listener, self._thread)

    def _serve(self):
        while self._listener.type == socket.SOCK_DGRAM:
            try:
                data = self._listener.recv(65536)
            except OSError:
                return
            if not data and self._closed:
                return
            self._received.append(bytearray(data))
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            data = bytearray()
            self._received.append(data)
            threading.Thread(target=self._talk, args=(connection, data), daemon=True).start()

    def _talk(self, connection, data):
        with connection:
            connection.settimeout(20)
            try:
                if self._reply:
                    data += connection.recv(65536)
                    connection.sendall(self._reply)
                    connection.shutdown(socket.SHUT_WR)
                while True:
                    more = connection.recv(65536)
                    if not more:
                        return
                    data += more
            except OSError:
                pass


def _stop(served: socket.socket, thread: threading.Thread):
    """Wakes the thread that waits on the socket, then frees the port."""
    try:
        served.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass  # a datagram socket says it is not connected, and wakes all the same
    thread.join(5)
    served.close()


class NameServer:
    """A DNS server for A records; every other type of a known name is empty, an unknown name does not exist."""

    def __init__(self, sockets: List[socket.socket], table: Dict[str, str]):
        self._sockets, self._table = sockets, {name.lower(): address for name, address in table.items()}
        self.queries: List[str] = []
        self._threads = [threading.Thread(target=self._serve, args=(each,), daemon=True) for each in sockets]
        for thread in self._threads:
            thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for each, thread in zip(self._sockets, self._threads):
            _stop(each, thread)

    def _serve(self, each):
        while True:
            try:
                query, client = each.recvfrom(4096)
                if not query:
                    return
                each.sendto(self._answer(query), client)
            except OSError:
                return
            except (IndexError, struct.error, UnicodeDecodeError):
                continue

    def _answer(self, query: bytes) -> bytes:
        labels, at = [], 12
        while query[at]:
            labels.append(query[at + 1 : at + 1 + query[at]].decode())
            at += 1 + query[at]
        end = at + 5
        (kind,) = struct.unpack("!H", query[at + 1 : at + 3])
        name = ".".join(labels).lower()
        self.queries.append(name)
        address = self._table.get(name)
        answers = b""
        if address and kind == 1:
            answers = b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 60, 4) + socket.inet_aton(address)
        flags = 0x8180 if address else 0x8183
        return query[:2] + struct.pack("!HHHHH", flags, 1, 1 if answers else 0, 0, 0) + query[12:end] + answers


# -- inside the namespace -----------------------------------------------------------------------------------------


class _Addresses:
    """Puts IPv4 addresses on the loopback device (`lo`, `lo:1`, ...)."""

    def __init__(self):
        self._have = set()

    def add(self, address):
        if address.startswith("127.") or address in self._have:
            return
        name = f"lo:{len(self._have) + 1}"
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
            for request, value in ((0x8916, address), (0x891C, "255.255.255.255")):  # SIOCSIFADDR, SIOCSIFNETMASK
                packed = struct.pack("16sHH4s8x", name.encode(), socket.AF_INET, 0, socket.inet_aton(value))
                fcntl.ioctl(control, request, packed)
        self._have.add(address)

    @staticmethod
    def up():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
            fcntl.ioctl(control, 0x8914, struct.pack("16sH14x", b"lo", 0x1 | 0x40))  # SIOCSIFFLAGS: up, running


def _helper(channel: socket.socket):
    """Answers each line {address, port, datagram} with a socket; ends when the test run does."""
    addresses = _Addresses()
    addresses.up()
    for line in channel.makefile("rb"):
        request = json.loads(line)
        try:
            addresses.add(request["address"])
            kind = socket.SOCK_DGRAM if request.get("datagram") else socket.SOCK_STREAM
            with socket.socket(socket.AF_INET, kind) as made:
                if kind == socket.SOCK_STREAM:
                    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                made.bind((request["address"], request.get("port", 0)))
                if kind == socket.SOCK_STREAM:
                    made.listen(64)
                descriptors = array.array("i", [made.fileno()]).tobytes()
                channel.sendmsg([b"ok"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, descriptors)])
        except OSError as error:
            channel.sendall(f"{request['address']}: {error.strerror}".encode())


if __name__ == "__main__":
    _helper(socket.socket(fileno=int(sys.argv[1])))
