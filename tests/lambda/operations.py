# SPDX-License-Identifier: Apache-2.0
"""Operations that a policy decides on, each with the effect that shows whether it really happened.

The functions in tasks/ carry them out by name. A `World` is what they act on: servers in a network of its own, a
name server, folders. `happened` looks at the world, never at what the function says.
"""

import contextlib
import pathlib
import shutil
import tempfile
import time
from typing import Callable, Dict, List, NamedTuple

import pytest

import function
import network as networks

TASKS = pathlib.Path(__file__).resolve().parent / "tasks"

# Reserved for documentation (RFC 5737, RFC 2606), and only ever reached inside the private network.
STRANGER = "192.0.2.1"
PARTNER = "198.51.100.7"
NAMES = {"exfil.example": STRANGER, "api.example": PARTNER, "eu.partner.example": PARTNER}
REPLY = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello"


def policy(action: str, **more) -> dict:
    """Everything that the operations below do is under `action`; what the partner and the loopback are for is not."""
    dimension = {"read": "grant", "write": action}
    return {
        "schema": 1,
        "name": "operations",
        "version": 7,
        "outbound": {
            "action": action,
            "allowed_domains": ["=api.example", "*.partner.example", f"{PARTNER}:8443"],
            "local": "grant",
        },
        "files": {
            "tmp": dict(dimension),
            "application": dict(dimension),
            "elsewhere": dict(dimension),
            "rules": [
                {"path": "/var/tmp/app-protect-world-*/secret.txt", "read": action},
                {"path": "/var/tmp/app-protect-world-*/open/**", "write": "grant"},
            ],
        },
        "child_processes": {"action": action, "rules": [{"command": "^/usr/bin/(touch|cat) ", "action": "grant"}]},
        **more,
    }


class World:
    """What the operations act on: servers in a network of its own, and folders.

    Where the machine has no namespaces there are only the folders (`network` is None): whoever asks for a server then
    is skipped, so that no test ever turns to a stranger's address outside.
    """

    def __getattr__(self, name):
        if name in ("stranger", "stranger_udp", "partner", "partner_port", "local", "dns"):
            pytest.skip("needs network namespaces (unshare)")
        raise AttributeError(name)

    def __enter__(self) -> "World":
        self._stack = contextlib.ExitStack()
        try:
            self.network = networks.make()
            if self.network:
                self._serve()
            self.tmp = self._folder("/tmp")
            self.elsewhere = self._folder("/var/tmp")
            (self.elsewhere / "secret.txt").write_text("secret")
            (self.elsewhere / "open").mkdir()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_):
        self._stack.close()

    def _serve(self):
        enter = self._stack.enter_context
        enter(self.network)
        self.stranger = enter(self.network.listen(STRANGER, 80, REPLY))
        self.stranger_udp = enter(self.network.listen_datagrams(STRANGER, 4000))
        self.partner = enter(self.network.listen(PARTNER, 80, REPLY))
        self.partner_port = enter(self.network.listen(PARTNER, 8443, REPLY))
        self.local = enter(self.network.listen("127.0.0.1", 0, REPLY))
        self.dns = enter(self.network.names(NAMES))

    def _folder(self, parent) -> pathlib.Path:
        folder = pathlib.Path(tempfile.mkdtemp(prefix="app-protect-world-", dir=parent)).resolve()
        self._stack.callback(shutil.rmtree, folder, ignore_errors=True)
        return folder

    def seen(self, peer: networks.Peer, text: str) -> bool:
        """Whether the bytes arrived; gives those on their way a moment."""
        return _soon(lambda: any(text.encode() in data for data in peer.received))


def _soon(condition: Callable[[], bool], limit_sec: float = 0.25) -> bool:
    deadline = time.monotonic() + limit_sec
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True


class Operation(NamedTuple):
    """One operation: how to ask for it, how to see it, what its event says.

    `prepare` puts the world in order and returns the arguments of the task's operation; `happened` looks at the
    world. A `granted` operation is one that the policy above lets pass silently whatever the action.
    """

    name: str
    does: str
    prepare: Callable[["World", function.Function], List]
    happened: Callable[["World", function.Function, List], bool]
    event: str = ""  # `policy` of its event
    info: Dict[str, object] = {}  # must be in `info` of its event; "$1" is the first argument
    languages: str = "python node"
    granted: bool = False
    events: int = 1  # how many events it makes when observed (a look-up and a connection are two operations)
    network: bool = False  # needs the world's servers


