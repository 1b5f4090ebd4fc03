# SPDX-License-Identifier: Apache-2.0
"""Ways in which Python changes files: content, names, modes, times, owners, attributes."""

import os

from .channel import Topic, checked, child_says, forked, in_thread, libc, m

t = Topic("files_write", "Changing files", kind="write")

t.group("content: language")
t("open w", lambda p: open(p.dir + "/new", "w").close())
t("open a", lambda p: put(open(p.secret, "a")))
t("open x", lambda p: open(p.dir + "/new", "x").close())
t("open r+", lambda p: put(open(p.secret, "r+")))
t("open w+, bytes path", lambda p: open((p.dir + "/new").encode(), "w+").close())
t("open wb unbuffered", lambda p: open(p.secret, "wb", 0).close())
t("open, opener", lambda p: open("x", "w", opener=lambda _, flags: os.open(p.dir + "/new", flags)).close())
t("io.FileIO w", lambda p: m("io").FileIO(p.dir + "/new", "w").close())
t("io.FileIO subclass", lambda p: type("F", (m("io").FileIO,), {})(p.dir + "/new", "w").close())
t("_pyio.open", lambda p: m("_pyio").open(p.dir + "/new", "w").close())
t("codecs.open", lambda p: m("codecs").open(p.dir + "/new", "w", "utf-8").close())
t("pathlib write_text", lambda p: m("pathlib").Path(p.dir, "new").write_text("x"))
t("pathlib write_bytes", lambda p: m("pathlib").Path(p.dir, "new").write_bytes(b"x"))
t("pathlib touch", lambda p: m("pathlib").Path(p.dir, "new").touch(exist_ok=False))
t("pathlib open w", lambda p: m("pathlib").Path(p.dir, "new").open("w").close())
t("os.open O_CREAT", lambda p: os.close(os.open(p.dir + "/new", os.O_CREAT | os.O_WRONLY)))
t("os.open O_CREAT without write", lambda p: os.close(os.open(p.dir + "/new", os.O_CREAT)))
t("os.open O_TRUNC", lambda p: os.close(os.open(p.secret, os.O_TRUNC)))
t("os.open O_TRUNC O_WRONLY", lambda p: os.close(os.open(p.secret, os.O_TRUNC | os.O_WRONLY)))
t("os.open, dir_fd", lambda p: os.close(os.open("new", os.O_CREAT | os.O_RDWR, dir_fd=os.open(p.dir, os.O_RDONLY))))
t("os.open access mode 3, then ftruncate", lambda p: os.ftruncate(os.open(p.secret, 3), 0))
t("os.pwrite", lambda p: os.pwrite(os.open(p.secret, os.O_WRONLY), b"x", 0))
t("os.writev", lambda p: os.writev(os.open(p.secret, os.O_WRONLY), [b"x"]))
t("os.truncate", lambda p: os.truncate(p.secret, 0))
t("os.truncate, descriptor", lambda p: os.truncate(os.open(p.secret, os.O_RDWR), 0))
t("os.ftruncate", lambda p: os.ftruncate(os.open(p.secret, os.O_RDWR), 0))
t("os.posix_fallocate", lambda p: os.posix_fallocate(os.open(p.secret, os.O_RDWR), 0, 99), source="no audit event")
t("os.copy_file_range", lambda p: os.copy_file_range(given(p), os.open(p.secret, os.O_WRONLY), 4))
t("os.sendfile", lambda p: os.sendfile(os.open(p.secret, os.O_WRONLY), given(p), 0, 4))
t("os.splice", lambda p: spliced(p))
t("mmap", lambda p: mapped(p))
t("os.O_TMPFILE and os.link", lambda p: unnamed(p))
t("read descriptor reopened for writing, /proc/self/fd", lambda p: put(open(f"/proc/self/fd/{reading(p)}", "w")))
t("O_PATH descriptor reopened, /dev/fd", lambda p: put(open(f"/dev/fd/{os.open(p.secret, os.O_PATH)}", "w")))
t("symbolic link", lambda p: (os.symlink(p.secret, p.out + "/link"), put(open(p.out + "/link", "w"))))
t("dangling symbolic link", lambda p: (os.symlink(p.dir + "/new", p.out + "/link"), put(open(p.out + "/link", "w"))))
t("symbolic link to the folder", lambda p: (os.symlink(p.dir, p.out + "/l"), put(open(p.out + "/l/new", "w"))))
t("/proc/self/root", lambda p: put(open("/proc/self/root" + p.secret, "w")))
t("/proc/self/cwd", lambda p: (os.chdir(p.dir), put(open("/proc/self/cwd/new", "w"))))
t("relative", lambda p: (os.chdir(p.dir), open("new", "w").close()))
t("thread", lambda p: in_thread(lambda: open(p.dir + "/new", "w").close()))

