# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: E501
"""The attack pass. Each way is shown to lead through without us where that can be shown at all, and to be shut under deny."""

import ctypes
import fcntl
import os
import socket
import subprocess
import threading

from harness import Fixture, Listener, Run, Tools, check, policy, skip


def run(fixture, verb, *more, under="deny", **options):
    chosen = fixture.policy(under) if isinstance(under, str) else under
    return Run(verb, fixture.protected, fixture.open, *more, under=chosen, program=Tools.attack, timeout=120, **options)


def holds(title, result, before=None, fixture=None):
    check("attack: " + title, result.status == 0 and result.out.endswith("done") and "BROKEN" not in result.out, result)
    if before is not None:
        check(f"attack: {title}: the protected tree is as it was", fixture.snapshot() == before, result)


class Exchanger:
    """A process without us that exchanges two names as fast as it can (renameat2, RENAME_EXCHANGE)."""

    def __init__(self, a, b):
        self.libc, self.paths, self.going = ctypes.CDLL(None), (a.encode(), b.encode()), True
        self.thread = threading.Thread(target=self.loop)
        self.thread.start()

    def loop(self):
        while self.going:
            self.libc.renameat2(-100, self.paths[0], -100, self.paths[1], 2)

    def end(self):
        self.going = False
        self.thread.join()


def protected_only(fixture):
    return {path: seen for path, seen in fixture.snapshot().items() if path.startswith(fixture.protected)}


