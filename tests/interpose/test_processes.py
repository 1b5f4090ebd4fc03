# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: E501
"""Every guarded way to start a process, and what a child of any kind may then do. The effect is a marker file that the child makes."""

import os
import shutil
import subprocess
import tempfile

from harness import Fixture, Run, Tools, check, policy, skip

SPAWNS = """
execve /usr/bin/touch M
execv /usr/bin/touch M
execvp touch M
execvpe touch M
execl /usr/bin/touch M
execlp touch M
execle /usr/bin/touch M
execveat /usr/bin/touch M
execveat_fd /usr/bin/touch M
fexecve /usr/bin/touch M
raw_execve /usr/bin/touch M
raw_execveat /usr/bin/touch M
execve_no_environment /usr/bin/touch M
execve_null_environment /usr/bin/touch M
execve_edited_environment /usr/bin/touch M
posix_spawn /usr/bin/touch M
spawn_closed /usr/bin/touch M
posix_spawnp touch M
system touch_M
popen touch_M
clone_exec /usr/bin/touch M
execve SCRIPT M
execvp SCRIPT M
posix_spawn SCRIPT M
"""

# These fork first: refused there, or (vfork and its like under rules) at the exec.
FORKS_AND_EXECS = """
fork_exec /usr/bin/touch M
vfork_exec /usr/bin/touch M
clone_vm /usr/bin/touch M
"""

FORKS = "fork raw_fork _Fork vfork clone raw_clone raw_clone3 forkpty daemon"


class Place:
    """A folder with a script and the marker that children make."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="ap_spawn_", dir="/var/tmp")
        os.chmod(self.folder, 0o777)
        self.marker, self.script = self.folder + "/marker", self.folder + "/script"
        with open(self.script, "w") as f:
            f.write('#!/bin/sh\nexec /usr/bin/touch "$1"\n')
        os.chmod(self.script, 0o755)

    def argv(self, line):
        words = {"M": self.marker, "SCRIPT": self.script, "touch_M": "touch " + self.marker}
        return [words.get(word, word) for word in line.split()]

    def made(self):
        there = os.path.exists(self.marker)
        if there:
            os.unlink(self.marker)
        return there


def spawns(place):
    for line in (SPAWNS + FORKS_AND_EXECS).split("\n"):
        if not line:
            continue
        argv, title = place.argv(line), "processes: " + line
        forks = line in FORKS_AND_EXECS
        script = "SCRIPT" in line or "touch_M" in line  # the shell starts touch: an operation of its own
        plain = Run(*argv)
        if not check(title + " (plain)", place.made() and plain.status == 0, plain):
            continue
        run = Run(*argv, under=policy(child_processes="grant", outbound="deny"))
        if line.startswith("clone_vm"):  # a process beside its parent in the same memory could change what was judged
            check(title + " (refused where anything is denied)", run.out == "EPERM" and not place.made(), run)
        else:
            check(
                title + " (grant)", place.made() and run.status == 0 and run.out == plain.out and run.count() == 0, run
            )
        run = Run(*argv, under=policy(child_processes="observe"))
        expected = 1 + script
        made = place.made()
        counted = run.count("observe", "create_child")
        check(
            title + " (observe)",
            made and run.out == plain.out and (counted == expected or forks and counted in (1, 2)),
            run,
        )
        run = Run(*argv, under=policy(child_processes="deny"))
        check(title + " (deny)", not place.made() and "EPERM" in run.out, run)
        check(
            title + " (deny: counted once)", run.count("deny", "create_child") == 1 or line.startswith("clone_vm"), run
        )

    for name in FORKS.split():
        title = "processes: " + name
        if name == "forkpty" and not os.path.exists("/dev/pts/ptmx"):
            skip(title, "this machine has no /dev/pts")
            continue
        plain = Run(name, place.marker)
        if not check(title + " (plain)", place.made() or name == "daemon", plain):
            continue
        run = Run(name, place.marker, under=policy(child_processes="grant", outbound="deny"))
        check(title + " (grant)", run.out == plain.out and run.count() == 0, run)
        run = Run(name, place.marker, under=policy(child_processes="observe"))
        check(title + " (observe)", run.out == plain.out and run.count("observe") == (0 if name == "vfork" else 1), run)
        place.made()
        run = Run(name, place.marker, under=policy(child_processes="deny"))
        check(title + " (deny)", run.out == "EPERM" and not place.made() and run.count("deny") == 1, run)


def children_that_live_on(place):
    """What a child of vfork leaves behind in its parent's memory is used again, also while that child runs."""
    run = Run("spawn_many", under=policy(child_processes="grant", outbound="deny"))
    check("processes: many children at once cost the parent nothing", run.out == "0 pages", run)


