# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: E501, UP022, F541 (programs as text, one per line)
"""Who did it: stack and package of an event; and a program that is only observed."""

import protected
import pytest

DENY = {"schema": 1, "name": "t", "files": {"tmp": "deny"}}
LEFTPAD = "def pad(path):\n    return open(path)\n"
CALL = "try:\n    %s\nexcept PermissionError:\n    pass\n"
PACKAGES = {
    "by-name": (
        {"leftpad/__init__.py": LEFTPAD, "leftpad-2.0.1.dist-info/METADATA": ""},
        "import leftpad; leftpad.pad('/tmp/x')",
        "leftpad@2.0.1",
    ),
    "normalised": (
        {"left_pad.py": LEFTPAD, "Left.Pad-3.dist-info/METADATA": ""},
        "import left_pad; left_pad.pad('/tmp/x')",
        "Left.Pad@3",
    ),
    "by-record": (
        {"yaml/__init__.py": LEFTPAD, "PyYAML-6.0.dist-info/RECORD": "yaml/__init__.py,,\n"},
        "import yaml; yaml.pad('/tmp/x')",
        "PyYAML@6.0",
    ),
    "by-top-level": (
        {"bs4/__init__.py": LEFTPAD, "beautifulsoup4-4.9.dist-info/top_level.txt": "bs4\n"},
        "import bs4; bs4.pad('/tmp/x')",
        "beautifulsoup4@4.9",
    ),
    "egg-info": (
        {"old.py": LEFTPAD, "old-1.0-py3.8.egg-info/PKG-INFO": ""},
        "import old; old.pad('/tmp/x')",
        "old@1.0",
    ),
    "own-code": ({"mine.py": LEFTPAD, "leftpad-2.0.1.dist-info/METADATA": ""}, "import mine; mine.pad('/tmp/x')", None),
    "nearest": (
        {
            "outer.py": "import leftpad\ndef go(p):\n    leftpad.pad(p)\n",
            "outer-1.dist-info/x": "",
            "leftpad.py": LEFTPAD,
            "leftpad-2.dist-info/x": "",
        },
        "import outer; outer.go('/tmp/x')",
        "leftpad@2",
    ),
}


@pytest.mark.parametrize("place", ["", "site-packages/"])
@pytest.mark.parametrize("name", PACKAGES)
def test_package(name, place):
    files, call, package = PACKAGES[name]
    program = f"import os, sys\nsys.path.insert(0, os.path.join(sys.path[0], {place!r}))\n" + CALL % call
    result = protected.run(program, DENY, files={place + file: text for file, text in files.items()})
    (event,) = result.events
    assert event["package"] == package, result.about()
    assert event["stack"][-1].startswith("main.py:") and event["stack"][-1].endswith("<module>"), result.about()


def test_stack():
    program = "def inner():\n    open('/tmp/x')\ndef outer():\n    inner()\n" + CALL % "outer()"
    (event,) = protected.run(program, DENY).events
    assert event["stack"] == ["main.py:3 inner", "main.py:5 outer", "main.py:7 <module>"]
    deep = "def f(n):\n    open('/tmp/x') if n == 0 else f(n - 1)\n" + CALL % "f(500)"
    (event,) = protected.run(deep, DENY).events
    assert 8 <= len(event["stack"]) <= 32 and event["stack"][0] == "main.py:3 f"
    odd = "exec(compile('open(\"/tmp/x\")', 'n\\udc80\\n\\u00fc.py', 'exec'))"
    (event,) = protected.run(CALL % odd, DENY).events
    assert len(event["stack"]) == 2


def test_values_that_are_hard_to_write():
    program = r"""
for path in ('/tmp/new\nline', '/tmp/\udc80', '/tmp/\u00fc\U0001f40d', '/tmp/' + 'x' * 5000, b'/tmp/\xff', '/tmp/"quote\\'):
    try:
        open(path)
    except OSError:
        pass
for path in ('/tmp/a\0b', ''):
    try:
        open(path)
    except (ValueError, FileNotFoundError) as error:
        print(type(error).__name__)
"""
    result = protected.run(program, DENY)
    assert result.status == 0 and len(result.events) == 6, result.about()
    assert result.stdout.split() == ["ValueError", "FileNotFoundError"]


def test_a_loop_of_denials():
    program = "n = 0\nfor i in range(200000):\n    try:\n        open('/tmp/x')\n    except PermissionError:\n        n += 1\nprint(n)\n"
    result = protected.run(program, DENY)
    assert result.stdout == "200000\n" and len(result.events) < 100, result.about()


