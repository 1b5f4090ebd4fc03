# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: E501, UP022, F541 (programs as text, one per line)
"""The operations that a policy speaks about, each as user code would write it, and how to see that it really happened.

`read`: gives `result`, which holds the secret when the operation worked. `write`, `spawn`, `send`: leave something behind.
In the text, `d` is a folder of the operation's own in the dimension that the policy is about (data, link, sub/inner, ...), `out` one
outside every dimension.
"""

import importlib.util
import os
import sys
from typing import Callable, List, NamedTuple, Optional

import pytest

SECRET = "s3cret-content"
VERSION = sys.version_info


def has(name):
    """Whether this Python has the function of that name, such as `os.posix_spawn`."""
    module, _, attribute = name.rpartition(".")
    return hasattr(importlib.import_module(module), attribute)


with_interpreters = pytest.mark.skipif(
    not any(importlib.util.find_spec(name) for name in ("_interpreters", "_xxsubinterpreters")),
    reason="Python code makes no interpreters here",
)


class Operation(NamedTuple):
    name: str
    code: str
    happened: Callable  # (result value or None, folder d, folder out, listener) -> bool
    kind: str  # read | write | spawn | send | look_up
    events: Optional[int] = 1  # operations counted; None: the library makes several of it, at least one
    alone: bool = (
        False  # in a program of its own: equal operations fold, and it names no target that tells it from others
    )
    needs: str = "builtins.open"  # the function that the Python must have
    error: str = "denied"  # what user code sees: denied: our exception · wrapped: the library's, from ours · none: the library's answer


def secret(value, d, out, listener):
    return SECRET in str(value)


def names(value, d, out, listener):
    return "inner" in str(value)


def size(value, d, out, listener):
    return value == len(SECRET)


def present(*parts):
    return lambda value, d, out, listener: d.joinpath(*parts).exists() or d.joinpath(*parts).is_symlink()


def gone(*parts):
    return lambda value, d, out, listener: not d.joinpath(*parts).exists()


def changed(value, d, out, listener):
    return (d / "data").read_text() != SECRET


def marker(value, d, out, listener):
    return (out / "marker").exists()


def received(value, d, out, listener):
    return listener.saw(out.name)


def mode(value, d, out, listener):
    return (d / "data").stat().st_mode & 0o777 == 0o640