def rules(place):
    """Commands granted one by one."""
    under = policy(child_processes={"action": "deny", "rules": [{"command": "^/usr/bin/touch ", "action": "grant"}]})
    for line in (
        "execve /usr/bin/touch M",
        "execve /bin/touch M",
        "execvp touch M",
        "posix_spawn /usr/bin/touch M",
        "vfork_exec /usr/bin/touch M",
    ):
        run = Run(*place.argv(line), under=under)
        check(f"processes: a rule grants {line}", place.made() and run.count() == 0, run)
    run = Run("execve", "/usr/bin/ln", "-s", "x", place.marker, under=under)
    check("processes: what no rule grants is refused", run.out == "EPERM" and run.count("deny") == 1, run)
    link = place.folder + "/touch"
    os.symlink("/usr/bin/ln", link)
    run = Run("execve", link, "-s", "x", place.marker, under=under)
    check("processes: a link called touch is not touch", run.out == "EPERM" and not os.path.lexists(place.marker), run)
    shell = policy(
        child_processes={
            "action": "deny",
            "rules": [
                {"command": "^/usr/bin/(dash|sh) ", "action": "grant"},
                {"command": "^/usr/bin/touch ", "action": "grant"},
            ],
        }
    )
    run = Run("system", f"touch {place.marker}; ls / | cat", under=shell)
    check(
        "processes: a granted shell starts granted programs and no others", place.made() and run.count("deny") == 2, run
    )


CHILDREN = [
    ["execve", "/bin/cat", "F"],
    ["execve_no_environment", "/bin/cat", "F"],
    ["execve_null_environment", "/bin/cat", "F"],
    ["execve_edited_environment", "/bin/cat", "F"],
    ["execve_closed_descriptors", "/bin/cat", "F"],
    ["posix_spawn", "/bin/cat", "F"],
    ["fork_exec", "/bin/cat", "F"],
    ["vfork_exec", "/bin/cat", "F"],
    ["raw_execve", "/bin/cat", "F"],
    ["system", "cat F"],
    ["system", "LD_PRELOAD= cat F"],
    ["system", "env -i /bin/cat F"],
    ["system", "env -u LD_PRELOAD /bin/cat F"],
    ["system", "exec 0<&- 3<&- 4<&- 5<&- 6<&- 7<&-; cat F"],
    ["system", "sh -c 'sh -c \"cat F\"'"],
    ["system", "LD_AUDIT=/nonexistent.so cat F"],
    ["system", "cd $(dirname F) && cat $(basename F)"],
    ["execvp", "python3", "-c", "print(open('F').read())"],
    ["execvp", "python3", "-c", "import os; os.closerange(3, 2000); print(os.popen('cat F').read())"],
    [
        "execvp",
        "python3",
        "-c",
        "import subprocess; print(subprocess.run(['cat', 'F'], env={}, close_fds=True, capture_output=True).stdout.decode())",
    ],
    [
        "execvp",
        "python3",
        "-c",
        "import multiprocessing as m\ndef f(q): q.put(open('F').read())\nq = m.get_context('fork').SimpleQueue(); p = m.get_context('fork').Process(target=f, args=(q,)); p.start(); p.join(); print(q.empty() or q.get())",
    ],
    ["execvp", "perl", "-e", "open(f, '<', 'F') or exit 1; print <f>"],
]

CLEAN = (
    "import os; print(sorted(os.environ)); print(open('/proc/self/environ').read().replace(chr(0), ' ').split()); "
    "print(os.listdir('/proc/self/fd'))"
)