def _connects(name, does, host, port, peer, granted=False, **more):
    """An operation that sends its own name to a peer."""
    text = f"-{name}-"

    def prepare(world, run):
        assert getattr(world, peer)
        return [host, port(world) if callable(port) else port, text]

    return Operation(
        name,
        does,
        prepare,
        lambda world, run, arguments: world.seen(getattr(world, peer), text),
        network=True,
        event="" if granted else "outbound_data",
        granted=granted,
        **more,
    )


def _looks_up(name, does, host, granted=False, **more):
    def prepare(world, run):
        world.dns.queries.clear()
        return [host]

    return Operation(
        name,
        does,
        prepare,
        lambda world, run, arguments: host in world.dns.queries,
        network=True,
        event="" if granted else "outbound_data",
        granted=granted,
        **more,
    )


def _writes(name, does, where, granted=False, **more):
    """An operation that puts its own name into a file that exists."""

    def prepare(world, run):
        _put(where(world, run) / f"{name}.txt", "before")
        return [str((run.var_task if where is _task else where(world, run)) / f"{name}.txt"), name]

    return Operation(
        name,
        does,
        prepare,
        lambda world, run, arguments: name in (where(world, run) / f"{name}.txt").read_text(),
        event="" if granted else _dimension(where),
        # Opening for writing with O_CREAT is a creation as far as the call says.
        info={"path": "$1", "operation": ("write", "create")} if not granted else {},
        granted=granted,
        **more,
    )


def _put(file: pathlib.Path, text: str):
    """Writes a file of the test's own, also where the deployment package was made read-only."""
    if file.exists():
        file.chmod(0o644)
    file.write_text(text)


def _tmp(world, run):
    return world.tmp


def _task(world, run):
    return run.task_root


def _elsewhere(world, run):
    return world.elsewhere


def _open(world, run):
    return world.elsewhere / "open"


def _dimension(where):
    return {_tmp: "read_write_tmp", _task: "read_write_app", _elsewhere: "read_write_other"}[where]


def _changes(name, does, prepare, happened, info, languages="python node"):
    """An operation on a file in /tmp other than writing to it."""
    return Operation(
        name,
        does,
        lambda world, run: prepare(_fresh(world.tmp / name)),
        lambda world, run, arguments: happened(world.tmp / name),
        event="read_write_tmp",
        info=info,
        languages=languages,
    )