READS = [
    Operation("open", "result = open(d + '/data').read()", secret, "read"),
    Operation("open-bytes", "result = open((d + '/data').encode()).read()", secret, "read"),
    Operation("open-path", "import pathlib\nresult = open(pathlib.Path(d, 'data')).read()", secret, "read"),
    Operation(
        "open-own-fspath",
        "class P:\n    def __fspath__(self):\n        return d + '/data'\nresult = open(P()).read()",
        secret,
        "read",
    ),
    Operation(
        "open-str-subclass",
        "class S(str):\n    def __str__(self):\n        return '/etc/hostname'\n    __fspath__ = __str__\nresult = open(S(d + '/data')).read()",
        secret,
        "read",
    ),
    Operation(
        "open-relative",
        "import os\nhere = os.getcwd()\nos.chdir(d)\ntry:\n    result = open('data').read()\nfinally:\n    os.chdir(here)",
        secret,
        "read",
    ),
    Operation("open-dots", "result = open(out + '/../' * 12 + d + '/sub/../data').read()", secret, "read"),
    Operation(
        "open-opener",
        "import os\nresult = open('data', opener=lambda p, f: os.open(p, f, dir_fd=None) if 0 else os.open(d + '/' + p, f)).read()",
        secret,
        "read",
    ),
    Operation("io-FileIO", "import io\nresult = io.FileIO(d + '/data').read().decode()", secret, "read"),
    Operation(
        "io-FileIO-subclass",
        "import io\nclass F(io.FileIO):\n    pass\nresult = F(d + '/data').read().decode()",
        secret,
        "read",
    ),
    Operation(
        "io-open_code",
        "import io\nresult = io.open_code(d + '/data').read().decode()",
        secret,
        "read",
        needs="io.open_code",
    ),
    Operation("_pyio", "import _pyio\nresult = _pyio.open(d + '/data').read()", secret, "read"),
    Operation(
        "os-open",
        "import os\nf = os.open(d + '/data', os.O_RDONLY)\nresult = os.read(f, 99).decode()\nos.close(f)",
        secret,
        "read",
    ),
    Operation(
        "os-open-keywords",
        "import os\nf = os.open(flags=os.O_RDONLY, path=d + '/data')\nresult = os.read(f, 99).decode()\nos.close(f)",
        secret,
        "read",
    ),
    Operation(
        "posix-open",
        "import posix\nf = posix.open(d + '/data', 0)\nresult = posix.read(f, 99).decode()\nposix.close(f)",
        secret,
        "read",
    ),
    Operation("pathlib-read_text", "import pathlib\nresult = pathlib.Path(d, 'data').read_text()", secret, "read"),
    Operation("codecs-open", "import codecs\nresult = codecs.open(d + '/data', 'r', 'utf-8').read()", secret, "read"),
    Operation("fileinput", "import fileinput\nresult = ''.join(fileinput.input([d + '/data']))", secret, "read"),
    Operation(
        "mmap",
        "import mmap\nwith open(d + '/data', 'rb') as f:\n    result = mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ)[:].decode()",
        secret,
        "read",
    ),
    Operation(
        "linecache",
        "import linecache\nresult = linecache.getline(d + '/data', 1)",
        secret,
        "read",
        events=None,
        error="none",
    ),
    Operation(
        "zipfile",
        "import zipfile\nresult = zipfile.ZipFile(d + '/archive.zip').read('member').decode()",
        secret,
        "read",
    ),
    Operation(
        "shutil-copyfile-from",
        "import shutil\nshutil.copyfile(d + '/data', out + '/copy')\nresult = open(out + '/copy').read()",
        secret,
        "read",
        events=None,
    ),
    Operation(
        "thread",
        "import threading\ngot = []\ndef work():\n    try:\n        got.append(open(d + '/data').read())\n    except OSError as error:\n        got.append(error)\nt = threading.Thread(target=work)\nt.start()\nt.join()\nif isinstance(got[0], BaseException):\n    raise got[0]\nresult = got[0]",
        secret,
        "read",
    ),
    Operation(
        "executor",
        "from concurrent.futures import ThreadPoolExecutor\nwith ThreadPoolExecutor(1) as pool:\n    result = pool.submit(lambda: open(d + '/data').read()).result()",
        secret,
        "read",
    ),
    Operation(
        "asyncio-executor",
        "import asyncio\nasync def main():\n    return await asyncio.get_running_loop().run_in_executor(None, lambda: open(d + '/data').read())\nresult = asyncio.run(main())",
        secret,
        "read",
    ),
    Operation(
        "partial-map",
        "import functools\nresult = ''.join(f.read() for f in map(functools.partial(open, mode='r'), [d + '/data']))",
        secret,
        "read",
    ),
    Operation("os-listdir", "import os\nresult = os.listdir(d + '/sub')", names, "read"),
    Operation(
        "os-listdir-bytes", "import os\nresult = [n.decode() for n in os.listdir((d + '/sub').encode())]", names, "read"
    ),
    Operation("os-scandir", "import os\nresult = [e.name for e in os.scandir(d + '/sub')]", names, "read"),
    Operation("os-walk", "import os\nresult = [str(x) for x in os.walk(d + '/sub')]", names, "read", error="none"),
    Operation("glob", "import glob\nresult = glob.glob(d + '/sub/*')", names, "read", error="none"),
    Operation(
        "pathlib-iterdir", "import pathlib\nresult = [p.name for p in pathlib.Path(d, 'sub').iterdir()]", names, "read"
    ),
    Operation("os-stat", "import os\nresult = os.stat(d + '/data').st_size", size, "read"),
    Operation(
        "os-stat-dir_fd",
        "import os\nf = os.open(out, os.O_RDONLY)\nresult = os.stat('../' * 12 + d[1:] + '/data', dir_fd=f).st_size",
        size,
        "read",
    ),
    Operation("os-lstat", "import os\nresult = os.lstat(d + '/data').st_size", size, "read"),
    Operation("os-path-getsize", "import os\nresult = os.path.getsize(d + '/data')", size, "read"),
    Operation(
        "os-path-exists",
        "import os\nresult = os.path.exists(d + '/data')",
        lambda v, *_: v is True,
        "read",
        error="none",
    ),
    Operation(
        "os-access",
        "import os\nresult = os.access(d + '/data', os.R_OK)",
        lambda v, *_: v is True,
        "read",
        error="none",
    ),
    Operation("os-readlink", "import os\nresult = os.readlink(d + '/link')", lambda v, *_: v == "data", "read"),
    Operation(
        "os-getxattr", "import os\nresult = os.listxattr(d + '/data')", lambda v, *_: isinstance(v, list), "read"
    ),
    Operation("os-statvfs", "import os\nresult = os.statvfs(d + '/data').f_bsize", lambda v, *_: bool(v), "read"),
]

