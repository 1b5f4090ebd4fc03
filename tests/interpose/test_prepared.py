# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: E501
"""Children that are handed libc as they need it (from the fifth child of a process on), and those it does not fit."""

import shutil
import tempfile

import test_files
import test_network
from harness import Fixture, Run, Tools, check, compile_library, skip
from test_processes import CHILDREN

MAPS = "/proc/self/maps"
OURS = "memfd:app_protect"

# Takes the place of the islands before our constructor runs.
SQUATTER = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <sys/mman.h>
__attribute__((constructor)) static void squat(void) {
  Dl_info libc;
  if (dladdr((void *)fopen, &libc))
    mmap((char *)libc.dli_fbase - (256ul << 20), 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
}
"""


def text_of_libc(maps):
    """The line of an executable mapping of libc, ours or the file's."""
    lines = [line for line in maps.split("\n") if " r-xp " in line]
    return [line.split()[-1] if OURS not in line else OURS for line in lines if "libc" in line or OURS in line]


def other_libc(folder):
    """A libc with another build id: what its parent has prepared is not for it."""
    with open(f"{Tools.root}{Tools.libraries}/libc.so.6", "rb") as f:
        content = bytearray(f.read())
    at = content.find(b"\4\0\0\0\x14\0\0\0\3\0\0\0GNU\0")
    if at < 0:
        return False
    content[at + 16] ^= 1
    with open(folder + "/libc.so.6", "wb") as f:
        f.write(content)
    return True


def used(fixture):
    under = fixture.policy("deny")
    first = Run("posix_spawn", "/bin/cat", MAPS, under=under)
    check("prepared: not for the first child", OURS not in text_of_libc(first.out) and first.status == 0, first)
    sixth = Run("sixth", "/bin/cat", MAPS, under=under)
    check("prepared: libc's text and the islands in the sixth", text_of_libc(sixth.out) == [OURS, OURS], sixth)
    below = Run("sixth", "/bin/sh", "-c", f"/bin/cat {MAPS}; exit 0", under=under)
    check("prepared: and in what that one starts", text_of_libc(below.out) == [OURS, OURS], below)
    check("prepared: nothing of it can be written to", " rwxp " not in sixth.out, sixth)
    limited = Run("-c", f"ulimit -f 100; exec {Tools.host} sixth /bin/cat {MAPS}", program="/bin/sh", under=under)
    check(
        "prepared: not where files must not be so large",
        limited.status == 0 and OURS not in text_of_libc(limited.out),
        limited,
    )
    plain = Run("sixth", "/bin/cat", MAPS)
    check("prepared: not without a policy", OURS not in plain.out and "libc" in plain.out, plain)


def denied(title, fixture, variable=None):
    """Of a child (with a variable more than its parent) its mappings; checks that it is policed."""
    under = fixture.policy("deny", native_code="grant" if variable else "deny")
    argv = ["sixth", "/usr/bin/env", *([variable] if variable else []), "/bin/cat"]
    maps = Run(*argv, MAPS, under=under)
    secret = Run(*argv, fixture.protected + "/file", under=under)
    public = Run(*argv, fixture.open + "/file", under=under)
    check(
        f"prepared: {title}: policed all the same",
        "secret" not in secret.out and secret.count("deny") == 1 and public.out == "public",
        f"{secret} {public}",
    )
    return maps


def fall_back(fixture, folder):
    if other_libc(folder):
        maps = denied("another libc", fixture, "LD_LIBRARY_PATH=" + folder)
        check("prepared: another libc keeps its own text", text_of_libc(maps.out) == [folder + "/libc.so.6"], maps)
    else:
        skip("prepared: another libc", "libc has no build id")
    library = folder + "/squatter.so"
    if not compile_library(SQUATTER, library):
        skip("prepared: the place is taken", "no compiler")
        return
    maps = denied("the place of the islands is taken", fixture, "LD_PRELOAD=" + library)
    check("prepared: the place of the islands is taken: libc keeps its text", text_of_libc(maps.out)[0] != OURS, maps)


def test():
    fixture = Fixture()
    folder = tempfile.mkdtemp(prefix="ap_prepared_", dir="/var/tmp")
    used(fixture)
    denied("as it is", fixture)
    fall_back(fixture, folder)
    for words in CHILDREN:
        argv = [word.replace("F", fixture.protected + "/file") for word in words if not word.startswith("import multi")]
        if words[0] in ("execvp", "system") and len(argv) == len(words):
            argv = ["sixth", *(["/bin/sh", "-c"] if words[0] == "system" else ["/usr/bin/env"]), *argv[1:]]
            run = Run(*argv, under=fixture.policy("deny"))
            check("prepared: " + " ".join(words)[:90], "secret" not in run.out and run.count("deny") == 1, run)
    fixture.remove()
    shutil.rmtree(folder)

    # Everything again, done by such a child.
    Tools.before_verb = ["sixth", Tools.host]
    test_files.test()
    test_network.test()
    Tools.before_verb = []