t.group("names")
t("os.mkdir", lambda p: os.mkdir(p.dir + "/new"))
t("os.mkdir, dir_fd", lambda p: os.mkdir("new", dir_fd=os.open(p.dir, os.O_RDONLY)))
t("os.makedirs", lambda p: os.makedirs(p.dir + "/new/er"))
t("pathlib mkdir", lambda p: m("pathlib").Path(p.dir, "new").mkdir())
t("os.rmdir", lambda p: os.rmdir(p.dir + "/empty"))
t("os.removedirs", lambda p: os.removedirs(p.dir + "/empty"))
t("os.unlink", lambda p: os.unlink(p.secret))
t("os.remove, dir_fd", lambda p: os.remove("secret", dir_fd=os.open(p.dir, os.O_RDONLY)))
t("pathlib unlink", lambda p: m("pathlib").Path(p.secret).unlink())
t("os.rename", lambda p: os.rename(p.secret, p.dir + "/new"))
t("os.rename out", lambda p: os.rename(p.secret, p.out + "/new"))
t("os.rename in", lambda p: (given(p), os.rename(p.out + "/given", p.dir + "/new")))
t("os.rename over", lambda p: (given(p), os.rename(p.out + "/given", p.secret)))
t("os.rename of a folder", lambda p: os.rename(p.dir + "/sub", p.out + "/sub"))
t(
    "os.rename, dir_fds",
    lambda p: os.rename("secret", "new", src_dir_fd=os.open(p.dir, 0), dst_dir_fd=os.open(p.dir, 0)),
)
t("os.renames", lambda p: os.renames(p.secret, p.dir + "/new"))
t("os.replace", lambda p: (given(p), os.replace(p.out + "/given", p.secret)))
t("pathlib rename", lambda p: m("pathlib").Path(p.secret).rename(p.dir + "/new"))
t("pathlib replace", lambda p: m("pathlib").Path(p.secret).replace(p.dir + "/new"))
t("os.link", lambda p: os.link(p.secret, p.dir + "/new"))
t("os.link out", lambda p: os.link(p.secret, p.out + "/new"))
t("os.link out, then written", lambda p: (os.link(p.secret, p.out + "/new"), put(open(p.out + "/new", "w"))))
t("os.link in", lambda p: (given(p), os.link(p.out + "/given", p.dir + "/new")))
t("os.symlink", lambda p: os.symlink("x", p.dir + "/new"))
t("os.symlink, dir_fd", lambda p: os.symlink("x", "new", dir_fd=os.open(p.dir, os.O_RDONLY)))
t("pathlib symlink_to", lambda p: m("pathlib").Path(p.dir, "new").symlink_to("x"))
t("pathlib hardlink_to", lambda p: m("pathlib").Path(p.dir, "new").hardlink_to(p.secret))
t("os.mkfifo", lambda p: os.mkfifo(p.dir + "/new"), source="no audit event")
t("os.mknod", lambda p: os.mknod(p.dir + "/new"), source="no audit event")
t("os.mknod, device", lambda p: os.mknod(p.dir + "/new", 0o20666, os.makedev(1, 3)))
t("socket bind, unix stream", lambda p: m("socket").socket(1).bind(p.dir + "/new"))
t("socket bind, unix datagram", lambda p: m("socket").socket(1, 2).bind(p.dir + "/new"))
t("socket bind, relative", lambda p: (os.chdir(p.dir), m("socket").socket(1).bind("new")))
t("asyncio.start_unix_server", lambda p: unix_server(p))
t("socketserver.UnixStreamServer", lambda p: m("socketserver").UnixStreamServer(p.dir + "/new", None))
t("multiprocessing.connection.Listener", lambda p: m("multiprocessing.connection").Listener(p.dir + "/new"))