WRITES = [
    Operation("open-w", "open(d + '/new', 'w').close()", present("new"), "write"),
    Operation("open-a", "with open(d + '/data', 'a') as f:\n    f.write('x')", changed, "write"),
    Operation("open-x", "open(d + '/new', 'x').close()", present("new"), "write"),
    Operation("open-r+", "with open(d + '/data', 'r+') as f:\n    f.write('x')", changed, "write"),
    Operation(
        "os-open-create", "import os\nos.close(os.open(d + '/new', os.O_CREAT | os.O_WRONLY))", present("new"), "write"
    ),
    Operation(
        "os-open-truncate", "import os\nos.close(os.open(d + '/data', os.O_TRUNC | os.O_WRONLY))", changed, "write"
    ),
    Operation("pathlib-write_text", "import pathlib\npathlib.Path(d, 'new').write_text('x')", present("new"), "write"),
    Operation("pathlib-touch", "import pathlib\npathlib.Path(d, 'new').touch(exist_ok=False)", present("new"), "write"),
    Operation("os-mkdir", "import os\nos.mkdir(d + '/new')", present("new"), "write"),
    Operation("os-rmdir", "import os\nos.rmdir(d + '/empty')", gone("empty"), "write"),
    Operation("os-unlink", "import os\nos.unlink(d + '/data')", gone("data"), "write"),
    Operation(
        "os-remove-dir_fd",
        "import os\nf = os.open(out, os.O_RDONLY)\nos.remove('../' * 12 + d[1:] + '/data', dir_fd=f)",
        gone("data"),
        "write",
    ),
    Operation("os-rename", "import os\nos.rename(d + '/data', d + '/new')", present("new"), "write"),
    Operation(
        "os-rename-into",
        "import os\nopen(out + '/given', 'w').close()\nos.rename(out + '/given', d + '/new')",
        present("new"),
        "write",
    ),
    Operation("os-replace", "import os\nos.replace(d + '/data', d + '/new')", present("new"), "write"),
    Operation("os-link", "import os\nos.link(d + '/data', d + '/new')", present("new"), "write"),
    Operation(
        "os-link-out",
        "import os\nos.link(d + '/data', out + '/new')",
        lambda v, d, out, _: (out / "new").exists(),
        "write",
    ),
    Operation("os-symlink", "import os\nos.symlink('anything', d + '/new')", present("new"), "write"),
    Operation("os-truncate", "import os\nos.truncate(d + '/data', 0)", changed, "write"),
    Operation("os-chmod", "import os\nos.chmod(d + '/data', 0o640)", mode, "write"),
    Operation(
        "os-utime",
        "import os\nos.utime(d + '/data', (1, 1))",
        lambda v, d, *_: (d / "data").stat().st_mtime == 1,
        "write",
    ),
    Operation("os-mkfifo", "import os\nos.mkfifo(d + '/new')", present("new"), "write"),
    Operation("os-mknod", "import os\nos.mknod(d + '/new')", present("new"), "write"),
    Operation(
        "shutil-copyfile-to",
        "import shutil\nopen(out + '/given', 'w').close()\nshutil.copyfile(out + '/given', d + '/new')",
        present("new"),
        "write",
        events=None,
    ),
    Operation(
        "tempfile-mkstemp",
        "import os, tempfile\nf, name = tempfile.mkstemp(dir=d, prefix='new')\nos.close(f)",
        lambda v, d, *_: any(p.name.startswith("new") for p in d.iterdir()),
        "write",
    ),
    Operation(
        "tempfile-mkdtemp",
        "import tempfile\ntempfile.mkdtemp(dir=d, prefix='new')",
        lambda v, d, *_: any(p.name.startswith("new") for p in d.iterdir()),
        "write",
    ),
    Operation(
        "logging-FileHandler", "import logging\nh = logging.FileHandler(d + '/new')\nh.close()", present("new"), "write"
    ),
    Operation(
        "unix-socket-bind",
        "import socket\nwith socket.socket(socket.AF_UNIX) as s:\n    s.bind(d + '/new')",
        present("new"),
        "write",
    ),
]

