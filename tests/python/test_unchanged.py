# SPDX-License-Identifier: Apache-2.0
"""What programs can see of themselves is the same with us in the process: each prints the same, plain and observed."""

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
    plain = protected.run(PROGRAMS[name], attach="plain")
    observed = protected.run(PROGRAMS[name], OBSERVE)
    assert plain.status == 0 and plain.stdout and observed.events, plain.about()
    assert (observed.status, observed.stdout) == (plain.status, plain.stdout), observed.about()
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