def test():
    fixture = Fixture()
    os.symlink("file", fixture.open + "/link")

    plain = run(fixture, "race_path", under=None)
    check("attack: race_path (plain reads the secret)", "BROKEN" in plain.out, plain)
    result = run(fixture, "race_path")
    holds("a path that another thread rewrites", result)
    check("attack: race_path met both", int(result.out.split()[1]) > 0 and result.count("deny") > 0, result)

    before = protected_only(fixture)
    result = run(fixture, "swap_descriptors", under=fixture.policy("deny", read="grant"))
    holds("descriptors of ours that another thread replaces", result)
    check("attack: swap_descriptors changed nothing", protected_only(fixture) == before, result)

    os.mkdir(fixture.open + "/swap")
    with open(fixture.open + "/swap/file", "w") as f:
        f.write("public")
    os.symlink("../protected", fixture.open + "/other")
    before = protected_only(fixture)
    exchanger = Exchanger(fixture.open + "/swap", fixture.open + "/other")
    plain = run(fixture, "race_tree", under=None)
    check("attack: race_tree (plain reads the secret)", "BROKEN" in plain.out, plain)
    before = protected_only(fixture)
    fixture_policy = fixture.policy("deny")
    for _ in range(3):
        result = run(fixture, "race_tree", under=fixture_policy)
        holds("a tree that another process exchanges", result)
    exchanger.end()
    now = protected_only(fixture)
    check(
        "attack: race_tree changed nothing in the protected tree",
        {k: v[:2] + v[6:] for k, v in now.items()} == {k: v[:2] + v[6:] for k, v in before.items()},
        set(now) ^ set(before),
    )

    listener = Listener()
    plain = run(fixture, "race_address", listener.udp2_port, listener.udp_port, under=None)
    check("attack: race_address (plain arrives)", "udp" in listener.taken(20), plain)
    listener = Listener()  # thousands of the plain run's may still be on their way to the first one
    loopback = policy(
        outbound={"action": "deny", "local": "deny", "allowed_domains": [f"127.0.0.1:{listener.udp2_port}"]}
    )
    result = run(fixture, "race_address", listener.udp2_port, listener.udp_port, under=loopback)
    arrived = listener.taken(20)
    holds("an address that another thread rewrites", result)
    check(
        "attack: race_address: only the allowed port was reached",
        "udp2" in arrived and "udp" not in arrived,
        f"{set(arrived)} {result}",
    )

    markers = [fixture.open + "/marker_a", fixture.open + "/marker_b"]
    rules = policy(
        child_processes={"action": "deny", "rules": [{"command": f"^/usr/bin/touch {markers[0]}$", "action": "grant"}]}
    )
    plain = run(fixture, "race_argument", *markers, under=None)
    check("attack: race_argument (plain makes both)", all(os.path.exists(m) for m in markers), plain)
    for marker in markers:
        os.unlink(marker)
    result = run(fixture, "race_argument", *markers, under=rules)
    holds("an argument that another thread rewrites", result)
    check(
        "attack: race_argument: only the granted command ran",
        os.path.exists(markers[0]) and not os.path.exists(markers[1]),
        result,
    )

    # Descriptor 9 is the protected folder.
    low = os.open(fixture.protected, os.O_RDONLY | os.O_DIRECTORY)
    fd = fcntl.fcntl(low, fcntl.F_DUPFD_CLOEXEC, 60)
    os.close(low)
    before = protected_only(fixture)

    def with_nine(under):
        environment = {"PATH": "/usr/bin:/bin"}
        log = "/var/tmp/ap_nine.log"
        if under:
            import json

            environment |= {
                "AP_LIBRARY": Tools.library,
                "TREND_AP_POLICY": json.dumps(under),
                "TREND_AP_EVENT_LOG_FILE": log,
            }
        done = subprocess.run(
            [Tools.attack, "inherited_directory", fixture.protected, fixture.open],
            env=environment,
            # In the child: here a thread that waits in accept() may have taken the number for its next descriptor.
            preexec_fn=lambda: os.dup2(fd, 9),
            close_fds=False,
            capture_output=True,
            text=True,
            timeout=120,
        )
        return done.stdout.strip()

    plain = with_nine(None)
    check("attack: inherited_directory (plain)", "BROKEN" in plain, plain)
    out = with_nine(fixture.policy("deny"))
    check("attack: an inherited folder and dup2", out == "done", out)
    os.close(fd)
    now = protected_only(fixture)
    check(
        "attack: inherited_directory changed nothing",
        {k: v[:2] for k, v in now.items()} == {k: v[:2] for k, v in before.items()},
        set(now) ^ set(before),
    )

    for verb in ("posix_madvise", "remap_libc", "user_dispatch", "fanotify"):
        plain = run(fixture, verb, under=None)
        if "SKIP" in plain.out:
            skip(f"attack: {verb}", plain.out)
            continue
        check(f"attack: {verb} (plain gets through)", "BROKEN" in plain.out, plain)
        result = run(fixture, verb)
        holds(verb, result)
        check(f"attack: {verb} is counted", result.count("deny") > 0, result)
    holds("mq_close (plain closes)", run(fixture, "close_as_queue", under=None))
    result = run(fixture, "close_as_queue")
    holds("mq_close of our descriptors", result)
    check("attack: mq_close does not silence the log", result.count("deny") == 3, result)
    plain = run(fixture, "close_from_in_child", under=None)
    check("attack: a child closes all descriptors (plain reads both)", "secretpublic" in plain.out, plain)
    result = run(fixture, "close_from_in_child", under=fixture.policy("deny", child_processes="grant"))
    check(
        "attack: a child that closes all descriptors in libc stays inside, and runs",
        "public" in result.out and "secret" not in result.out and result.count("deny", "read_write") == 1,
        result,
    )
    for verb in ("restore_libc", "shared_memory_children", "state_calls"):
        plain = run(fixture, verb, under=None)
        check(f"attack: {verb} (plain gets through)", "BROKEN" in plain.out, plain)
        holds(verb, run(fixture, verb))
    for verb in ("thread_table", "small_stacks", "signals", "few_descriptors"):
        holds(verb, run(fixture, verb))

    hits = 0
    for _ in range(12):
        result = run(fixture, "handed_over")
        holds("what children are handed, while another thread writes to it", result)
        hits += int(result.out.split()[3]) if result.out.startswith("ran") else 0
    print(f"attack: {hits} writes came before a seal", flush=True)

    blocked = socket.create_server(("127.0.0.1", 0))
    for under in (None, loopback):
        allowed = policy(
            outbound={"action": "deny", "local": "deny", "allowed_domains": [f"127.0.0.1:{blocked.getsockname()[1]}"]}
        )
        holds(
            f"cancellation {'ours' if under else 'plain'}",
            run(fixture, "cancellation", blocked.getsockname()[1], under=under and allowed),
        )

    result = run(fixture, "flood")
    holds("a flood of denials", result)
    check(
        "attack: each of 200,000 denials is counted",
        result.count("deny") == 200000 and len(result.lines) < 500,
        f"{result.count('deny')} in {len(result.lines)} lines",
    )
    fixture.remove()