def children(place):
    fixture = Fixture()
    for words in CHILDREN:
        argv = [
            word.replace("F", fixture.protected + "/file")
            if not word.startswith("import multi")
            else word.replace("'F'", repr(fixture.protected + "/file"))
            for word in words
        ]
        title = "children: " + " ".join(words)[:90]
        plain = Run(*argv)
        if not check(title + " (plain)", "secret" in plain.out or words[0] == "execve_closed_descriptors", plain):
            continue
        run = Run(*argv, under=fixture.policy("deny"))
        check(title + " (deny)", "secret" not in run.out and run.count("deny") == 1, run)
        run = Run(*argv, under=fixture.policy("observe"))
        check(
            title + " (observe)", run.out == plain.out and run.status == plain.status and run.count("observe") == 1, run
        )
    fixture.remove()

    # The environment of a child looks as it would without us.
    for env in ({}, {"LD_PRELOAD": Tools.libraries + "/libm.so.6"}):
        plain = Run("execve", "/usr/bin/python3", "-c", CLEAN, env=env)
        ours = Run("execve", "/usr/bin/python3", "-c", CLEAN, under=fixture.policy("deny"), env=env)
        lines, seen = plain.out.split("\n"), ours.out.split("\n")
        check(
            f"children: the environment is as without us {env}",
            lines[0] == seen[0] and len(seen) == 3,
            f"{plain} {ours}",
        )
        check(
            f"children: no trace of ours in /proc/self/environ {env}",
            "TREND_AP" not in ours.out and "app_protect" not in seen[1],
            ours,
        )
    run = Run(
        "execve", "/usr/bin/python3", "-c", "import os; os.execv('/usr/bin/env', ['env'])", under=fixture.policy("deny")
    )
    check("children: nor in a grandchild's", "TREND_AP" not in run.out and "LD_PRELOAD" not in run.out, run)


def unguarded(place):
    """Programs that line 2 cannot enter."""
    static = place.folder + "/static"
    source = "#include <fcntl.h>\n#include <unistd.h>\nint main(int c, char **v) { return open(v[1], O_CREAT | O_WRONLY, 0644) < 0; }"
    if subprocess.run(
        ["gcc", "-static", "-x", "c", "-o", static, "-"], input=source, text=True, capture_output=True
    ).returncode:
        return skip("unguarded", "no static libc to link")
    loader = "/lib64/ld-linux-x86-64.so.2"
    cases = {
        "static": [static, place.marker],
        "the loader as a program": [loader, "/usr/bin/touch", place.marker],
        "a script for a static program": None,
    }
    wrapper = place.folder + "/wrapper"
    with open(wrapper, "w") as f:
        f.write(f"#!{static}\n")
    os.chmod(wrapper, 0o755)
    cases["a script for a static program"] = [wrapper, place.marker]
    for name, argv in cases.items():
        for verb in ("execve", "posix_spawn", "fexecve") if "script" not in name else ("execve", "posix_spawn"):
            title = f"unguarded: {name}, {verb}"
            plain = Run(verb, *argv)
            if "script" in name:
                os.path.exists(place.marker) and os.unlink(place.marker)
            elif not check(title + " (plain)", place.made(), plain):
                continue
            run = Run(verb, *argv, under=policy(child_processes={"action": "grant", "unguarded": "deny"}))
            check(title + " (deny)", not place.made() and "EPERM" in run.out and run.count("deny") == 1, run)
            run = Run(verb, *argv, under=policy(child_processes={"action": "grant", "unguarded": "observe"}))
            check(title + " (observe)", run.out == plain.out and run.count("observe") == 1, run)
            place.made()
    suid = place.folder + "/suid"
    shutil.copy("/usr/bin/touch", suid)
    if os.getuid() == 0:
        os.chown(suid, 12345, -1)
        os.chmod(suid, 0o4755)
        run = Run("execve", suid, place.marker, under=policy(child_processes={"action": "grant", "unguarded": "deny"}))
        check("unguarded: set-uid (deny)", not place.made() and run.out == "EPERM", run)
    else:
        skip("unguarded: set-uid", "needs root")
    run = Run("execve", static, place.marker, under=policy(child_processes="grant"))
    check("unguarded: nothing is denied: runs unchanged", place.made() and run.count() == 0, run)


def terminate(place):
    fixture = Fixture()
    run = Run(
        "system",
        f"cat {fixture.protected}/file; touch {place.marker}",
        under=fixture.policy("deny", on_deny="terminate"),
    )
    check(
        "processes: a refused child under `terminate` ends its owner",
        run.count("deny") == 1 and run.status == -9 and "secret" not in run.out,
        run,
    )
    place.made()
    run = Run("open", fixture.protected + "/file", under=fixture.policy("deny", on_deny="terminate"))
    check("processes: a refused owner under `terminate` ends with 77", run.status == 77 and run.count("deny") == 1, run)
    fixture.remove()


def test():
    place = Place()
    spawns(place)
    children_that_live_on(place)
    rules(place)
    children(place)
    unguarded(place)
    terminate(place)
    shutil.rmtree(place.folder)
