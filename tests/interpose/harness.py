# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: E501
"""What the tests of line 2 share: fixtures, policies, runs of the host program, the count of events, a listener."""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time

PASSED, FAILED, SKIPPED = [], [], []


class Tools:
    """Paths of the built programs, set by `run`."""

    host = library = attack = fidelity = None
    root = ""  # another root that the programs run in (tests/machines)
    compiler = ["gcc"]  # for libraries that the programs load
    libraries = "/lib/x86_64-linux-gnu"  # where the programs' own are
    again = []  # the command line of this runner, without the parts
    before_verb = []  # what the host program is told to run, where it is not the verb itself


def check(name, condition, detail=""):
    """Notes one result; prints the failures."""
    (PASSED if condition else FAILED).append(name)
    if not condition:
        print(f"FAILED {name}: {str(detail)[:600]}", flush=True)
    return condition


def skip(name, why):
    SKIPPED.append(name)
    print(f"skipped {name}: {why}", flush=True)


def within_root(cwd=None):
    """What stands before a program that is to run in Tools.root."""
    return ["unshare", f"--root={Tools.root}", f"--wd={cwd or os.getcwd()}"] if Tools.root else []


def compile_library(source, library):
    """Makes a library of C text; whether that could be done."""
    command = [*Tools.compiler, "-shared", "-fPIC", "-x", "c", "-o", library, "-"]
    return subprocess.run(command, input=source, text=True, capture_output=True).returncode == 0


def policy(**parts):
    return {"schema": 1, "name": "interpose_test", **parts}


class Run:
    """One run of a program, under a policy or plain."""

    def __init__(
        self, *argv, under=None, env=None, program=None, timeout=20, cwd=None, language=None, log=None, user=None
    ):
        self.log = log or tempfile.mktemp(prefix="ap_events_", dir="/var/tmp")
        environment = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", **(env or {})}
        if under is not None:
            environment |= {
                "AP_LIBRARY": Tools.library,
                "TREND_AP_POLICY": json.dumps(under),
                "TREND_AP_EVENT_LOG_FILE": self.log,
            }
            if language:
                environment["AP_LANGUAGE"] = language
        done = subprocess.run(
            [*within_root(cwd), program or Tools.host, *([] if program else Tools.before_verb), *map(str, argv)],
            env=environment,
            capture_output=True,
            timeout=timeout,
            cwd=cwd,
            errors="replace",
            stdin=subprocess.DEVNULL,
            user=user,
        )
        self.status, self.out, self.err = done.returncode, done.stdout.strip(), done.stderr.strip()
        self.lines = []
        if os.path.exists(self.log):
            with open(self.log, errors="replace") as lines:
                self.lines = [json.loads(line) for line in lines]
            if not log:
                os.unlink(self.log)
        self.events = [line for line in self.lines if line["policy"] != "agent_health"]
        self.health = [line for line in self.lines if line["policy"] == "agent_health"]

    def count(self, action=None, resource=None):
        return sum(
            e["count"]
            for e in self.events
            if (action is None or e["action"] == action) and (resource is None or e["policy"].startswith(resource))
        )

    def __str__(self):
        events = [f"{e['action']} {e['policy']} {e['info']} x{e['count']}" for e in self.events]
        return f"status {self.status}, out {self.out!r}, err {self.err[-300:]!r}, events {events}, health {[h['info'] for h in self.health]}"


class Fixture:
    """A folder with a protected tree, an open one, and links from the open one into the protected one."""

    def __init__(self):
        self.root = tempfile.mkdtemp(prefix="ap_line2_", dir="/var/tmp")
        os.chmod(self.root, 0o755)
        self.protected, self.open = self.root + "/protected", self.root + "/open"
        self.fill()

    def fill(self):
        for folder in (self.protected, self.open):
            shutil.rmtree(folder, ignore_errors=True)
            os.makedirs(folder + "/dir/sub")
            os.mkdir(folder + "/empty")
            for name in ("file", "file2", "dir/inner"):
                with open(f"{folder}/{name}", "w") as f:
                    f.write("secret" if folder == self.protected else "public")
            with contextlib.suppress(OSError):  # not on every file system
                os.setxattr(folder + "/file", "user.old", b"1")
            os.symlink("file", folder + "/own_link")
        os.symlink("../protected/file", self.open + "/to_file")
        os.symlink("../protected", self.open + "/to_dir")
        os.symlink("../protected/new", self.open + "/to_new")
        os.symlink("to_dir", self.open + "/to_to_dir")

    def snapshot(self):
        """Everything that a guarded call could change, by path. Access times are left out."""
        seen = {}
        for folder, names, files in os.walk(self.root):
            for name in ["."] + names + files:
                path = os.path.join(folder, name)
                st = os.lstat(path)
                content = ""
                if os.path.islink(path):
                    content = os.readlink(path)
                elif os.path.isfile(path):
                    with open(path, "rb") as f:
                        content = f.read()
                attributes = sorted(os.listxattr(path, follow_symlinks=False))
                mtime = st.st_mtime_ns if name != "." and not os.path.isdir(path) else 0
                seen[path] = (st.st_mode, st.st_uid, st.st_gid, st.st_nlink, st.st_size, mtime, content, attributes)
        return seen

    def policy(self, action, read=None, pattern="/**", **more):
        """Both directions of the protected tree have `action`."""
        rule = {"path": self.protected + pattern, "read": read or action, "write": action}
        return policy(files={"tmp": "grant", "application": "grant", "elsewhere": "grant", "rules": [rule]}, **more)

    def remove(self):
        shutil.rmtree(self.root, ignore_errors=True)


class Listener:
    """Takes TCP connections, datagrams and a unix socket on this machine, and remembers what arrived."""

    def __init__(self):
        self.arrived = []
        self.folder = tempfile.mkdtemp(prefix="ap_sock_", dir="/var/tmp")
        self.tcp = socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True)
        try:
            self.tcp.setsockopt(socket.IPPROTO_TCP, 23, 16)  # TCP_FASTOPEN
        except OSError:
            pass
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind(("127.0.0.1", 0))
        self.udp2 = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp2.bind(("127.0.0.1", 0))
        self.unix = socket.socket(socket.AF_UNIX)
        self.path = self.folder + "/s"
        self.unix.bind(self.path)
        self.unix.listen()
        self.port, self.udp_port, self.udp2_port = (s.getsockname()[1] for s in (self.tcp, self.udp, self.udp2))
        for take in (
            self._streams(self.tcp, "tcp"),
            self._streams(self.unix, "unix"),
            self._datagrams(self.udp, "udp"),
            self._datagrams(self.udp2, "udp2"),
        ):
            threading.Thread(target=take, daemon=True).start()

    def _streams(self, server, name):
        def take():
            while True:
                connection, _ = server.accept()
                self.arrived.append(name)
                connection.close()

        return take

    def _datagrams(self, server, name):
        def take():
            while True:
                server.recv(2000)
                self.arrived.append(name)

        return take

    def taken(self, wanted=0):
        """What arrived since the last call; waits for `wanted` arrivals, briefly."""
        limit = time.monotonic() + (1.0 if wanted else 0.03)
        while time.monotonic() < limit and (not wanted or len(self.arrived) < wanted):
            time.sleep(0.005)
        seen, self.arrived[:] = list(self.arrived), []
        return seen