SPAWNS = [
    Operation(
        "subprocess-run",
        "import subprocess\nsubprocess.run(['/bin/sh', '-c', 'echo x > ' + out + '/marker'], check=True)",
        marker,
        "spawn",
    ),
    Operation(
        "subprocess-touch", "import subprocess\nsubprocess.run(['touch', out + '/marker'], check=True)", marker, "spawn"
    ),
    Operation(
        "subprocess-shell",
        "import subprocess\nsubprocess.run('echo x > ' + out + '/marker', shell=True, check=True)",
        marker,
        "spawn",
    ),
    Operation(
        "subprocess-check_output",
        "import subprocess\nsubprocess.check_output(['touch', out + '/marker'])",
        marker,
        "spawn",
    ),
    Operation(
        "subprocess-preexec",
        "import subprocess\nsubprocess.run(['touch', out + '/marker'], preexec_fn=lambda: None)",
        marker,
        "spawn",
    ),
    Operation(
        "subprocess-cwd-env",
        "import subprocess\nsubprocess.run(['touch', 'marker'], cwd=out, env={}, close_fds=False)",
        marker,
        "spawn",
    ),
    Operation("os-system", "import os\nos.system('echo x > ' + out + '/marker')", marker, "spawn"),
    Operation("os-popen", "import os\nos.popen('echo x > ' + out + '/marker').read()", marker, "spawn"),
    Operation(
        "os-posix_spawn",
        "import os\nos.waitpid(os.posix_spawn('/bin/sh', ['sh', '-c', 'echo x > ' + out + '/marker'], {}), 0)",
        marker,
        "spawn",
        needs="os.posix_spawn",
    ),
    Operation(
        "os-posix_spawnp",
        "import os\nos.waitpid(os.posix_spawnp('touch', ['touch', out + '/marker'], os.environ), 0)",
        marker,
        "spawn",
        needs="os.posix_spawnp",
    ),
    Operation(
        "os-fork",
        "import os\np = os.fork()\nif p == 0:\n    os.close(os.open(out + '/marker', os.O_CREAT | os.O_WRONLY))\n    os._exit(0)\nos.waitpid(p, 0)",
        marker,
        "spawn",
        alone=True,
    ),
    Operation(
        "os-forkpty",
        "import os\np, f = os.forkpty()\nif p == 0:\n    os.close(os.open(out + '/marker', os.O_CREAT | os.O_WRONLY))\n    os._exit(0)\nos.waitpid(p, 0)",
        marker,
        "spawn",
        alone=True,
    ),
    Operation(
        "pty-fork",
        "import os, pty\np, f = pty.fork()\nif p == 0:\n    os.close(os.open(out + '/marker', os.O_CREAT | os.O_WRONLY))\n    os._exit(0)\nos.waitpid(p, 0)",
        marker,
        "spawn",
        alone=True,
        events=None,
    ),
    Operation(
        "multiprocessing-fork",
        "import multiprocessing, os\np = multiprocessing.get_context('fork').Process(target=lambda: os.close(os.open(out + '/marker', os.O_CREAT | os.O_WRONLY)))\np.start()\np.join()",
        marker,
        "spawn",
        alone=True,
    ),
    Operation(
        "asyncio-subprocess",
        "import asyncio\nasync def main():\n    p = await asyncio.create_subprocess_exec('touch', out + '/marker')\n    await p.wait()\nasyncio.run(main())",
        marker,
        "spawn",
    ),
    Operation(
        "thread-subprocess",
        "from concurrent.futures import ThreadPoolExecutor\nimport subprocess\nwith ThreadPoolExecutor(1) as pool:\n    pool.submit(subprocess.run, ['touch', out + '/marker']).result()",
        marker,
        "spawn",
    ),
    Operation(
        "fork_exec",
        "import subprocess\nsubprocess.Popen(['touch', out + '/marker'], start_new_session=True).wait()",
        marker,
        "spawn",
    ),
]

