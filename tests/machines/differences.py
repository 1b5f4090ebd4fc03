# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: E501
"""What a machine of tests/machines does otherwise than the tests of line 2 expect, and why: (pattern of names, reason)."""

OLD_CALLS = "open|stat|access|readlink|creat|mkdir|mknod|unlink|rmdir|symlink|rename|link|chmod|chown|lchown|utimes"
NO_SUCH_CALL = "arm64 has no such system call"
NOT_EMULATED = "the emulator does not have this call"
VFORK = "the emulator makes a fork of vfork: the child of posix_spawn shares no memory with its parent"
NAMESPACE = "not allowed in a user namespace"

OF = {
    "arm64": [
        (rf"^files: raw_({OLD_CALLS}) .*\(plain works\)", NO_SUCH_CALL),
        (r"^processes: raw_fork \(plain\)", NO_SUCH_CALL),
        (r"^files: (openat2|openat2_beneath|openat2_in_root|raw_fchmodat2) .*\(plain works\)", NOT_EMULATED),
        (r"^processes: (execveat|execveat_fd|raw_execveat|fexecve) .*\(plain\)", NOT_EMULATED),
        (r"^unguarded: .*, fexecve \((plain|observe|grant)\)", NOT_EMULATED),
        (r"^native: memfd_exec .*\((grant|observe)\)", NOT_EMULATED + " (execveat, by which fexecve runs)"),
        (r"^network: io_uring is there without us", NOT_EMULATED),
        (r"^processes: clone_vm .*\(plain\)", NOT_EMULATED + " (CLONE_VM beside the parent)"),
        (r"^files: addopen .*\(deny: refused\)", VFORK + ": its error does not come back"),
        (r"^unguarded: .*, posix_spawn \(deny\)", VFORK + ": its error does not come back"),
        (r"^processes: spawn_closed .*\(observe\)", VFORK + ": nor the line of one that has closed the log"),
        (r"^files: open_by_handle_at .*\(plain works\)", NAMESPACE),
        (
            r"^unguarded: the loader as a program, .*\(plain\)",
            "the emulator takes the loader's own path for the program's",
        ),
        (r"^children: no trace of ours in /proc/self/environ", "the kernel's copy is the emulator's own environment"),
        (
            r"^processes: a granted shell starts granted programs",
            "a shell's tries in two folders come too far apart to count as one (20 ms)",
        ),
        (r"ends its owner", "the emulator makes /proc/self/stat up: no start time to know the owner by"),
        (
            r"^fidelity: .*: open\(/proc/self/maps, 0\)",
            "the emulator makes /proc/self/maps up, for this spelling alone",
        ),
        (r"^fidelity: .*: sendmmsg 2", "the emulator sends to an address that cannot be read"),
        (
            r"^fidelity: .*: (create\b.*|creat|name 255|openat create|deep cwd create):? ?",
            "without openat2 a new file is opened with O_NOFOLLOW, which F_GETFL tells",
        ),
    ],
    "glibc-2.31": [
        (r"\(splice\)", "its Python 3.9 has no os.splice"),
        (r"^files: open_by_handle_at .*\(plain works\)", NAMESPACE),
        (r"^files: lchmod .*\(plain works\)", "this glibc has none that works"),
        (
            r"^fidelity: .*: (fchmodat nofollow file|cwd gone up)",
            "this glibc refuses AT_SYMLINK_NOFOLLOW here; we do what later ones do",
        ),
    ],
}

OF["arm64-bti"] = OF["arm64"]
