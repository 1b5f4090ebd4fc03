# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: E501, UP022, F541 (programs as text, one per line)
"""Every operation of operations.py: works without us, works and is silent under grant, works and is counted once under observe, is refused
with an ordinary error and counted once under deny. What happened is seen outside the program, not taken from our own report."""

import functools
import json
import os
import pathlib
import socket
import subprocess
import sys
import threading
import zipfile

import operations
import protected
import pytest

KINDS = {
    "read": operations.READS,
    "write": operations.WRITES,
    "spawn": operations.SPAWNS,
    "send": operations.SENDS,
}
EVENT_POLICY = {
    "read": "read_write_tmp",
    "write": "read_write_tmp",
    "spawn": "create_child_process",
    "send": "outbound_data",
}

# What is granted is granted while the hooks are in place: each policy polices something else of its dimension.
OTHER = [{"path": "/nowhere/**", "read": "deny", "write": "deny"}]
POLICIES = {
    ("read", "grant"): {"files": {"tmp": "grant", "rules": OTHER}},
    ("read", "observe"): {"files": {"tmp": "observe"}},
    ("read", "deny"): {"files": {"tmp": "deny"}},
    ("spawn", "grant"): {
        "child_processes": {"action": "grant", "rules": [{"command": "^/nowhere$", "action": "deny"}]}
    },
    ("spawn", "observe"): {"child_processes": {"action": "observe"}},
    ("spawn", "deny"): {"child_processes": {"action": "deny"}},
    ("send", "grant"): {"outbound": {"action": "deny", "local": "grant"}},
    ("send", "observe"): {"outbound": {"action": "observe", "local": "observe"}},
    ("send", "deny"): {"outbound": {"action": "deny", "local": "deny"}},
}
POLICIES.update({("write", mode): POLICIES["read", mode] for mode in ("grant", "observe", "deny")})

# Modules that user code may have loaded before the agent started.
EARLY = ["socket", "ssl", "subprocess", "asyncio", "multiprocessing", "ctypes", "tempfile", "shutil", "http.client"]


class Listener:
    """TCP, UDP and unix sockets of one operation, on this machine, that keep what arrives."""

    def __init__(self, folder):
        self._received, self._sockets, self._lock = b"", [], threading.Lock()
        self.path, self.abstract = str(folder / "sock"), f"{folder.parent.name}-{folder.name}"
        self.port = self._serve(socket.socket(), ("127.0.0.1", 0))[1]
        self._serve(socket.socket(socket.AF_UNIX), self.path)
        self._serve(socket.socket(socket.AF_UNIX), "\0" + self.abstract)
        self.udp_port = self._serve(socket.socket(socket.AF_INET, socket.SOCK_DGRAM), ("127.0.0.1", 0))[1]

    def _serve(self, sock, address):
        sock.bind(address)
        self._sockets.append(sock)
        datagrams = sock.type == socket.SOCK_DGRAM
        if not datagrams:
            sock.listen(64)
        threading.Thread(target=self._datagrams if datagrams else self._accept, args=(sock,), daemon=True).start()
        return sock.getsockname()

    def _keep(self, data):
        with self._lock:
            self._received += data + b"\n"

    def _datagrams(self, sock):
        try:
            while True:
                self._keep(sock.recv(4096))
        except OSError:
            pass

    def _accept(self, sock):
        try:
            while True:
                peer, _ = sock.accept()
                threading.Thread(target=self._stream, args=(peer,), daemon=True).start()
        except OSError:
            pass

    def _stream(self, peer):
        with peer:
            peer.settimeout(10)
            try:
                data = peer.recv(4096)
                self._keep(data)
                if data.startswith(b"GET "):
                    peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
            except OSError:
                pass

    def saw(self, text):
        with self._lock:
            return text.encode() in self._received

    def close(self):
        for sock in self._sockets:
            sock.close()


class Run:
    """One program that did every operation of a kind under one policy."""

    def __init__(self, kind, mode, early, alone):
        rows = [row for row in KINDS[kind] if (row.name == alone if alone else not row.alone)]
        rows = [row for row in rows if operations.has(row.needs)]
        with protected.Folder("/tmp") as tmp, protected.Folder() as home:
            tasks, listeners = {}, {}
            for row in rows:
                d, out = tmp / row.name, home / row.name
                lay_out(d)
                out.mkdir()
                names = dict(d=str(d), out=str(out), name=row.name)
                if kind == "send":
                    listener = listeners[row.name] = Listener(out)
                    names.update(
                        port=listener.port,
                        udp_port=listener.udp_port,
                        unix_path=listener.path,
                        abstract=listener.abstract,
                    )
                tasks[row.name] = {"code": f"token = {row.name.encode()!r}\n{row.code}", "names": names}
            task = {"operations": tasks, "attach": mode != "plain", "preload": EARLY if early else []}
            (home / "task.json").write_text(json.dumps(task))
            policy = None if mode == "plain" else {"schema": 1, "name": "test", **POLICIES[kind, mode]}
            log = home / "events"
            done = subprocess.run(
                [sys.executable, str(pathlib.Path(__file__).with_name("program.py")), str(home / "task.json"), *tasks],
                cwd=home,
                env=protected.environment(policy, log),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                timeout=protected.LIMIT_SEC * 2,
            )
            self.stderr = done.stderr.decode("utf-8", "replace")
            self.status = done.returncode
            self.results = json.loads(done.stdout) if done.stdout.strip() else {}
            self.events = by_operation(log)
            self.happened = {}
            for row in rows:
                value = self.results.get(row.name, {}).get("value")
                self.happened[row.name] = bool(
                    row.happened(value, tmp / row.name, home / row.name, listeners.get(row.name))
                )
            for listener in listeners.values():
                listener.close()