SENDS = [
    Operation(
        "socket-connect",
        "import socket\nwith socket.socket() as s:\n    s.connect(('127.0.0.1', port))\n    s.sendall(token)",
        received,
        "send",
    ),
    Operation(
        "socket-connect-bytes",
        "import socket\nwith socket.socket() as s:\n    s.connect((b'127.0.0.1', port))\n    s.sendall(token)",
        received,
        "send",
    ),
    Operation(
        "socket-connect-short",
        "import socket\nwith socket.socket() as s:\n    s.connect(('127.1', port))\n    s.sendall(token)",
        received,
        "send",
    ),
    Operation(
        "socket-connect-any",
        "import socket\nwith socket.socket() as s:\n    s.connect(('', port))\n    s.sendall(token)",
        received,
        "send",
    ),
    Operation(
        "socket-connect_ex",
        "import socket\nwith socket.socket() as s:\n    result = s.connect_ex(('127.0.0.1', port))\n    if result == 0:\n        s.sendall(token)",
        received,
        "send",
        error="none",
    ),
    Operation(
        "socket-create_connection",
        "import socket\nwith socket.create_connection(('127.0.0.1', port)) as s:\n    s.sendall(token)",
        received,
        "send",
    ),
    Operation(
        "_socket",
        "import _socket\ns = _socket.socket()\ns.connect(('127.0.0.1', port))\ns.send(token)\ns.close()",
        received,
        "send",
    ),
    Operation(
        "saved-method",
        "import socket\nwith socket.socket() as s:\n    connect = s.connect\n    list(map(connect, [('127.0.0.1', port)]))\n    s.sendall(token)",
        received,
        "send",
    ),
    Operation(
        "ssl",
        "import socket, ssl\nc = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)\nc.check_hostname = False\nc.verify_mode = ssl.CERT_NONE\ns = c.wrap_socket(socket.socket(), server_hostname='x' + name)\ns.settimeout(5)\ntry:\n    s.connect(('127.0.0.1', port))\nexcept ssl.SSLError:\n    pass\nfinally:\n    s.close()",
        received,
        "send",
    ),
    Operation(
        "asyncio",
        "import asyncio\nasync def main():\n    r, w = await asyncio.open_connection('127.0.0.1', port)\n    w.write(token)\n    await w.drain()\n    w.close()\nasyncio.run(main())",
        received,
        "send",
    ),
    Operation(
        "asyncio-sock_connect",
        "import asyncio, socket\nasync def main():\n    loop = asyncio.get_running_loop()\n    s = socket.socket()\n    s.setblocking(False)\n    await loop.sock_connect(s, ('127.0.0.1', port))\n    await loop.sock_sendall(s, token)\n    s.close()\nasyncio.run(main())",
        received,
        "send",
    ),
    Operation(
        "http-client",
        "import http.client\nc = http.client.HTTPConnection('127.0.0.1', port, timeout=10)\nc.request('GET', '/' + name)\nc.getresponse().read()\nc.close()",
        received,
        "send",
    ),
    Operation(
        "urllib",
        "import urllib.request\nopener = urllib.request.build_opener(urllib.request.ProxyHandler({}))\nopener.open('http://127.0.0.1:%d/%s' % (port, name), timeout=10).read()",
        received,
        "send",
        error="wrapped",
    ),
    Operation(
        "udp-sendto",
        "import socket\nwith socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:\n    s.sendto(token, ('127.0.0.1', udp_port))",
        received,
        "send",
    ),
    Operation(
        "udp-sendto-flags",
        "import socket\nwith socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:\n    s.sendto(token, 0, ('127.0.0.1', udp_port))",
        received,
        "send",
    ),
    Operation(
        "udp-connect",
        "import socket\nwith socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:\n    s.connect(('127.0.0.1', udp_port))\n    s.send(token)",
        received,
        "send",
    ),
    Operation(
        "udp-sendmsg",
        "import socket\nwith socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:\n    s.sendmsg([token], [], 0, ('127.0.0.1', udp_port))",
        received,
        "send",
    ),
    Operation(
        "asyncio-datagram",
        "import asyncio\nasync def main():\n    t, _ = await asyncio.get_running_loop().create_datagram_endpoint(asyncio.DatagramProtocol, remote_addr=('127.0.0.1', udp_port))\n    t.sendto(token)\n    await asyncio.sleep(0.05)\n    t.close()\nasyncio.run(main())",
        received,
        "send",
    ),
    Operation(
        "unix-connect",
        "import socket\nwith socket.socket(socket.AF_UNIX) as s:\n    s.connect(unix_path)\n    s.sendall(token)",
        received,
        "send",
    ),
    Operation(
        "unix-abstract",
        "import socket\nwith socket.socket(socket.AF_UNIX) as s:\n    s.connect('\\0' + abstract)\n    s.sendall(token)",
        received,
        "send",
    ),
]

if not os.path.exists("/dev/pts/ptmx"):  # a chroot without terminals: these cannot work plain
    SPAWNS = [row for row in SPAWNS if row.name not in ("os-forkpty", "pty-fork")]

BY_NAME: List[Operation] = READS + WRITES + SPAWNS + SENDS