ALL_OBSERVE = {
    "schema": 1,
    "name": "t",
    "outbound": {"action": "observe", "local": "observe"},
    "files": {"tmp": "observe", "application": "observe", "elsewhere": "observe"},
    "child_processes": {"action": "observe"},
    "native_code": "observe",
}
PROGRAM = r"""
import asyncio, ctypes, glob, hashlib, io, json, multiprocessing, os, pathlib, shutil, socket, sqlite3, subprocess, sys, tempfile, threading, zipfile
def show(*values):
    print(*(json.dumps(v, default=str, sort_keys=True) for v in values))
def error(f):
    try:
        return f()
    except BaseException as e:
        return [type(e).__name__, str(e), getattr(e, 'errno', None), getattr(e, 'filename', None)]
home = sys.argv[1]
os.chdir(home)
show(error(lambda: open('nothing')), error(lambda: os.listdir('nothing')), error(lambda: os.stat(b'nothing')), error(lambda: os.stat(5.5)),
     error(lambda: open(None)), error(lambda: os.open('x\0y', 0)), error(lambda: os.rename('a')), error(lambda: os.rename('a', 'b', src_dir_fd='x')))
class P:
    def __fspath__(self):
        raise LookupError('mine')
show(error(lambda: open(P())), error(lambda: os.stat(P())), error(lambda: os.rename('a', P())))
class Q:
    def __fspath__(self):
        return 5
show(error(lambda: os.stat(Q())), error(lambda: os.listdir(Q())), error(lambda: open(Q())))
pathlib.Path('a').write_text('text')
os.link('a', 'b'); os.symlink('a', 'c'); os.rename('b', 'd'); os.mkdir('e', mode=0o700); os.utime('d', ns=(5, 5)); os.chmod(path='d', mode=0o600)
show(sorted(os.listdir()), sorted(os.listdir(b'.'), key=bytes), sorted(e.name for e in os.scandir()), os.readlink('c'), os.stat('d').st_mtime_ns, sorted(glob.glob('*')))
f = os.open('.', os.O_RDONLY)
show(os.stat('a', dir_fd=f).st_size, sorted(os.listdir(f)), os.path.exists('a'), os.access('nothing', os.R_OK))
with tempfile.TemporaryDirectory(dir=home) as t, tempfile.NamedTemporaryFile(dir=t) as n:
    n.write(b'x')
db = sqlite3.connect('db')
db.execute('create table t(a)'); db.execute("attach 'db2' as x"); db.execute('create table x.u(a)'); db.commit(); db.close()
show(subprocess.run(['echo', 'hello'], stdout=subprocess.PIPE).stdout.decode(), os.popen('echo shell').read(), os.system('exit 3'),
     error(lambda: subprocess.run(['/nowhere/nothing'])), error(lambda: subprocess.run('x', cwd='/nowhere')), error(lambda: os.execv('/nowhere', ['x'])),
     error(lambda: os.posix_spawn('/nowhere', ['x'], {})), error(lambda: subprocess.Popen(5)), error(lambda: os.system(5)), error(lambda: os.execv('x', [])))
p = os.fork()
if p == 0:
    os._exit(7)
show(os.waitpid(p, 0)[1] >> 8)
r, w = multiprocessing.get_context('fork').Pipe()
child = multiprocessing.get_context('fork').Process(target=lambda: w.send('child'))
child.start(); show(r.recv()); child.join()
s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen()
c = socket.create_connection(s.getsockname()); peer, _ = s.accept(); c.sendall(b'hi'); show(peer.recv(9).decode())
show(error(lambda: socket.socket().connect('x')), error(lambda: socket.socket().connect(('127.0.0.1', 99999))), error(lambda: socket.socket().connect((5, 5))),
     error(lambda: socket.create_connection(('127.0.0.1', 1))), socket.socket().connect_ex(('127.0.0.1', 1)), error(lambda: socket.getaddrinfo('\ud800', 1)),
     error(lambda: socket.gethostbyname('x' * 300)), [a[4] for a in socket.getaddrinfo('127.0.0.1', 80, type=socket.SOCK_STREAM)], socket.gethostbyname('127.1'))
u = socket.socket(socket.AF_UNIX); u.bind('sock'); show(error(lambda: socket.socket(socket.AF_UNIX).connect('nothing')))
async def later():
    return await asyncio.get_running_loop().run_in_executor(None, os.getcwd)
show(asyncio.run(later()) == home, ctypes.CDLL(None).getpid() == os.getpid(), os.access('a', os.R_OK))
with zipfile.ZipFile('z', 'w') as z:
    z.writestr('m.py', 'value = 9')
sys.path.insert(0, 'z'); import m; show(m.value)
shutil.rmtree('e'); shutil.copytree('.', home + '-copy', symlinks=True, ignore=shutil.ignore_patterns('sock')); show(sorted(os.listdir(home + '-copy'))); shutil.rmtree(home + '-copy')
show(sorted(os.environ) == sorted(k for k in os.environ), threading.active_count())
"""


@pytest.mark.parametrize("attach", ["import", "wrapper"])
def test_an_observed_program_behaves_as_without_us(attach):
    seen = []
    for way in ("plain", attach):
        with protected.Folder("/tmp") as home:
            work = home / "work"
            work.mkdir()
            result = protected.run(PROGRAM, ALL_OBSERVE, attach=way, arguments=[work])
            seen.append(
                (result.status, result.stdout.replace(str(home), "/home"), result.stderr.replace(str(home), "/home"))
            )
    plain, observed = seen
    assert plain[0] == 0, plain[2]
    assert observed[:2] == plain[:2], observed[2]
    assert [line for line in observed[2].splitlines() if "[app_protect]" not in line] == plain[2].splitlines()
    assert len(result.events) > 20
