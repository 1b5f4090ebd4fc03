# SPDX-License-Identifier: Apache-2.0
"""Where a channel works and how to see that it worked: from outside, never by what it or we report.

A channel's `kind` says what its effect is:

    read     the content of `secret` (random, known to the runner alone) comes back through a pipe
    list     the random name of a file in `dir`/sub comes back
    stat     the random time of `secret`, or which of twenty names in `dir`/maybe exist, comes back
    write    `dir` does not look as before: names, contents, modes, times, links, owners, attributes
    spawn    a child, and it alone, leaves `marker`
    load     code of a library in a writable place leaves `marker`
    send     bytes or a connection reach a socket of the runner
    ask      a name server of the runner is asked
    value    a value that the runner gave in pieces comes back whole
"""

import dbm.dumb
import gzip
import hashlib
import bz2
import io
import lzma
import mailbox
import os
import pathlib
import pickle
import random
import secrets
import shutil
import sqlite3
import stat
import subprocess
import tarfile
import zipfile

GUARDED = ("read", "list", "stat", "write")


class Place:
    """The folders of one channel in one run."""

    def __init__(self, base, number, name, kind, files, peers=None, library=None):
        self.name, self.kind, self.peers, self.listening = name, kind, peers, None
        # The runner finds a channel's events by this part of their paths.
        self.tag = f"channel{number:03d}"
        self.dir = base / ("guarded" if kind in GUARDED else "scratch") / self.tag
        self.out = base / "out" / self.tag
        self.token = secrets.token_hex(12)
        self.dir.mkdir(parents=True)
        self.out.mkdir(parents=True)
        self.marker = self.out / "marker"
        self.known = {"dir": str(self.dir), "out": str(self.out), "marker": str(self.marker)}
        self.known["secret"] = str(self.dir / "secret")
        self.known["tag"] = self.tag
        if kind in GUARDED:
            self._fill(files)
        if kind == "send":
            self.listening = peers.listen(self.out)
            self.known.update(self.listening)
        if kind in ("send", "ask"):
            # Parts of what a look-up is recognised by: it is found in the question.
            self.asked_name = f"{self.tag}-{secrets.token_hex(4)}.look.example"
            address = [random.randrange(1, 255) for _ in range(3)]
            self.known["name"] = self.asked_name
            self.known["strange"] = f"198.{address[0]}.{address[1]}.{address[2]}"
            self.asked_reverse = f"{address[2]}.{address[1]}.{address[0]}.198.in-addr.arpa"
            self.known.update(name_server=peers.name_server, dns_port=peers.dns_port)
        if kind in ("load", "spawn") and library:
            self.known["library"] = str(self.out / "library.so")
            shutil.copy(library, self.known["library"])
        self.before = self._picture() if kind == "write" else None

    def _fill(self, files):
        content = self.token.encode()
        secret = self.dir / "secret"
        secret.write_bytes(content)
        secret.chmod(0o644)
        self.time = random.randrange(4 * 10**8, 10**9)
        os.utime(secret, (self.time, self.time))
        if self.kind in ("list", "stat", "write"):
            sub = self.dir / "sub"
            sub.mkdir()
            (sub / f"inner{self.token}").write_text("inner")
            (self.dir / "empty").mkdir()
            (self.dir / "link").symlink_to("secret" if self.kind == "write" else f"sub/inner{self.token}")
        if self.kind == "stat":
            (self.dir / "maybe").mkdir()
            self.maybe = "".join(random.choice("01") for _ in range(20))
            for number, there in enumerate(self.maybe):
                if there == "1":
                    (self.dir / "maybe" / str(number)).touch()
            # A random size and disk usage would round to blocks; the attribute is for what reads attributes.
            try:
                os.setxattr(secret, "user.coverage", content)
            except OSError:
                pass
        for name in files:
            make_file(self.dir / name, self.token)

    def stir(self):
        """Somebody else changes a file: for channels that watch."""
        os.utime(self.dir / "sub" / f"inner{self.token}")
        secret = self.dir / "secret"
        secret.chmod(secret.stat().st_mode ^ 0o022)

    def _picture(self):
        """What the folder looks like; access times left out."""
        found = {}
        for path in sorted([self.dir, *self.dir.rglob("*")]):
            about = path.lstat()
            content = path.read_bytes() if stat.S_ISREG(about.st_mode) else b""
            link = os.readlink(path) if path.is_symlink() else ""
            names = tuple(os.listxattr(path, follow_symlinks=False))
            folder = stat.S_ISDIR(about.st_mode)
            # A folder's own time follows from what is in it, and a file that came and went is an effect too.
            found[str(path)] = (
                about.st_mode,
                about.st_uid,
                about.st_gid,
                0 if folder else about.st_nlink,
                about.st_mtime_ns,
                content,
                link,
                names,
                flags_of(path) if stat.S_ISREG(about.st_mode) else 0,
            )
        return found

    def happened(self, outcome, text):
        """Whether the operation had its effect; `outcome` is what the program said last, `text` all that it printed."""
        value = str(outcome.get("value"))
        everything = value + str(outcome.get("error")) + text
        if self.kind in ("read", "list"):
            digest = hashlib.sha256(self.token.encode()).hexdigest()
            return self.token in everything or digest in value
        if self.kind == "stat":
            return str(self.time) in value or self.maybe in value or self.token in value
        if self.kind == "write":
            return self._picture() != self.before
        if self.kind in ("spawn", "load"):
            return self.marker.exists()
        if self.kind == "send":
            return self.peers.reached(self.listening)
        if self.kind == "ask":
            return self.peers.asked(self.asked_name) or self.peers.asked(self.asked_reverse)
        return value == "happened"


