# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: E501
"""Every guarded file function: works plain, works and is silent under grant, is counted once under observe, and under deny is
refused with EPERM, leaves no trace in the file system and is counted once. P is the protected tree, O the open one."""

import os

from harness import Fixture, Run, check, skip

READS = """
open P/file
open64 P/file
openat P/file
openat64 P/file
openat_dir P file
open_2 P/file
open64_2 P/file
openat_2 P/file
openat64_2 P/file
openat2 P/file
openat2_beneath P file
openat2_in_root P /file
open_by_handle_at P/file O
raw_open P/file
raw_openat P/file
fopen P/file
freopen P/file
open O/to_file
open O/to_dir/file
open O/to_to_dir/own_link
openat_dir O/to_dir file
openat_dir O ../protected/file
open O/../protected/./file
open O/dir/sub/../../../protected//file
open /proc/self/root/P/file
open /proc/self/cwd/UP//P/file
fopen O/to_file
opendir P/dir
opendir O/to_dir
scandir P
scandirat P
scandirat O/to_dir
getxattr P/file
lgetxattr P/file
listxattr P/file
llistxattr P/file
stat P/file
lstat P/file
fstatat P/file
xstat P/file
lxstat P/file
fxstatat P/file
statx P/file
access P/file
faccessat P/file
euidaccess P/file
readlink P/own_link
readlinkat P/own_link
raw_stat P/file
raw_statx P/file
raw_access P/file
raw_faccessat2 P/file
raw_readlink P/own_link
stat O/to_file
stat O/to_dir/file
statfs P/file
statfs O/to_file
statvfs P/file
raw_statfs P/file
name_to_handle_at P/file
name_to_handle_at O/to_dir/own_link
inotify_add_watch P
inotify_add_watch P/file
inotify_add_watch O/to_file
raw_inotify_add_watch O/to_dir
"""

WRITES = """
open_write P/file
open_rdwr P/file
open_append P/file
open_trunc P/file
open_create P/new
open_create P/file
open_create O/to_new
open_create O/to_dir/new
open_excl P/new
open_tmpfile P
creat P/file
creat P/new
creat64 P/new
creat O/to_file
fopen_write P/file
fopen_write O/to_new
mkstemp P
mkstemp O/to_dir
mkdtemp P
mkdir P/new
mkdir O/to_dir/new
mkdir P/new/
mkdirat P/new
mknod P/new
mknodat P/new
mkfifo P/new
mkfifoat P/new
unlink P/file
unlink O/to_dir/file
unlinkat P/file
unlinkat_dir P file
unlinkat_dir O/to_dir file
remove P/file
remove P/empty
rmdir P/empty
unlinkat_rmdir P/empty
symlink x P/new
symlink x O/to_dir/new
symlinkat x P/new
rename P/file P/new
rename P/file O/new
rename O/file P/new
rename O/file P/file
rename O/to_dir/file O/new
renameat P/file O/new
renameat2 O/file P/new
renameat2_exchange P/file O/file
renameat2_exchange O/file P/file
rename P O/moved
link P/file O/new
link O/file P/new
linkat P/file O/new
linkat_follow O/to_file O/new
link O/to_dir/file O/new
truncate P/file
truncate O/to_file
truncate64 P/file
chmod P/file
chmod O/to_file
fchmodat P/file
fchmod P/file
lchmod P/file
chown P/file
lchown P/own_link
fchown P/file
fchownat P/file
fchownat_empty P/file
utime P/file
utimes P/file
lutimes P/own_link
futimes P/file
futimesat P/file
utimensat P/file
utimensat O/to_file
futimens P/file
setxattr P/file
lsetxattr P/file
fsetxattr P/file
removexattr P/file
lremovexattr P/file
fremovexattr P/file
bind_unix P/new
bind_unix O/to_dir/new
addopen P/new
addopen O/to_dir/new
raw_creat P/new
raw_mkdir P/new
raw_mkdirat P/new
raw_mknod P/new
raw_mknodat P/new
raw_unlink P/file
raw_unlinkat P/file
raw_rmdir P/empty
raw_symlink x P/new
raw_symlinkat x P/new
raw_rename P/file O/new
raw_renameat P/file O/new
raw_renameat2 P/file O/new
raw_link P/file O/new
raw_linkat P/file O/new
raw_truncate P/file
raw_chmod P/file
raw_fchmodat P/file
raw_fchmodat2 P/file
raw_fchmod P/file
raw_chown P/file
raw_lchown P/own_link
raw_fchownat P/file
raw_utimensat P/file
raw_utimes P/file
raw_setxattr P/file
raw_removexattr P/file
"""