def lay_out(d):
    """The folder of one operation."""
    (d / "sub").mkdir(parents=True)
    (d / "empty").mkdir()
    (d / "data").write_text(operations.SECRET)
    (d / "sub" / "inner").write_text("x")
    (d / "link").symlink_to("data")
    with zipfile.ZipFile(d / "archive.zip", "w") as archive:
        archive.writestr("member", operations.SECRET)


def by_operation(log):
    """The events of each operation, in order; what was folded and written at the end goes to the operation it is about."""
    found, current = {}, None
    for line in log.read_text("utf-8").splitlines():
        entry = json.loads(line)
        if "marker" in entry:
            current = entry["marker"]
        elif entry.get("source") == "appDefender":
            name = current
            if not current:
                text = json.dumps(entry["info"])
                name = next((one for one in found if f"/{one}/" in text or f'/{one}"' in text), "")
            found.setdefault(name, []).append(entry)
        found.setdefault(current, [])
    return found


run = functools.lru_cache(maxsize=None)(Run)


def parameters(*kinds):
    return [
        pytest.param(kind, row, id=f"{kind}-{row.name}", marks=needs(row.needs))
        for kind in kinds
        for row in KINDS[kind]
    ]


def needs(name):
    return pytest.mark.skipif(not operations.has(name), reason=f"this Python has no {name}")


def outcome(kind, mode, row, early=False):
    """(result, happened, events, text for messages) of one operation in one run."""
    done = run(kind, mode, early, row.name if row.alone else None)
    assert row.name in done.results, f"the program ended early: status {done.status}\n{done.stderr[-3000:]}"
    events = done.events.get(row.name, [])
    about = f"{done.results[row.name]}\n" + "\n".join(map(json.dumps, events)) + f"\n{done.stderr[-1500:]}"
    return done.results[row.name], done.happened[row.name], events, about


def counted(events):
    return sum(event["count"] for event in events)


def test_every_operation_is_there():
    if not os.path.exists("/dev/pts/ptmx"):
        pytest.skip("this machine has no /dev/pts: os.forkpty and pty.fork are left out")


@pytest.mark.parametrize("kind, row", parameters(*KINDS))
def test_plain(kind, row):
    result, happened, events, about = outcome(kind, "plain", row)
    assert "error" not in result and happened and events == [], about


@pytest.mark.parametrize("kind, row", parameters(*KINDS))
def test_grant(kind, row):
    result, happened, events, about = outcome(kind, "grant", row)
    assert "error" not in result and happened, about
    assert events == [], about


@pytest.mark.parametrize("kind, row", parameters(*KINDS))
def test_observe(kind, row):
    result, happened, events, about = outcome(kind, "observe", row)
    assert "error" not in result and happened, about
    assert {event["action"] for event in events} == {"observe"}, about
    assert {event["policy"] for event in events} == {EVENT_POLICY[kind]}, about
    assert counted(events) == row.events or (row.events is None and events), about


@pytest.mark.parametrize("early", [False, True], ids=["modules-later", "modules-first"])
@pytest.mark.parametrize("kind, row", parameters(*KINDS))
def test_deny(kind, row, early):
    result, happened, events, about = outcome(kind, "deny", row, early)
    assert not happened, about
    if row.error == "none":
        assert "error" not in result, about
    else:
        names = [name for name, *_ in result["error"]]
        denied = next((entry for entry in result["error"] if entry[0] == "TrendAppProtectDenied"), None)
        assert denied and (row.error == "wrapped" or names[0] == "TrendAppProtectDenied"), about
        _, is_permission_error, errno, text = denied
        assert is_permission_error and errno == 1 and "App Protect denied" in text and "rule" in text, about
    assert {event["action"] for event in events} == {"deny"}, about
    assert {event["policy"] for event in events} == {EVENT_POLICY[kind]}, about
    assert counted(events) == row.events or (row.events is None and events), about
    assert events[0]["line"] == 1 and events[0]["api"] and events[0]["stack"], about