t.group("about a file")
t("os.chmod", lambda p: os.chmod(p.secret, 0o640))
t("os.chmod, dir_fd", lambda p: os.chmod("secret", 0o640, dir_fd=os.open(p.dir, os.O_RDONLY)))
t("os.chmod, descriptor", lambda p: os.chmod(reading(p), 0o640))
t("os.chmod of the folder", lambda p: os.chmod(p.dir, 0o700))
t("os.fchmod of a read descriptor", lambda p: os.fchmod(reading(p), 0o640))
t("os.chmod through /proc/self/fd", lambda p: os.chmod(f"/proc/self/fd/{os.open(p.secret, os.O_PATH)}", 0o640))
t("os.chmod through a link", lambda p: (os.symlink(p.secret, p.out + "/l"), os.chmod(p.out + "/l", 0o640)))
t("pathlib chmod", lambda p: m("pathlib").Path(p.secret).chmod(0o640))
t("os.chown", lambda p: os.chown(p.secret, 1, 1))
t("os.lchown", lambda p: os.lchown(p.dir + "/link", 1, 1))
t("os.fchown of a read descriptor", lambda p: os.fchown(reading(p), 1, 1))
t("shutil.chown", lambda p: m("shutil").chown(p.secret, 1, 1))
t("os.utime", lambda p: os.utime(p.secret, (1, 1)))
t("os.utime, ns", lambda p: os.utime(p.secret, ns=(1, 1)))
t("os.utime, now", lambda p: os.utime(p.secret))
t("os.utime, descriptor", lambda p: os.utime(reading(p), (1, 1)))
t("os.utime, dir_fd", lambda p: os.utime("secret", (1, 1), dir_fd=os.open(p.dir, os.O_RDONLY)))
t("os.utime, symbolic link itself", lambda p: os.utime(p.dir + "/link", (1, 1), follow_symlinks=False))
t("os.setxattr", lambda p: os.setxattr(p.secret, "user.x", b"1"))
t("os.setxattr, descriptor", lambda p: os.setxattr(reading(p), "user.x", b"1"))
t(
    "fcntl.ioctl FS_IOC_SETFLAGS",
    lambda p: chattr(p),
    source="CVE-2025-55132 class: a read descriptor changes the file",
    never_granted="SECURITY.md: chattr",
)