def flags_of(path):
    """The inode's own flags (chattr), where the file system has them."""
    import array
    import fcntl

    flags = array.array("l", [0])
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        fcntl.ioctl(descriptor, 0x80086601, flags)
    except OSError:
        return 0
    finally:
        os.close(descriptor)
    return flags[0] & 0x72  # immutable, append, no dump, no atime, sync


def make_file(path, token):
    """A file of a certain form that holds the token."""
    path.parent.mkdir(parents=True, exist_ok=True)
    name = path.name
    text = token.encode()
    if name == "archive.zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("member", text)
            archive.writestr("zipped.py", f"TOKEN = '{token}'\n")
    elif name == "archive.tar":
        with tarfile.open(path, "w") as archive:
            about = tarfile.TarInfo("member")
            about.size = len(text)
            archive.addfile(about, io.BytesIO(text))
    elif name.endswith((".gz", ".bz2", ".xz")):
        compress = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress}[path.suffix]
        path.write_bytes(compress(text))
    elif name == "data.sqlite":
        connection = sqlite3.connect(path)
        connection.execute("create table t(a)")
        connection.execute("insert into t values (?)", (token,))
        connection.commit()
        connection.close()
    elif name == "dumb.dat":
        with dbm.dumb.open(str(path)[:-4], "n") as database:
            database["k"] = token
    elif name == "shelf.dat":
        with dbm.dumb.open(str(path)[:-4], "n") as database:
            database["k"] = pickle.dumps(token, 2)
    elif name == "pickled":
        path.write_bytes(pickle.dumps(token, 2))
    elif name == "mbox":
        box = mailbox.mbox(str(path))
        box.add(f"Subject: {token}\n\nbody\n")
        box.close()
    elif name.startswith("certificate"):
        path.write_text(certificate(token))
    elif name == "executable":
        path.write_text(f"#!/bin/sh\necho {token}\n")
        path.chmod(0o755)
    else:
        path.write_text(FORMS[path.suffix if name not in FORMS else name].replace("TOKEN", token))


FORMS = {
    ".py": "NAME = 'TOKEN'\ndef named():\n    return 'TOKEN'\n",
    ".mjs": "export const NAME = 'TOKEN';\n",
    ".js": "module.exports = 'TOKEN';\n",
    ".json": '{"k": "TOKEN", "name": "TOKEN", "main": "x.js"}\n',
    ".ini": "[section]\nk = TOKEN\n",
    ".csv": "a,TOKEN\n",
    ".xml": "<a>TOKEN</a>\n",
    ".plist": '<?xml version="1.0"?><plist version="1.0"><string>TOKEN</string></plist>\n',
    ".env": "COVERAGE_SECRET=TOKEN\n",
    ".txt": "TOKEN\n",
    ".pth": "TOKEN\n",
    "cookies.txt": "# Netscape HTTP Cookie File\n.example.com\tTRUE\t/\tFALSE\t4102444800\tname\tTOKEN\n",
    "netrc": "machine example.com login a password TOKEN\n",
    "mime.types": "application/TOKEN tkn\n",
    "mailcap": "application/x-coverage; TOKEN %s\n",
    "history": "TOKEN\n",
    "inputrc": 'set bell-style TOKEN\n"\\C-xq": "TOKEN"\n',
    "robots.txt": "User-agent: TOKEN\nDisallow: /\n",
    "uuencoded": "begin 644 x\n",
    "bad.py": "TOKEN = = 1\n",
    "bad.js": "TOKEN = = 1\n",
    "bad.json": "TOKEN",
    "package.json": '{"name": "TOKEN", "main": "x.js"}\n',
    "doctest.txt": ">>> 'TOKEN'\n''\n",
}


def certificate(token):
    made = subprocess.run(
        [*"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout - -days 9".split()]
        + ["-subj", f"/CN={token}"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=True,
    )
    return made.stdout.decode()


LIBRARY = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
/* Leaves `marker` beside itself, or where the variable says. */
__attribute__((constructor)) static void loaded(void) {
  char path[4200];
  const char* named = getenv("COVERAGE_MARKER");
  Dl_info about;
  if (named) {
    strncpy(path, named, 4000);
  } else if (dladdr((void*)loaded, &about) && strrchr(about.dli_fname, '/')) {
    strncpy(path, about.dli_fname, 4000);
    strcpy(strrchr(path, '/'), "/marker");
  } else {
    return;
  }
  int made = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
  if (made >= 0) close(made);
}
int sqlite3_extension_init(void* a, void* b, void* c) { return 0; }
int bind_engine(void* a, const char* b, void* c) { return 0; }
unsigned long v_check(unsigned long v) { return 0x00030000; }
void* PyInit_library(void) { return 0; }
void gconv_init(void) {}
"""


def build_library(folder):
    """A library whose constructor leaves a marker; None where there is no C compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if not compiler:
        return None
    library = pathlib.Path(folder) / "library.so"
    command = [compiler, "-shared", "-fPIC", "-w", "-x", "c", "-", "-o", str(library)]
    done = subprocess.run(command, input=LIBRARY.encode(), stderr=subprocess.DEVNULL)
    return library if done.returncode == 0 else None
