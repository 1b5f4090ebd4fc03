# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: E501
"""Native code: libraries from writable places, executable memory, memfd, other processes' memory; and line 2's own pages."""

import os
import shutil
import tempfile

from harness import Run, Tools, check, compile_library, policy, skip

GATED = [
    "mmap_exec",
    "mprotect_exec",
    "raw_mmap_exec",
    "personality",
    "ptrace",
    "shmat_exec",
    "process_vm_writev",
    "memfd_exec /usr/bin/echo",
]


def test():
    folder = tempfile.mkdtemp(prefix="ap_native_", dir="/var/tmp")
    library = folder + "/planted.so"
    source = '#include <stdio.h>\n__attribute__((constructor)) static void f(void) { puts("planted code runs"); }'
    check("native: a library is made", compile_library(source, library))
    link = folder + "/libm.so.6"
    os.symlink(f"{Tools.libraries}/libm.so.6", link)

    for line in GATED:
        argv = line.split()
        plain = Run(*argv)
        if plain.status != 0:
            skip("native: " + line, plain.out)
            continue
        for action in ("grant", "observe", "deny"):
            run = Run(*argv, under=policy(native_code=action, outbound="deny", child_processes="grant"))
            if action == "deny":
                check(
                    f"native: {line} (deny)",
                    run.out == ("ENOMEM" if "mmap" in line else "EPERM") and run.count("deny", "native") == 1,
                    run,
                )
            else:
                check(
                    f"native: {line} ({action})",
                    run.out == plain.out and run.status == 0 and run.count() == (action == "observe"),
                    run,
                )

    loads = {library: "planted code runs", link: "ok"}
    for path, shows in loads.items():
        plain = Run("dlopen", path)
        check(f"native: dlopen {os.path.basename(path)} (plain)", shows in plain.out, plain)
        run = Run("dlopen", path, under=policy(native_code="deny"))
        check(
            f"native: dlopen {os.path.basename(path)} (deny)",
            "refused by App Protect" in run.out and "planted" not in run.out and run.count("deny", "native") == 1,
            run,
        )
        run = Run("dlopen", path, under=policy(native_code="observe"))
        check(
            f"native: dlopen {os.path.basename(path)} (observe)",
            run.out == plain.out and run.count("observe") == 1,
            run,
        )
        run = Run("dlopen", path, under=policy(native_code="grant", outbound="deny"))
        check(f"native: dlopen {os.path.basename(path)} (grant)", run.out == plain.out and run.count() == 0, run)
    for path in ("libm.so.6", f"{Tools.libraries}/libm.so.6", f"/usr{Tools.libraries}/libutil.so.1"):
        run = Run("dlopen", path, under=policy(native_code="deny"))
        check(f"native: dlopen {path} stays open", run.out == "ok" and run.count() == 0, run)
    run = Run("dlmopen", f"{Tools.libraries}/libc.so.6", under=policy(outbound="deny"))
    check("native: a second libc in another namespace is refused", "refused" in run.out, run)
    check("native: dlmopen works plain", Run("dlmopen", "libm.so.6").out == "ok")

    # A child's environment cannot bring one in either.
    for name, value in (("LD_PRELOAD", library), ("LD_AUDIT", library)):
        argv = ["system", f"{name}={value} /bin/echo done"]
        plain = Run(*argv)
        run = Run(*argv, under=policy(native_code="deny", child_processes="grant"))
        check(
            f"native: {name} of a child",
            ("planted" in plain.out or name == "LD_AUDIT") and "planted" not in run.out and "done" in run.out,
            f"{plain} {run}",
        )
    shadow = folder + "/shadow"
    os.mkdir(shadow)
    shutil.copy(library, shadow + "/libselinux.so.1")
    argv = ["system", f"LD_LIBRARY_PATH={shadow}:{Tools.libraries} /bin/ls -d /"]
    plain, run = Run(*argv), Run(*argv, under=policy(native_code="deny", child_processes="grant"))
    check(
        "native: LD_LIBRARY_PATH of a child keeps its accepted part only",
        "planted" in plain.out and "planted" not in run.out and run.out.startswith("/"),
        f"{plain} {run}",
    )
    shutil.rmtree(folder)