t.group("standard library")
t("shutil.copyfile", lambda p: (given(p), m("shutil").copyfile(p.out + "/given", p.dir + "/new")))
t("shutil.copy2", lambda p: (given(p), m("shutil").copy2(p.out + "/given", p.dir + "/new")))
t("shutil.copytree", lambda p: (given(p), m("shutil").copytree(p.out, p.dir + "/new", ignore=lambda *_: [])))
t(
    "shutil.copymode",
    lambda p: (given(p), os.chmod(p.out + "/given", 0o600), m("shutil").copymode(p.out + "/given", p.secret)),
)
t("shutil.copystat", lambda p: (given(p), m("shutil").copystat(p.out + "/given", p.secret)))
t("shutil.move", lambda p: (given(p), m("shutil").move(p.out + "/given", p.dir + "/new")), several=True)
t("shutil.rmtree", lambda p: m("shutil").rmtree(p.dir + "/sub"))
t("shutil.rmtree, ignore_errors", lambda p: m("shutil").rmtree(p.dir + "/sub", ignore_errors=True), several=True)
t("shutil.make_archive", lambda p: m("shutil").make_archive(p.dir + "/new", "tar", p.out))
t("shutil.unpack_archive", lambda p: unpacked(p))
t("tempfile.mkstemp", lambda p: m("tempfile").mkstemp(dir=p.dir))
t("tempfile.mkdtemp", lambda p: m("tempfile").mkdtemp(dir=p.dir))
t("tempfile.NamedTemporaryFile", lambda p: m("tempfile").NamedTemporaryFile(dir=p.dir, delete=False))
t("tempfile.TemporaryDirectory", lambda p: held(m("tempfile").TemporaryDirectory(dir=p.dir)))
t("tempfile.mktemp and open", lambda p: open(m("tempfile").mktemp(dir=p.dir), "w").close(), several=True)
t("zipfile", lambda p: m("zipfile").ZipFile(p.dir + "/new", "w").close(), several=True)
t("zipfile extract", lambda p: unzipped(p))
t("tarfile", lambda p: m("tarfile").open(p.dir + "/new", "w").close())
t("tarfile extract with ..", lambda p: untarred(p), source="CVE-2007-4559", several=True)
t("gzip", lambda p: m("gzip").open(p.dir + "/new", "w").close())
t("bz2", lambda p: m("bz2").open(p.dir + "/new", "w").close())
t("lzma", lambda p: m("lzma").open(p.dir + "/new", "w").close())
t("sqlite3.connect", lambda p: made_table(m("sqlite3").connect(p.dir + "/new")))
t("sqlite3.connect, bytes", lambda p: made_table(m("sqlite3").connect((p.dir + "/new").encode())))
t("sqlite3, URI", lambda p: made_table(m("sqlite3").connect(f"file:{p.dir}/new?mode=rwc", uri=True)))
t("sqlite3, ATTACH", lambda p: attach(p, "attach ? as x"), source="no audit event")
t("sqlite3, VACUUM INTO", lambda p: attach(p, "vacuum into ?"), source="no audit event")
t("sqlite3, backup", lambda p: backup(p), source="no audit event")
t("shelve", lambda p: m("shelve").open(p.dir + "/new", "n").close(), several=True)
t("dbm.dumb", lambda p: m("dbm.dumb").open(p.dir + "/new", "n").close(), several=True)
t("dbm.gnu", lambda p: m("dbm.gnu").open(p.dir + "/new", "n").close(), source="no audit event")
t("dbm.ndbm", lambda p: m("dbm.ndbm").open(p.dir + "/new", "n").close(), source="no audit event")
t("dbm.sqlite3", lambda p: m("dbm.sqlite3").open(p.dir + "/new", "n").close(), several=True)
t("logging.FileHandler", lambda p: m("logging").FileHandler(p.dir + "/new"))
t("logging.FileHandler, delay", lambda p: log_to(m("logging").FileHandler(p.dir + "/new", delay=True)))
t("logging RotatingFileHandler", lambda p: m("logging.handlers").RotatingFileHandler(p.dir + "/new"))
t(
    "logging TimedRotatingFileHandler",
    lambda p: m("logging.handlers").TimedRotatingFileHandler(p.dir + "/new"),
    several=True,
)
t("logging WatchedFileHandler", lambda p: m("logging.handlers").WatchedFileHandler(p.dir + "/new"))
t("logging.config.dictConfig", lambda p: configured(p))
t("logging.basicConfig", lambda p: m("logging").basicConfig(filename=p.dir + "/new", force=True))
t("mailbox.mbox", lambda p: m("mailbox").mbox(p.dir + "/new").flush(), several=True)
t("mailbox.Maildir", lambda p: m("mailbox").Maildir(p.dir + "/new"), several=True)
t("csv writer", lambda p: m("csv").writer(open(p.dir + "/new", "w")).writerow(["x"]))
t("pickle.dump", lambda p: m("pickle").dump(1, open(p.dir + "/new", "wb")))
t("plistlib.dump", lambda p: m("plistlib").dump({}, open(p.dir + "/new", "wb")))
t("xml ElementTree.write", lambda p: tree(p))
t("configparser.write", lambda p: m("configparser").ConfigParser().write(open(p.dir + "/new", "w")))
t("wave", lambda p: m("wave").open(p.dir + "/new", "wb"))
t("py_compile", lambda p: (source(p), m("py_compile").compile(p.out + "/x.py", cfile=p.dir + "/new")), several=True)
t(
    "writing a .pyc by import",
    lambda p: pyc(p),
    several=True,
    silent="importlib tries, and goes on without",
)
t("cProfile.dump_stats", lambda p: m("cProfile").Profile().dump_stats(p.dir + "/new"))
t("profile run to file", lambda p: m("cProfile").run("0", p.dir + "/new"))
t("pstats dump_stats", lambda p: stats(p))
t("trace results", lambda p: traced(p), several=True)
t("tracemalloc Snapshot.dump", lambda p: snapshot(p))
t("faulthandler.enable", lambda p: m("faulthandler").dump_traceback(open(p.dir + "/new", "w")))
t("readline.write_history_file", lambda p: m("readline").write_history_file(p.dir + "/new"), source="no audit event")
t(
    "readline.append_history_file",
    lambda p: (open(p.out + "/x", "w"), m("readline").append_history_file(1, p.secret)),
    source="no audit event",
)
t("http.cookiejar save", lambda p: m("http.cookiejar").MozillaCookieJar(p.dir + "/new").save())
t(
    "urllib.request.urlretrieve",
    lambda p: (given(p), m("urllib.request").urlretrieve("file://" + p.out + "/given", p.dir + "/new")),
)
t("ssl keylog_filename", lambda p: keylog(p), source="audit event with flags 0")
t("zipapp.create_archive", lambda p: zipapp(p))
t("venv.create", lambda p: m("venv").create(p.dir + "/new", with_pip=False), several=True)
t("pydoc.writedoc", lambda p: (os.chdir(p.dir), m("pydoc").writedoc("this")))
t("cgitb log folder", lambda p: cgitb(p), several=True)
t("fileinput in place", lambda p: in_place(p), several=True)
t("email generator", lambda p: m("email.generator").Generator(open(p.dir + "/new", "w")))
t("subprocess stdout file", lambda p: m("subprocess").run(["echo"], stdout=open(p.dir + "/new", "w")))
t("asyncio unix datagram endpoint", lambda p: datagram_endpoint(p))
t(
    "ensurepip-free distutils.file_util",
    lambda p: (given(p), m("distutils.file_util").copy_file(p.out + "/given", p.dir + "/new")),
    several=True,
)