# Operations of a verb beside the one under test: fchmod and its like open the file first, an open directory is a stat, ...
ALSO_OPENS = {
    "open_by_handle_at",
    "fchmod",
    "fchown",
    "futimes",
    "futimens",
    "fsetxattr",
    "fremovexattr",
    "raw_fchmod",
    "fchownat_empty",
    "openat_dir",
    "unlinkat_dir",
    "openat2_beneath",
    "openat2_in_root",
    "open_tmpfile",
}


def arguments(fixture, words):
    out = []
    for word in words:
        if word.startswith("/proc"):
            word = word.replace("UP", os.path.relpath("/", os.getcwd())).replace("/P/", fixture.protected + "/")
        if word == "P" or word.startswith("P/"):
            word = fixture.protected + word[1:]
        elif word == "O" or word.startswith("O/"):
            word = fixture.open + word[1:]
        out.append(word)
    return out


def one(fixture, line, writes):
    name, *words = line.split()
    argv = [name, *arguments(fixture, words)]
    title = "files: " + line

    def fresh():
        fixture.fill()
        return fixture.snapshot()

    before = fresh()
    plain = Run(*argv)
    if plain.out == "EOPNOTSUPP" or (os.getuid() and plain.out == "EPERM"):
        return skip(title, f"{plain.out} without us, on this file system or for this user")
    if not check(
        title + " (plain works)", plain.out.startswith("ok") and (not writes or fixture.snapshot() != before), plain
    ):
        return
    seen = fixture.snapshot()

    for action in ("grant", "observe"):
        fresh()
        run = Run(*argv, under=fixture.policy(action, outbound="deny") if action == "grant" else fixture.policy(action))
        same = run.out == plain.out and run.status == plain.status
        if writes:  # names made by mkstemp differ
            now = fixture.snapshot()
            same = (
                same
                and len(now) == len(seen)
                and [v[:5] for v in sorted(now.values(), key=str)] == [v[:5] for v in sorted(seen.values(), key=str)]
            )
        check(f"{title} ({action}: as plain)", same, run)
        expected = 0 if action == "grant" else 1
        counted = run.count()
        right = counted == expected or (expected and name in ALSO_OPENS and counted == 2)
        check(f"{title} ({action}: counted)", right and all(e["action"] == action for e in run.events), run)

    # What comes first with another call (the descriptor that fchmod gets) is granted, so that the call itself is met.
    if name in ALSO_OPENS and writes:
        under = fixture.policy("deny", read="grant")
    elif name in ALSO_OPENS:
        under = fixture.policy("deny", pattern="/*")
    else:
        under = fixture.policy("deny")
    before = fresh()
    run = Run(*argv, under=under)
    refused = run.out.startswith("EPERM")
    check(title + " (deny: refused)", refused and "secret" not in run.out, run)
    check(title + " (deny: no effect)", fixture.snapshot() == before, run)
    counted = run.count("deny")
    check(title + " (deny: counted once)", counted == 1, run)


def walks(fixture):
    """Tree walks of libc's own: under deny the protected directory stays shut."""
    for verb in ("ftw", "nftw", "fts"):
        fixture.fill()
        plain = Run(verb, fixture.root)
        shut = Run(verb, fixture.root, under=fixture.policy("deny"))
        seen, left = (int(r.out.split()[1]) for r in (plain, shut))
        check(f"files: {verb} does not enter the protected tree", seen - left >= 6, f"{plain} {shut}")
        granted = Run(verb, fixture.root, under=fixture.policy("grant", outbound="deny"))
        check(f"files: {verb} (grant: as plain)", granted.out == plain.out, granted)
    plain = Run("glob", fixture.open + "/to_dir/*")
    shut = Run("glob", fixture.open + "/to_dir/*", under=fixture.policy("deny"))
    check(
        "files: glob does not list the protected tree",
        plain.out != "found 0" and shut.out == "found 0",
        f"{plain} {shut}",
    )


def test():
    fixture = Fixture()
    for lines, writes in ((READS, False), (WRITES, True)):
        for line in lines.split("\n"):
            if line:
                one(fixture, line, writes)
    walks(fixture)
    fixture.remove()
