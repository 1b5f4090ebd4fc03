# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: E501
"""A program must not be able to tell: hundreds of edge cases give the same lines without us, under grant and under observe."""

import contextlib
import os
import shutil
import tempfile

from harness import Run, Tools, check, policy

GRANT = policy(
    files={
        "tmp": "grant",
        "elsewhere": "grant",
        "rules": [{"path": "/nowhere/**", "read": "observe", "write": "observe"}],
    },
    outbound={"action": "deny", "local": "grant", "allowed_domains": ["name", "x*", "localhost", "=first.test"]},
    child_processes="grant",
)
OBSERVE = policy(
    files={"tmp": "observe", "application": "observe", "elsewhere": "observe"},
    outbound={"action": "observe", "local": "observe"},
    child_processes={"action": "observe", "unguarded": "observe"},
    native_code="observe",
)


def lines_of(under, user=None):
    folder = tempfile.mkdtemp(prefix="ap_fidelity_", dir="/var/tmp")
    if user:
        shutil.chown(folder, user)
    run = Run(folder, under=under, program=Tools.fidelity, timeout=60, user=user, log=None)
    shutil.rmtree(folder, ignore_errors=True)
    if folder:
        run.out = run.out.replace(folder, "FOLDER")
    return run


@contextlib.contextmanager
def reachable():
    """The program and the library where every user can run them: a checkout may lie in a home that is closed."""
    kept, folder = (Tools.fidelity, Tools.library), tempfile.mkdtemp(prefix="ap_tools_", dir="/var/tmp")
    os.chmod(folder, 0o755)
    Tools.fidelity, Tools.library = (shutil.copy(file, folder) for file in kept)
    try:
        yield
    finally:
        Tools.fidelity, Tools.library = kept
        shutil.rmtree(folder)


def compare(title, plain, run, under_denies=False):
    a, b = plain.out.split("\n"), run.out.split("\n")
    check(
        f"fidelity: {title}: as many lines",
        len(a) == len(b) and run.status == plain.status,
        f"{len(a)} {len(b)} {run.status} {run.err[-300:]} {b[-1]}",
    )
    for x, y in zip(a, b):
        if under_denies and x.startswith(("levels", "deep cwd", "full")):
            continue  # deeper than a path can say, or nothing to look with: not to be judged, so refused where anything is denied
        check(f"fidelity: {title}: {x.split(':')[0]}", x == y, f"{x!r} became {y!r}")


def test():
    plain = lines_of(None)
    check("fidelity: the program itself", plain.status == 0 and len(plain.out.split("\n")) > 250, plain)
    compare("again", plain, lines_of(None))
    for name, under in (("grant", GRANT), ("observe", OBSERVE)):
        compare(name, plain, lines_of(under), under is GRANT)
    with reachable():
        plain = lines_of(None, user="nobody")
        for name, under in (("grant, no root", GRANT), ("observe, no root", OBSERVE)):
            compare(name, plain, lines_of(under, user="nobody"), under is GRANT)