t.group("below the language")


def by_name(name, *arguments):
    def run(p):
        values = [a(p).encode() if callable(a) else a for a in arguments]
        if name == "syscall":  # whole words: the kernel looks at all of them
            values = [m("ctypes").c_long(each) if isinstance(each, int) else each for each in values]
        return checked(getattr(libc(), name)(*values))

    return run


def secret(p):
    return p.secret


def new(p):
    return p.dir + "/new"


def out(p):
    return p.out + "/new"


t("ctypes creat", by_name("creat", new, 0o644))
t("ctypes open O_CREAT", by_name("open", new, 0o101, 0o644))
t("ctypes fopen w", lambda p: fopen(p, "fopen"))
t("ctypes fopen64 a", lambda p: fopen(p, "fopen64"))
t("ctypes freopen", lambda p: freopen(p))
t("ctypes setmntent", lambda p: fopen(p, "setmntent"))
t("ctypes mkdir", by_name("mkdir", new, 0o755))
t("ctypes mkdirat", by_name("mkdirat", -100, new, 0o755))
t("ctypes rmdir", by_name("rmdir", lambda p: p.dir + "/empty"))
t("ctypes unlink", by_name("unlink", secret))
t("ctypes unlinkat", by_name("unlinkat", -100, secret, 0))
t("ctypes remove", by_name("remove", secret))
t("ctypes rename", by_name("rename", secret, new))
t("ctypes renameat", by_name("renameat", -100, secret, -100, new))
t(
    "ctypes renameat2 exchange",
    lambda p: (given(p), by_name("renameat2", -100, lambda p: p.out + "/given", -100, secret, 2)(p)),
)
t("ctypes link", by_name("link", secret, out))
t("ctypes linkat", by_name("linkat", -100, secret, -100, out, 0))
t("ctypes symlink", by_name("symlink", b"x", new))
t("ctypes symlinkat", by_name("symlinkat", b"x", -100, new))
t("ctypes truncate", by_name("truncate", secret, 0))
t("ctypes chmod", by_name("chmod", secret, 0o600))
t("ctypes fchmodat", by_name("fchmodat", -100, secret, 0o600, 0))
t("ctypes fchmodat2", by_name("syscall", 452, -100, secret, 0o600, 0))
t("ctypes lchmod", by_name("lchmod", secret, 0o600))
t("ctypes chown", by_name("chown", secret, 1, 1))
t("ctypes fchownat", by_name("fchownat", -100, secret, 1, 1, 0))
t("ctypes utime", by_name("utime", secret, bytes(16)))
t("ctypes utimes", by_name("utimes", secret, bytes(32)))
t("ctypes lutimes", by_name("lutimes", secret, bytes(32)))
t("ctypes futimesat", by_name("futimesat", -100, secret, bytes(32)))
t("ctypes utimensat", by_name("utimensat", -100, secret, bytes(32), 0))
t(
    "ctypes futimens of a read descriptor",
    lambda p: checked(libc().futimens(reading(p), bytes(32))),
    source="CVE-2025-55132",
)
t("ctypes setxattr", by_name("setxattr", secret, b"user.x", b"1", 1, 0))
t("ctypes lsetxattr", by_name("lsetxattr", secret, b"user.x", b"1", 1, 0))
t("ctypes fsetxattr of a read descriptor", lambda p: checked(libc().fsetxattr(reading(p), b"user.x", b"1", 1, 0)))
t("ctypes mkfifo", by_name("mkfifo", new, 0o644))
t("ctypes mknod", by_name("mknod", new, 0o100644, 0))
t("ctypes mkstemp", by_name("mkstemp", lambda p: p.dir + "/XXXXXX"))
t("ctypes mkdtemp", lambda p: pointer("mkdtemp", p.dir + "/XXXXXX"))
t("ctypes mkostemps", by_name("mkostemps", lambda p: p.dir + "/XXXXXX.x", 2, 0))
t("ctypes bind", lambda p: bind(p))
t("ctypes updwtmp", lambda p: libc().updwtmp(p.secret.encode(), m("ctypes").create_string_buffer(b"7", 384)))
t("ctypes posix_spawn addopen", lambda p: addopen(p))
t("ctypes open_memstream-free dprintf", lambda p: libc().dprintf(checked(libc().open(secret(p).encode(), 1)), b"x"))
for name, number, arguments in (
    ("open", 2, (new, 0o101, 0o644)),
    ("openat", 257, (-100, new, 0o101, 0o644)),
    ("creat", 85, (new, 0o644)),
    ("mkdir", 83, (new, 0o755)),
    ("mkdirat", 258, (-100, new, 0o755)),
    ("rmdir", 84, (lambda p: p.dir + "/empty",)),
    ("unlink", 87, (secret,)),
    ("unlinkat", 263, (-100, secret, 0)),
    ("rename", 82, (secret, new)),
    ("renameat2", 316, (-100, secret, -100, new, 0)),
    ("link", 86, (secret, out)),
    ("linkat", 265, (-100, secret, -100, out, 0)),
    ("symlink", 88, (b"x", new)),
    ("truncate", 76, (secret, 0)),
    ("chmod", 90, (secret, 0o600)),
    ("fchmodat", 268, (-100, secret, 0o600)),
    ("chown", 92, (secret, 1, 1)),
    ("lchown", 94, (secret, 1, 1)),
    ("utimensat", 280, (-100, secret, bytes(32), 0)),
    ("setxattr", 188, (secret, b"user.x", b"1", 1, 0)),
    ("mknod", 133, (new, 0o100644, 0)),
    ("setxattrat", 463, (-100, secret, 0, b"user.x", b"\0" * 16, 16)),
    ("file_setattr", 469, (-100, secret, b"\0\0\0\0\0\0\0\0" + bytes(16), 24, 0)),
):
    newer = {"silent": "answered with ENOSYS", "never_granted": "SECURITY.md"} if number > 462 else {}
    t(f"ctypes syscall {name}", by_name("syscall", number, *arguments), **newer)
