# SPDX-License-Identifier: Apache-2.0
"""docs/syscalls.md from what a check found."""

import os
import pathlib
import platform

KINDS = ("patched", "behind", "harmless", "own", "open")

HEAD = """<!-- Made by `tests/system_calls/run --write`: edit tests/system_calls, not this page. -->
# System call instructions

Line 2 stands at the entries of libc's functions. What it cannot see is a `syscall` instruction that is reached past them. Here is every one in the
files that the runtimes load: each interpreter, its extension modules, their libraries, libc, the loader, the vDSO. They are found by linear disassembly of
each function from its beginning; the number is what `eax` can hold there, over every way that leads to it. `make test` does the same with the files of the machine it runs on, and
fails when one is new.

| class | meaning |
|---|---|
| patched | in a function whose entry line 2 patches where everything is denied: taken from line 2's own plan |
| behind | in a function without a name of its own, reached through patched entries alone |
| harmless | the number is a constant, and needs no decision (below) |
| own | a number that line 2 decides, made by the library for itself: see the reason |
| open | reached past line 2: see the reason |

Bytes that only look like one (in constants and displacements) are counted too: whoever can jump to any address can use them, as any other instruction
([SECURITY.md](../SECURITY.md)).
"""


def render(check):
    with_code = sorted((row for row in check.rows if row[2]), key=lambda row: -row[2])
    without = [row for row in check.rows if not row[2]]
    lines = [HEAD, "## Files", "", f"glibc {platform.libc_ver()[1]}, x86-64.", ""]
    lines += [
        "| file | instructions | " + " | ".join(KINDS) + " | bytes that look like one |",
        "|---|---|" + "---|" * (len(KINDS) + 1),
    ]
    for path, _, total, counts, others in with_code:
        lines.append(
            f"| `{os.path.basename(path)}` | {total} | "
            + " | ".join(str(counts[kind]) for kind in KINDS)
            + f" | {others} |"
        )
    programs = sorted(
        {
            (pathlib.Path(path).name, ", ".join(dict.fromkeys(users)))
            for path, users, *_ in without
            if pathlib.Path(path).name.startswith(("python", "node", "libpython"))
        }
    )
    lines += [
        "",
        f"None in the other {len(without)}: {'; '.join(f'`{name}` ({users})' for name, users in programs)}, their extension modules, and what these load: "
        + ", ".join(
            f"`{name}`"
            for name in sorted(
                {pathlib.Path(row[0]).name for row in without if "/lib-dynload/" not in row[0]}
                - {name for name, _ in programs}
            )
        )
        + ".",
        "",
        "## Own and open",
        "",
        "| file | system call | in function | instructions | class | why |",
        "|---|---|---|---|---|---|",
    ]
    for (kind, soname, called, exported, why), addresses in sorted(check.listed.items()):
        lines.append(
            f"| `{soname}` | {called.replace('?', 'not a constant')} | {f'`{exported}`' if exported else 'without a name'} | {len(addresses)} | {kind} | {why} |"
        )
    names = sorted(check.names[number] for number in check.decided)
    lines += [
        "",
        "## By number",
        "",
        f"`syscall(2)` asks the same handlers: {', '.join(names)}.",
        "",
        f"Numbers from {check.plan['unknown_from']} on, newer than the list, are answered with `ENOSYS` as soon as anything is denied. Not decided:",
        "",
        "| why | system calls |",
        "|---|---|",
    ]
    from classes import HARMLESS

    lines += [f"| {why} | {', '.join(sorted(text.split()))} |" for why, text in HARMLESS.items()]
    return "\n".join(lines) + "\n"
