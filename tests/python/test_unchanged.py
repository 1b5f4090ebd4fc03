# SPDX-License-Identifier: Apache-2.0
"""What programs can see of themselves is the same with us in the process: each prints the same, plain and observed."""

import re

import protected
import pytest

OBSERVE = {
    "schema": 1,
    "outbound": {"action": "observe", "local": "observe"},
    "files": {"tmp": "observe", "application": "observe", "elsewhere": "observe"},
    "child_processes": {"action": "observe", "unguarded": "observe"},
    "native_code": "observe",
}

PROGRAMS = {
    # Sets of functions made before the hooks: shutil.rmtree and others choose by them how they work.
    "what os can do": """
import os
names = ("supports_dir_fd", "supports_effective_ids", "supports_fd", "supports_follow_symlinks")
print([[len(getattr(os, name)), all(f in getattr(os, name) for f in getattr(os, name))] for name in names])
import shutil
print(os.utime in os.supports_fd, os.fork in os.supports_fd, shutil.rmtree.avoids_symlink_attacks)
""",
    # A child finds no descriptor that its parent has not given it.
    "descriptors of a child": """
import subprocess, sys
child = '''
import os, fcntl
found = []
for fd in range(1024):
    for ask in (os.fstat, lambda fd: fcntl.fcntl(fd, fcntl.F_GETFD), lambda fd: os.stat(fd)):
        try:
            ask(fd)
            found.append(fd)
        except OSError:
            pass
print(found)
'''
for _ in range(7):  # from the fifth child on they are prepared
    subprocess.run([sys.executable, "-c", child])
""",
    # Any number may be taken, ours too: here, in a fork, in a child.
    "numbers of its own": """
import os, subprocess, sys
def take_all():
    taken = 0
    for fd in range(50, 300):
        os.dup2(0, fd)
        taken += os.fstat(fd).st_ino == os.fstat(0).st_ino
        os.close(fd)
    print(taken, flush=True)
take_all()
if os.fork() == 0:
    take_all()
    os.system("echo from a fork")
    os._exit(0)
os.wait()
subprocess.run([sys.executable, "-c", "import subprocess; subprocess.run(['cat', '/etc/hostname'], close_fds=True)"])
take_all()
""",
    # Every call with every odd argument raises what it raises, word for word.
    "odd arguments": """
import array, io, os, socket, subprocess, _socket
class NoPath:
    __fspath__ = None
class Path:
    def __init__(self, value): self.value = value
    def __fspath__(self):
        if isinstance(self.value, Exception): raise self.value
        return self.value
    def __repr__(self): return 'Path(%r)' % self.value
class Text(str): pass
class Index:
    def __index__(self): return 1000
odd = [None, 3.5, -1, 10**30, 1000, '', b'', 'a\\0b', '\\ud800', 'x' * 5000, bytearray(b'/nowhere/v'), memoryview(b'/nowhere/v'),
       array.array('b', b'/nowhere/v'), [], ('/nowhere/v',), {}, object, NoPath(), Path('/nowhere/y'), Path(b'/nowhere/y'), Path(3), Path(None),
       Path(KeyError('k')), Path(Text('/nowhere/y')), Text('/nowhere/y'), Index(), '/nowhere/z/x', b'/nowhere/z/x', 'main.py/x']
calls = [name for name in ('stat lstat access readlink statvfs getxattr listxattr listdir scandir mkdir mkfifo mknod '
         'rmdir remove unlink rename replace link symlink truncate chmod chown lchown utime setxattr removexattr open '
         'execv execve posix_spawn posix_spawnp system chdir').split() if hasattr(os, name)]
more = {'access': [(0,)], 'getxattr': [('user.x',)], 'rename': [(a,) for a in odd],
        'link': [('/nowhere/z/b',)], 'symlink': [('/nowhere/z/b',)], 'replace': [('/nowhere/z/b',)], 'truncate': [(0,)], 'chmod': [(0o600,)],
        'chown': [(-1, -1)], 'lchown': [(-1, -1)], 'setxattr': [('user.x', b'')], 'removexattr': [('user.x',)], 'open': [(0,), ()],
        'execv': [(['a'],), ((),), (3,), ([b'a', 3],)], 'execve': [(['a'], {}), (['a'], {'a': 3}), (['a'], {'a=b': 'c'}), (['a'], [])],
        'posix_spawn': [(['a'], {}), ([], {}), ((3,), {})], 'posix_spawnp': [(['a'], {})]}
def tell(name, call, *args, **kwargs):
    try:
        made = call(*args, **kwargs)
        print(name, args, 'went', type(made).__name__)
        if hasattr(made, 'close'): made.close()
    except BaseException as error:
        print(name, [repr(a)[:60] for a in args], sorted(kwargs), type(error).__name__, str(error)[:300], error.__cause__, error.__context__)
for name in calls:
    tell(name, getattr(os, name))
    for value in odd:
        if name in ('scandir', 'listdir', 'chdir', 'listxattr') and (value is None or value is True): continue
        if name == 'utime' and value == -1: continue  # no path at all: EINVAL or EFAULT, as glibc was compiled
        for rest in more.get(name, [()]):
            tell(name, getattr(os, name), value, *rest)
    tell(name, getattr(os, name), '/nowhere/z/x', *more.get(name, [()])[0], nonsense=1)
    tell(name, getattr(os, name), path='/nowhere/z/x')
    for directory in (1000, 10**30, 'x', 3.5, None, -7):
        tell(name, getattr(os, name), 'x', *more.get(name, [()])[0], dir_fd=directory)
for value in odd:
    for call in (open, io.FileIO, getattr(io, 'open_code', open)):  # 3.8 and newer have it
        if not (call is open and value is True): tell(call.__name__, call, value)
    tell('FileIO', io.FileIO, '/nowhere/z/x', 'r', True, value)
    tell('open', open, '/nowhere/z/x', value)
    tell('Popen', subprocess.Popen, value)
    tell('Popen', subprocess.Popen, ['/nowhere/z/x', value])
    tell('Popen', subprocess.Popen, ['/bin/true'], cwd=value) if not isinstance(value, int) and value is not None else 0
    s, u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM), socket.socket(socket.AF_UNIX)
    for one in (s, u):
        for call in ('connect', 'connect_ex', 'bind'):
            if (one is s or value != '') : tell(call, getattr(one, call), value)
            tell(call, getattr(one, call), (value, 1))
        tell('sendto', one.sendto, b'x', value)
        tell('sendto', one.sendto, value, ('127.0.0.1', 1))
        tell('sendmsg', one.sendmsg, value)
        tell('sendmsg', one.sendmsg, [b'x'], [], 0, value)
    for call in (socket.gethostbyname, socket.gethostbyaddr, _socket.getaddrinfo, _socket.getnameinfo):
        if isinstance(value, (str, bytes)) and call is not _socket.getnameinfo and value not in ('', b''): continue
        tell(call.__name__, call, value)
    s.close(), u.close()
""",
    # A shell may open any number for itself, ours too.
    "numbers of a shell": """
import subprocess
for _ in range(7):
    text = 'for n in {50..66} {238..246}; do eval "exec $n>out"; echo $? $n >&$n; cat out; done; ls'
    subprocess.run(["bash", "-c", text])
""",
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_sees_the_same(name):
    plain = protected.run(PROGRAMS[name], attach="plain", options=("-W", "ignore"))
    observed = protected.run(PROGRAMS[name], OBSERVE, options=("-W", "ignore"))
    assert plain.status == 0 and plain.stdout and observed.events, plain.about()
    before, after = (re.sub("0x[0-9a-f]+", "ADDRESS", result.stdout).splitlines() for result in (plain, observed))
    assert [pair for pair in zip(before, after) if pair[0] != pair[1]] == [], "without us, with us"
    assert (observed.status, len(after)) == (plain.status, len(before)), observed.about()
    assert [line for line in observed.stderr.splitlines() if "app_protect" not in line] == plain.stderr.splitlines()


def test_a_shell_that_takes_our_numbers_is_observed_on():
    program = """
import subprocess
subprocess.run(["bash", "-c", 'for n in {50..66}; do eval "exec $n>/dev/null"; done; /bin/cat marked; ls marked'])
"""
    result = protected.run(program, OBSERVE, files={"marked": ""})
    programs = [e["info"]["program"] for e in result.events if e["policy"] == "create_child_process"]
    assert [p.rsplit("/")[-1] for p in programs if p] == ["bash", "cat", "ls"], result.about()
    about = [e for e in result.events if str(e["info"].get("path")).endswith("/marked")]
    assert [e["info"]["operation"] for e in about].count("read") == 1, result.about()