t(
    "ctypes pythonapi PyRun_SimpleString",
    lambda p: m("ctypes").pythonapi.PyRun_SimpleString(f"open({new(p)!r}, 'w')".encode()),
)

t.group("children")
t("child: shell redirection", lambda p: child_says(f"echo x > {new(p)}", shell=True))
t("child: touch", lambda p: child_says(["touch", new(p)]), several=True)
t("child: rm", lambda p: child_says(["rm", "-f", p.secret]))
t("child: mv", lambda p: child_says(["mv", p.secret, out(p)]), several=True)
t("child: cp", lambda p: (given(p), child_says(["cp", p.out + "/given", new(p)])), several=True)
t("child: ln", lambda p: child_says(["ln", p.secret, out(p)]), several=True)
t("child: chmod", lambda p: child_says(["chmod", "600", p.secret]))
t("child: dd", lambda p: child_says(["dd", "if=/dev/zero", "count=1", "of=" + p.secret]))
t("child: sed -i", lambda p: child_says(["sed", "-i", "s/./x/", p.secret]))
t("child: tar -x", lambda p: (unpack_file(p), child_says(["tar", "-xf", p.out + "/x.tar", "-C", p.dir])), several=True)
t("child: truncate", lambda p: child_says(["truncate", "-s", "0", p.secret]))
t("child: env -i perl", lambda p: child_says(["env", "-i", "perl", "-e", f"syscall(87, '{p.secret}')"]))
t("child: Python", lambda p: child_says([m("sys").executable, "-c", f"open({new(p)!r}, 'w')"]))
t("child: file opened by posix_spawn", lambda p: spawn_open(p))
t("fork", lambda p: forked(lambda: open(new(p), "w").close()))
t("multiprocessing fork", lambda p: process("fork", p))
t("multiprocessing spawn", lambda p: process("spawn", p), alone=True)
t("daemon in two forks", lambda p: forked(lambda: forked(lambda: open(new(p), "w").close())))
t("sub-interpreter", lambda p: interpreter(p))