def _fresh(folder: pathlib.Path) -> pathlib.Path:
    """The folder with nothing in it but file.txt."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    (folder / "file.txt").write_text("before")
    (folder / "file.txt").chmod(0o644)
    return folder


def _runs(name, does, arguments, granted=False, **more):
    """An operation that runs a program which creates a file; `{}` stands for the file."""

    def prepare(world, run):
        marker = world.elsewhere / "open" / name
        marker.unlink(missing_ok=True)
        return [text.replace("{}", str(marker)) for text in arguments]

    return Operation(
        name,
        does,
        prepare,
        lambda world, run, arguments: (world.elsewhere / "open" / name).exists(),
        event="" if granted else "create_child_process",
        granted=granted,
        **more,
    )


LITERAL = {"ip": STRANGER, "port": 80, "protocol": "tcp"}

TABLE = [
    # outbound: addresses
    _connects("tcp-literal", "tcp", STRANGER, 80, "stranger", info=LITERAL),
    _connects("http-literal", "http_post", STRANGER, 80, "stranger", info=LITERAL),
    _connects("fetch-literal", "fetch_post", STRANGER, 80, "stranger", info=LITERAL, languages="node"),
    _connects("connect-ex", "tcp_connect_ex", STRANGER, 80, "stranger", info=LITERAL, languages="python"),
    _connects("libc-connect", "tcp_native", STRANGER, 80, "stranger", info=LITERAL, languages="python"),
    _connects("udp", "udp", STRANGER, 4000, "stranger_udp", info={"ip": STRANGER, "port": 4000, "protocol": "udp"}),
    _connects("wrong-port", "tcp", PARTNER, 80, "partner", info={"ip": PARTNER, "port": 80}),
    _connects("allowed-port", "tcp", PARTNER, 8443, "partner_port", granted=True),
    _connects("loopback", "http_post", "127.0.0.1", lambda world: world.local.port, "local", granted=True),
    # outbound: names
    _connects("name", "http_post", "exfil.example", 80, "stranger", info={"host": "exfil.example"}, events=2),
    _connects("allowed-name", "http_post", "api.example", 80, "partner", granted=True),
    _connects("allowed-ending", "tcp", "eu.partner.example", 80, "partner", granted=True),
    _looks_up("look-up", "resolve", "exfil.example"),
    _looks_up("look-up-old", "resolve_old", "exfil.example", languages="python"),
    _looks_up("look-up-callback", "resolve_callback", "exfil.example", languages="node"),
    _looks_up("look-up-c-ares", "resolve_ares", "exfil.example", languages="node"),
    _looks_up("look-up-allowed", "resolve", "api.example", granted=True),
    _looks_up("look-up-allowed-c-ares", "resolve_ares", "api.example", granted=True, languages="node"),
    # files
    _writes("write-tmp", "write", _tmp),
    _writes("append-tmp", "append", _tmp),
    _writes("write-low-tmp", "write_low", _tmp),
    _writes("write-pathlib-tmp", "write_pathlib", _tmp, languages="python"),
    _writes("write-callback-tmp", "write_callback", _tmp, languages="node"),
    _writes("write-promise-tmp", "write_promise", _tmp, languages="node"),
    _writes("write-stream-tmp", "write_stream", _tmp, languages="node"),
    _writes("write-app", "write", _task),
    _writes("write-elsewhere", "write", _elsewhere),
    _writes("write-by-rule", "write", _open, granted=True),
    _changes(
        "create",
        "write",
        lambda folder: [str(folder / "new.txt"), "new"],
        lambda folder: (folder / "new.txt").exists(),
        {"path": "$1"},
    ),
    _changes(
        "remove",
        "remove",
        lambda folder: [str(folder / "file.txt")],
        lambda folder: not (folder / "file.txt").exists(),
        {"path": "$1", "operation": "delete"},
    ),
    _changes(
        "rename",
        "rename",
        lambda folder: [str(folder / "file.txt"), str(folder / "other.txt")],
        lambda folder: (folder / "other.txt").exists(),
        {"path": "$1", "operation": "rename", "to": "$2"},
    ),
    _changes(
        "make-folder",
        "make_folder",
        lambda folder: [str(folder / "sub")],
        lambda folder: (folder / "sub").exists(),
        {"path": "$1"},
    ),
    _changes(
        "link",
        "link",
        lambda folder: [str(folder / "file.txt"), str(folder / "link")],
        lambda folder: (folder / "link").is_symlink(),
        {"operation": "link"},
    ),
    _changes(
        "mode",
        "mode",
        lambda folder: [str(folder / "file.txt")],
        lambda folder: (folder / "file.txt").stat().st_mode & 0o777 == 0o600,
        {"path": "$1", "operation": "metadata"},
    ),
    _changes(
        "cut",
        "cut",
        lambda folder: [str(folder / "file.txt")],
        lambda folder: (folder / "file.txt").stat().st_size == 0,
        {"path": "$1", "operation": "write"},
    ),
    _changes(
        "copy",
        "copy",
        lambda folder: [str(folder / "file.txt"), str(folder / "copy.txt")],
        lambda folder: (folder / "copy.txt").exists(),
        {"path": str},
    ),
    # child processes
    _runs("run", "run", ["/bin/sh", "-c", ": > {}"]),
    _runs("run-shell", "run_shell", [": > {}"]),
    _runs("run-exec", "run_exec", [": > {}"], languages="node"),
    _runs("system", "system", [": > {}"], languages="python"),
    _runs("spawn", "spawn", ["/bin/sh", "-c", ": > {}"]),
    _runs("run-by-path", "run", ["sh", "-c", ": > {}"]),
    _runs("run-granted", "run", ["/usr/bin/touch", "{}"], granted=True),
    _runs("run-granted-by-path", "run", ["touch", "{}"], granted=True),
]


def of(language: str, world: World) -> List[Operation]:
    """The operations that the language has and this world can show."""
    known = [operation for operation in TABLE if language in operation.languages.split()]
    return [operation for operation in known if world.network or not operation.network]


def named(name: str) -> Operation:
    return next(operation for operation in TABLE if operation.name == name)


def about(operation: Operation, arguments: List, event: dict) -> List[str]:
    """What is wrong with the event of an operation; [] when nothing is."""
    wrong = []
    if event["policy"] != operation.event:
        wrong.append(f"policy is {event['policy']}, expected {operation.event}")
    for key, value in operation.info.items():
        if isinstance(value, str) and value.startswith("$"):
            value = arguments[int(value[1:]) - 1]
        allowed = value if isinstance(value, tuple) else (value,)
        if value is not str and event["info"].get(key) not in allowed:
            wrong.append(f"info.{key} is {event['info'].get(key)!r}, expected {value!r}")
    return wrong
