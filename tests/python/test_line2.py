# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: E501, UP022, F541 (programs as text, one per line)
"""What Python does below its own API, and what its children do: refused by line 2, with the errors those calls have, counted once."""

import os
import pathlib
import shutil

import operations
import protected
import pytest


def run(program, policy, data=operations.SECRET, **options):
    """The program with `d`, a folder in /tmp that holds `data`, and `out`, one outside; plain first."""
    found = []
    for attach in ("plain", "import"):
        with protected.Folder("/tmp") as d, protected.Folder() as out:
            (d / "data").write_text(data)
            text = f"d, out = {str(d)!r}, {str(out)!r}\n{program}"
            found.append(protected.run(text, policy if attach == "import" else None, attach=attach, **options))
    return found


DENY_TMP = {"schema": 1, "name": "t", "files": {"tmp": "deny"}, "native_code": "grant"}
OBSERVE_TMP = {"schema": 1, "name": "t", "files": {"tmp": "observe"}}

WAYS = {
    "link": "import os\nos.symlink(d, out + '/link')\nprint(open(out + '/link/data').read())",
    "dir_fd-of-a-link": "import os\nos.symlink(d, out + '/link')\nf = os.open(out, os.O_RDONLY)\nprint(os.read(os.open('link/data', os.O_RDONLY, dir_fd=f), 99).decode())",
    "proc-root": "print(open('/proc/self/root' + d + '/data').read())",
    "proc-cwd": "import os\nos.chdir(d)\nprint(open('/proc/self/cwd/data').read())",
    "bytearray": "import os, warnings\nwarnings.simplefilter('ignore')\nprint(os.read(os.open(bytearray((d + '/data').encode()), os.O_RDONLY), 99).decode())",
    "pathlike-to-FileIO": "import io, pathlib\nprint(io.FileIO(pathlib.Path(d, 'data')).read().decode())",
    "ctypes-by-name": "import ctypes, os\nlibc = ctypes.CDLL(None, use_errno=True)\nf = libc.open((d + '/data').encode(), 0)\nif f < 0:\n    e = ctypes.get_errno()\n    raise OSError(e, os.strerror(e))\nprint(os.read(f, 99).decode())",
    "ctypes-fopen": "import ctypes, os\nlibc = ctypes.CDLL(None, use_errno=True)\nlibc.fopen.restype = ctypes.c_void_p\nf = libc.fopen((d + '/data').encode(), b'r')\nif not f:\n    e = ctypes.get_errno()\n    raise OSError(e, os.strerror(e))\nb = ctypes.create_string_buffer(99)\nlibc.fgets(b, 99, ctypes.c_void_p(f))\nprint(b.value.decode())",
    "ctypes-syscall": "import ctypes, os\nlibc = ctypes.CDLL(None, use_errno=True)\nf = libc.syscall(257, -100, (d + '/data').encode(), 0)\nif f < 0:\n    e = ctypes.get_errno()\n    raise OSError(e, os.strerror(e))\nprint(os.read(f, 99).decode())",
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_reading_below_line_1(way):
    program = (
        "try:\n"
        + "\n".join("    " + line for line in way.splitlines())
        + "\nexcept PermissionError as error:\n    print('refused', error.errno)\n"
    )
    plain, result = run(program, DENY_TMP)
    if plain.status != 0:
        pytest.skip(f"this Python does not do it: {plain.stderr.splitlines()[-1:]}")
    assert operations.SECRET in plain.stdout
    assert result.stdout == "refused 1\n" and len(result.events) == 1, result.about()
    _, observed = run(program, OBSERVE_TMP)
    assert operations.SECRET in observed.stdout and sum(e["count"] for e in observed.events) == 1, observed.about()


SQLITE = """
import sqlite3
c = sqlite3.connect(%s)
try:
    %s
    print('worked')
except sqlite3.OperationalError as error:
    print('refused', error)
"""


def test_sqlite_attach():
    program = SQLITE % ("':memory:'", "c.execute('attach ? as x', (d + '/new.db',)); c.execute('create table x.t(a)')")
    program += "import os\nprint(os.path.exists(out))\n"
    plain, result = run(program, DENY_TMP)
    assert plain.stdout.startswith("worked")
    assert result.stdout.startswith("refused") and len(result.events) == 1, result.about()
    _, observed = run(program, OBSERVE_TMP)
    assert observed.stdout.startswith("worked") and observed.events, observed.about()


def test_sqlite_connect():
    program = "import sqlite3\ntry:\n    sqlite3.connect(d + '/new.db').execute('create table t(a)')\n    print('worked')\nexcept PermissionError:\n    print('refused')\n"
    plain, result = run(program, DENY_TMP)
    assert plain.stdout == "worked\n"
    assert result.stdout == "refused\n" and len(result.events) == 1, result.about()
    _, observed = run(program, OBSERVE_TMP)
    assert observed.stdout == "worked\n", observed.about()
    created = [
        e for e in observed.events if e["info"]["path"].endswith("/new.db") and e["info"]["operation"] == "create"
    ]
    assert sum(e["count"] for e in created) == 1, observed.about()


CHILD = "import subprocess, sys\nchild = %r\np = subprocess.run(%s, stdout=subprocess.PIPE, stderr=subprocess.PIPE)\nprint(p.stdout.decode().strip() or 'refused')\n"
CHILDREN = {
    "python": CHILD % ("print(open('%s/data').read())", "[sys.executable, '-c', child % d]"),
    "python-empty-environment": CHILD % ("print(open('%s/data').read())", "[sys.executable, '-c', child % d], env={}"),
    "python-isolated": CHILD
    % ("print(open('%s/data').read())", "[sys.executable, '-IS', '-c', child % d], env={'LD_PRELOAD': ''}"),
    "shell": CHILD % ("", "'cat ' + d + '/data', shell=True"),
    "shell-in-shell": CHILD % ("", '"sh -c \'env -i cat " + d + "/data\'", shell=True'),
    "os-popen": "import os\nprint(os.popen('cat ' + d + '/data 2>/dev/null').read().strip() or 'refused')\n",
    "posix_spawn": "import os\nr, w = os.pipe()\nos.waitpid(os.posix_spawn('/bin/cat', ['cat', d + '/data'], {}, file_actions=[(os.POSIX_SPAWN_DUP2, w, 1)]), 0)\nos.close(w)\nprint(os.read(r, 99).decode() or 'refused')\n",
    "fork-exec": "import os\nr, w = os.pipe()\nif os.fork() == 0:\n    os.dup2(w, 1)\n    os.execvp('cat', ['cat', d + '/data'])\nos.close(w)\nprint(os.read(r, 99).decode() or 'refused')\n",
    "multiprocessing-spawn": "import multiprocessing, sys\nif __name__ == '__main__':\n    with multiprocessing.get_context('spawn').Pool(1) as pool:\n        try:\n            print(pool.apply(eval, ('open(%r).read()' % (d + '/data'),)))\n        except PermissionError:\n            print('refused')\n",
    "multiprocessing-fork": "import multiprocessing\nwith multiprocessing.get_context('fork').Pool(1) as pool:\n    try:\n        print(pool.apply(eval, ('open(%r).read()' % (d + '/data'),)))\n    except PermissionError:\n        print('refused')\n",
    "process-pool": "from concurrent.futures import ProcessPoolExecutor\nif __name__ == '__main__':\n    with ProcessPoolExecutor(1) as pool:\n        try:\n            print(pool.submit(eval, 'open(%r).read()' % (d + '/data')).result())\n        except PermissionError:\n            print('refused')\n",
}


@pytest.mark.parametrize("name", CHILDREN)
def test_what_a_granted_child_reads(name):
    if name == "posix_spawn" and not operations.has("os.posix_spawn"):
        pytest.skip("this Python has no os.posix_spawn")
    plain, result = run(CHILDREN[name], DENY_TMP)
    assert plain.stdout.strip() == operations.SECRET, plain.about()
    assert result.stdout.strip() == "refused", result.about()
    # Of the file: a forkserver (the pool's own way from 3.14 on) also asks for a folder in /tmp.
    reads = [e for e in result.events if e["policy"] == "read_write_tmp" and e["info"]["path"].endswith("/data")]
    assert sum(e["count"] for e in reads) == 1, result.about()


# What libc opens, makes or starts by itself in the middle of another function. Line 1 knows none of them by name.
BY_ITSELF = {
    "updwtmp": "libc.updwtmp((d + '/data').encode(), ctypes.create_string_buffer(b'7', 384))",
    "gmon": "libc.setenv(b'GMON_OUT_PREFIX', (d + '/gmon').encode(), 1)\na = ctypes.cast(libc.updwtmp, ctypes.c_void_p).value\nlibc.monstartup(ctypes.c_ulong(a), ctypes.c_ulong(a + 65536))\nlibc._mcleanup()",
    "mkfifo": "libc.mkfifo((d + '/fifo').encode(), 0o600)",
    "setmntent": "libc.setmntent((d + '/mounts').encode(), b'w')",
    "unnamed-file-gets-a-name": "f = os.open(out, os.O_TMPFILE | os.O_RDWR)\nlibc.linkat(-100, b'/proc/self/fd/%d' % f, -100, (d + '/named').encode(), 0x400)",
    "posix_spawn-addopen": "actions = ctypes.create_string_buffer(200)\nlibc.posix_spawn_file_actions_init(actions)\nlibc.posix_spawn_file_actions_addopen(actions, 1, (d + '/new').encode(), os.O_CREAT | os.O_WRONLY, 0o644)\npid = ctypes.c_int()\nargv = (ctypes.c_char_p * 3)(b'echo', b'x', None)\nif libc.posix_spawn(ctypes.byref(pid), b'/bin/echo', actions, None, argv, None) == 0:\n    os.waitpid(pid.value, 0)",
    "wordexp": "libc.wordexp(b'$(mkdir ' + d.encode() + b'/new)', ctypes.create_string_buffer(64), 0)",
    "daemon": "pid = os.fork()\nif pid == 0:\n    if libc.daemon(1, 1) == 0:\n        try:\n            open(d + '/new', 'w').close()\n        finally:\n            open(out + '/done', 'w').close()\n            os._exit(0)\n    os._exit(0)\nos.waitpid(pid, 0)\nimport time\nfor _ in range(500):\n    if os.path.exists(out + '/done'):\n        break\n    time.sleep(0.01)",
    "sem_open-through-a-link": "os.symlink(d + '/semaphore', '/dev/shm/sem.' + os.path.basename(out))\nf = os.open('/dev/shm/sem.' + os.path.basename(out), os.O_CREAT | os.O_WRONLY)",
}


def left_behind(way, policy):
    with protected.Folder("/tmp") as d, protected.Folder() as out:
        (d / "data").write_bytes(b"")
        text = f"import ctypes, os\nlibc = ctypes.CDLL(None)\nd, out = {str(d)!r}, {str(out)!r}\n{way}"
        result = protected.run(text, policy, attach="import" if policy else "plain")
        link = pathlib.Path("/dev/shm/sem." + out.name)
        if link.is_symlink():
            link.unlink()
        return result, sorted((path.name, path.stat().st_size) for path in d.iterdir())


@pytest.mark.parametrize("name", BY_ITSELF)
def test_what_libc_does_by_itself(name):
    way = BY_ITSELF[name]
    plain, made = left_behind(way, None)
    assert made != [("data", 0)], plain.about()
    result, made = left_behind(way, DENY_TMP)
    assert made == [("data", 0)], result.about()
    assert sum(e["count"] for e in result.events) == 1, result.about()


NO_NATIVE = {"schema": 1, "name": "t", "native_code": "deny"}
NATIVE = {
    "call-address": "import ctypes\nlibc = ctypes.CDLL(None)\naddress = ctypes.cast(libc.getppid, ctypes.c_void_p).value\nprint(ctypes.CFUNCTYPE(ctypes.c_int)(address)() > 0)",
    "call-address-from-buffer": "import ctypes\nlibc = ctypes.CDLL(None)\naddress = ctypes.cast(libc.getppid, ctypes.c_void_p).value + 4\nf = ctypes.CFUNCTYPE(ctypes.c_int).from_buffer(ctypes.c_void_p(address))\ntry:\n    f.argtypes = [ctypes.c_int] * 99999 if 0 else []\nexcept Exception:\n    pass\nimport os\nif os.environ.get('SAFE'):\n    f = libc.getppid\nprint(f() > 0)",
    "call_function": "import ctypes, _ctypes\nlibc = ctypes.CDLL(None)\nprint(_ctypes.call_function(ctypes.cast(libc.getppid, ctypes.c_void_p).value, ()) > 0)",
    "library-from-tmp": "import ctypes, glob, shutil, _ctypes\nlibrary = next(iter(glob.glob('/lib/x86_64-linux-gnu/libz.so.1') + glob.glob('/usr/lib/*/libz.so.1') + glob.glob('/lib*/libm.so.6')))\nshutil.copy(library, d + '/lib.so')\nprint(ctypes.CDLL(d + '/lib.so') is not None)",
    "name-service-from-tmp": "import ctypes, glob, os, shutil\nlibrary = next(iter(glob.glob('/lib/x86_64-linux-gnu/libz.so.1') + glob.glob('/usr/lib/*/libz.so.1') + glob.glob('/lib*/libm.so.6')))\nshutil.copy(library, d + '/x.so.2')\nos.mkdir(d + '/libnss_')\nos.chdir('/')\nlibc = ctypes.CDLL(None, use_errno=True)\nif libc.__nss_configure_lookup(b'passwd', b'/../x') < 0:\n    raise OSError(ctypes.get_errno(), 'refused')\nos.chdir(d)\nlibc.getpwnam(b'nobody2')\nprint(d + '/libnss_/../x.so.2' in open('/proc/self/maps').read() or d + '/x.so.2' in open('/proc/self/maps').read())",
    "extension-from-tmp": "import glob, shutil, sys, os\nimport _struct as any_extension\nsource = getattr(any_extension, '__file__', None) or glob.glob(os.path.dirname(os.__file__) + '/lib-dynload/_*.so')[0]\nname = os.path.basename(source).split('.')[0]\nshutil.copy(source, d)\nsys.modules.pop(name, None)\nsys.path.insert(0, d)\n__import__(name)\nprint(sys.modules[name].__file__.startswith(d))",
}


@pytest.mark.parametrize("name", NATIVE)
def test_native_code(name):
    program = (
        f"try:\n"
        + "\n".join("    " + line for line in NATIVE[name].splitlines())
        + "\nexcept PermissionError:\n    print('refused')\n"
    )
    plain, result = run(program, NO_NATIVE, env={"SAFE": "1"} if name == "call-address-from-buffer" else None)
    assert plain.stdout == "True\n", plain.about()
    if name == "call-address-from-buffer":
        plain, result = run(program.replace("os.environ.get('SAFE')", "False"), NO_NATIVE)
    assert result.stdout == "refused\n", result.about()
    assert [e["policy"] for e in result.events] == ["native_code"], result.about()


def test_ctypes_as_libraries_use_it_goes_on():
    program = """
import ctypes, ctypes.util
libc = ctypes.CDLL(None)
assert libc.getpid() > 0 and libc['getppid']() > 0
assert ctypes.string_at(b'abc') == b'abc' and ctypes.cast(b'x', ctypes.c_char_p).value == b'x'
b = ctypes.create_string_buffer(4)
ctypes.memmove(b, b'wxyz', 4); ctypes.memset(b, 65, 2)
assert b.raw == b'AAyz'
cast = ctypes.cast(libc.getpid, ctypes.CFUNCTYPE(ctypes.c_int))
assert cast() == libc.getpid()
assert ctypes.pythonapi.Py_IsInitialized() == 1
libc.free(None)
Compare = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_int), ctypes.POINTER(ctypes.c_int))
numbers = (ctypes.c_int * 3)(3, 1, 2)
libc.qsort(numbers, 3, 4, Compare(lambda a, b: a[0] - b[0]))  # libffi's memory is executable
assert list(numbers) == [1, 2, 3]
print('done')
"""
    plain, result = run(program, NO_NATIVE)
    assert plain.stdout == "done\n" and result.stdout == "done\n" and result.events == [], result.about()


@pytest.mark.skipif(os.getuid() != 0, reason="only root becomes another user")
def test_a_child_that_may_not_read_our_library_is_unguarded():
    program = "import os, subprocess\ntry:\n    print(subprocess.run(['/bin/cat', os.path.abspath(__file__)], preexec_fn=lambda: %s).returncode)\nexcept PermissionError:\n    print('refused')\n"
    policy = {"schema": 1, "name": "t", "files": {"rules": [{"path": "/nowhere/**", "read": "deny"}]}}
    with protected.Folder() as closed:
        closed.chmod(0o700)
        stage = shutil.copytree(protected.STAGE, closed / "stage")
        env = {"PYTHONPATH": str(stage / "python")}
        for become in ("os.setuid(65534)", "os.setresuid(65534, 0, 0)"):
            plain = protected.run(program % become, attach="plain")
            assert plain.stdout.endswith(("0\n", "1\n")), plain.about()  # it ran
            result = protected.run(program % become, policy, env=env)
            assert result.stdout == "refused\n", result.about()
            assert [e["policy"] for e in result.events] == ["create_child_process"], result.about()


@operations.with_interpreters
def test_a_sub_interpreter_is_inside():
    program = """
try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters
i = interpreters.create()
print(interpreters.run_string(i, f'''
try:
    print(open({d + "/data"!r}).read(), flush=True)
except PermissionError as error:
    print("refused", error.errno, flush=True)
'''))
"""
    plain, result = run(program, DENY_TMP)
    assert plain.stdout.startswith(operations.SECRET)
    assert result.stdout.startswith("refused 1") and len(result.events) == 1, result.about()


def test_hooks_cannot_be_taken_out():
    """Replacing what Python code can reach changes nothing."""
    program = """
import builtins, gc, io, os, posix, sys, types
import trend_app_protect
for module in (trend_app_protect, trend_app_protect._native):
    for name in list(vars(module)):
        try:
            setattr(module, name, None)
        except Exception:
            pass
for o in gc.get_objects():
    if isinstance(o, (list, dict)) and 'trend_app_protect' in repr(type(o)):
        o.clear()
getattr(sys, 'addaudithook', id)(lambda *a: None)
if hasattr(sys, '_clearaudithooks'):
    sys._clearaudithooks()
sys.setprofile(None)
tried = [lambda p: open(p).read(), lambda p: io.FileIO(p).read(), lambda p: posix.read(posix.open(p, 0), 99),
         lambda p: type(io.open)(io.open), lambda p: io.FileIO.__init__(io.FileIO.__new__(io.FileIO), p)]
for f in (tried[0], tried[1], tried[2], tried[4]):
    try:
        f(d + '/data')
        print('got')
    except PermissionError:
        print('refused')
"""
    plain, result = run(
        program.replace(
            "import trend_app_protect\nfor module in (trend_app_protect, trend_app_protect._native)", "for module in ()"
        ),
        DENY_TMP,
    )
    assert plain.stdout.split() == ["got"] * 4
    _, result = run(program, DENY_TMP)
    assert result.stdout.split() == ["refused"] * 4, result.about()


def test_threads_at_once():
    program = """
import threading
names = [d + '/%d' % i for i in range(8)]
refused = []
def work(name):
    for _ in range(300):
        try:
            open(name, 'w')
        except PermissionError:
            refused.append(1)
threads = [threading.Thread(target=work, args=(n,)) for n in names]
[t.start() for t in threads]
[t.join() for t in threads]
print(len(refused))
"""
    _, result = run(program, DENY_TMP)
    assert result.stdout == "2400\n", result.about()
    assert sum(e["count"] for e in result.events) <= 2400 and len({e["info"]["path"] for e in result.events}) == 8, (
        result.about()
    )