# --- what they are made of


def put(file):
    with file:
        file.write("changed")


def reading(p):
    return os.open(p.secret, os.O_RDONLY)


def given(p):
    with open(p.out + "/given", "w") as file:
        file.write("given")
    return os.open(p.out + "/given", os.O_RDONLY)


def held(made):
    made._finalizer.detach()
    return made


def spliced(p):
    ours, theirs = os.pipe()
    os.write(theirs, b"x")
    os.splice(ours, os.open(p.secret, os.O_WRONLY), 1)


def mapped(p):
    view = m("mmap").mmap(os.open(p.secret, os.O_RDWR), 4)
    view[:1] = b"x"
    view.flush()


def unnamed(p):
    descriptor = os.open(p.out, os.O_TMPFILE | os.O_RDWR)
    os.link(f"/proc/self/fd/{descriptor}", p.dir + "/new", src_dir_fd=os.open("/", 0), follow_symlinks=True)


def unix_server(p):
    async def main():
        await m("asyncio").start_unix_server(lambda *_: None, p.dir + "/new")

    m("asyncio").run(main())


def datagram_endpoint(p):
    asyncio = m("asyncio")

    async def main():
        loop = asyncio.get_running_loop()
        made, _ = await loop.create_datagram_endpoint(asyncio.DatagramProtocol, p.dir + "/new", family=1)
        made.close()

    asyncio.run(main())


def chattr(p):
    # 0x40: no dump
    m("fcntl").ioctl(reading(p), 0x40086602, m("struct").pack("l", 0x40))


def unpack_file(p):
    with m("tarfile").open(p.out + "/x.tar", "w") as archive:
        archive.addfile(m("tarfile").TarInfo("new"))


def unpacked(p):
    unpack_file(p)
    m("shutil").unpack_archive(p.out + "/x.tar", p.dir)


def unzipped(p):
    with m("zipfile").ZipFile(p.out + "/x.zip", "w") as archive:
        archive.writestr("new", "x")
    m("zipfile").ZipFile(p.out + "/x.zip").extractall(p.dir)


def untarred(p):
    with m("tarfile").open(p.out + "/x.tar", "w") as archive:
        archive.addfile(m("tarfile").TarInfo("../../guarded/" + p.tag + "/new"))
    archive = m("tarfile").open(p.out + "/x.tar")
    archive.extraction_filter = None
    archive.extraction_filter = getattr(m("tarfile"), "fully_trusted_filter", None)
    archive.extractall(p.out)


def made_table(connection):
    connection.execute("create table made(a)")
    connection.commit()


def attach(p, statement):
    connection = m("sqlite3").connect(":memory:", isolation_level=None)
    connection.execute("create table t(a)")
    connection.execute(statement, (p.dir + "/new",))
    if "attach" in statement:
        connection.execute("create table x.t(a)")


def backup(p):
    source_database, target = m("sqlite3").connect(":memory:"), m("sqlite3").connect(p.dir + "/new")
    source_database.execute("create table t(a)")
    source_database.backup(target)


def log_to(handler):
    logger = m("logging").Logger("coverage")
    m("logging").raiseExceptions = False
    logger.addHandler(handler)
    logger.error("x")


def configured(p):
    handlers = {"h": {"class": "logging.FileHandler", "filename": p.dir + "/new"}}
    m("logging.config").dictConfig({"version": 1, "handlers": handlers, "root": {"handlers": ["h"]}})


def tree(p):
    elements = m("xml.etree.ElementTree")
    elements.ElementTree(elements.Element("a")).write(p.dir + "/new")


def source(p, folder=None):
    with open((folder or p.out) + "/x.py", "w") as file:
        file.write("A = 1\n")


def pyc(p):
    sys = m("sys")
    source(p)
    sys.dont_write_bytecode, before = False, sys.dont_write_bytecode
    sys.pycache_prefix, prefix = p.dir, sys.pycache_prefix
    try:
        spec = m("importlib.util").spec_from_file_location("coverage_pyc", p.out + "/x.py")
        spec.loader.exec_module(m("importlib.util").module_from_spec(spec))
    finally:
        sys.dont_write_bytecode, sys.pycache_prefix = before, prefix


def stats(p):
    profile = m("cProfile").Profile()
    profile.runcall(int)
    m("pstats").Stats(profile).dump_stats(p.dir + "/new")


def traced(p):
    tracer = m("trace").Trace(count=1, trace=0)
    tracer.runfunc(source, p)
    tracer.results().write_results(coverdir=p.dir + "/new")


def snapshot(p):
    tracemalloc = m("tracemalloc")
    tracemalloc.start()
    try:
        tracemalloc.take_snapshot().dump(p.dir + "/new")
    finally:
        tracemalloc.stop()


def keylog(p):
    ssl = m("ssl")
    ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).keylog_filename = p.dir + "/new"


def zipapp(p):
    open(p.out + "/__main__.py", "w").close()
    m("zipapp").create_archive(p.out, p.dir + "/new")


def cgitb(p):
    try:
        raise ValueError
    except ValueError:
        hook = m("cgitb").Hook(display=0, logdir=p.dir, file=m("io").StringIO())
        hook.handle()


def in_place(p):
    for _ in m("fileinput").input([p.secret], inplace=True):
        print("x")


def fopen(p, name):
    opened = getattr(libc(), name)
    opened.restype = m("ctypes").c_void_p
    if not opened(new(p).encode(), b"a"):
        checked(-1)


def freopen(p):
    ctypes, library = m("ctypes"), libc()
    library.fopen.restype = library.freopen.restype = ctypes.c_void_p
    if not library.freopen(new(p).encode(), b"w", ctypes.c_void_p(library.fopen(b"/dev/null", b"r"))):
        checked(-1)


def pointer(name, text):
    function = getattr(libc(), name)
    function.restype = m("ctypes").c_void_p
    if not function(m("ctypes").create_string_buffer(text.encode())):
        checked(-1)


def bind(p):
    library = libc()
    address = m("struct").pack("H", 1) + new(p).encode() + b"\0"
    checked(library.bind(checked(library.socket(1, 1, 0)), address, len(address)))


def addopen(p):
    ctypes, library = m("ctypes"), libc()
    actions = ctypes.create_string_buffer(200)
    library.posix_spawn_file_actions_init(actions)
    library.posix_spawn_file_actions_addopen(actions, 1, new(p).encode(), os.O_CREAT | os.O_WRONLY, 0o644)
    child = ctypes.c_int()
    words = (ctypes.c_char_p * 3)(b"echo", b"x", None)
    if library.posix_spawn(ctypes.byref(child), b"/bin/echo", actions, None, words, None) == 0:
        os.waitpid(child.value, 0)


def spawn_open(p):
    actions = [(os.POSIX_SPAWN_OPEN, 1, new(p), os.O_CREAT | os.O_WRONLY, 0o644)]
    os.waitpid(os.posix_spawn("/bin/echo", ["echo"], {}, file_actions=actions), 0)


def make_it(name):
    open(name, "w").close()


def process(method, p):
    made = m("multiprocessing").get_context(method).Process(target=make_it, args=(new(p),))
    made.start()
    made.join()


def interpreter(p):
    try:
        interpreters = m("_interpreters")
    except ImportError:
        interpreters = m("_xxsubinterpreters")
    return interpreters.run_string(interpreters.create(), f"open({new(p)!r}, 'w').close()")
