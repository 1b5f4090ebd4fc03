# SPDX-License-Identifier: Apache-2.0
"""Ways in which Python learns what is in a folder, and of what kind it is."""

import os

from .channel import Topic, checked, child_says, forked_says, in_thread, libc, m

t = Topic("files_look", "Listing and asking", kind="list")


def sub(p):
    return p.dir + "/sub"


t.group("listing: language")
t("os.listdir", lambda p: os.listdir(sub(p)))
t("os.listdir, bytes", lambda p: os.listdir(sub(p).encode()))
t("os.listdir, descriptor", lambda p: os.listdir(os.open(sub(p), os.O_RDONLY)))
t("os.listdir, working folder", lambda p: (os.chdir(sub(p)), os.listdir()))
t("os.listdir, keyword", lambda p: os.listdir(path=sub(p)))
t("posix.listdir", lambda p: m("posix").listdir(sub(p)))
t("os.scandir", lambda p: [e.name for e in os.scandir(sub(p))])
t("os.scandir, descriptor", lambda p: [e.name for e in os.scandir(os.open(sub(p), os.O_RDONLY))])
t("os.walk", lambda p: list(os.walk(sub(p))))
t("os.walk, bottom up", lambda p: list(os.walk(sub(p), topdown=False)))
t("os.fwalk", lambda p: list(os.fwalk(sub(p))), several=True)
t("glob.glob", lambda p: m("glob").glob(sub(p) + "/*"), several=True)
t("glob.iglob", lambda p: list(m("glob").iglob(sub(p) + "/inner*")), several=True)
t("glob.glob, recursive", lambda p: m("glob").glob(sub(p) + "/**", recursive=True), several=True)
t("glob.glob, root_dir", lambda p: m("glob").glob("*", root_dir=sub(p)), several=True)
t("glob.glob, dir_fd", lambda p: m("glob").glob("*", dir_fd=os.open(sub(p), os.O_RDONLY)), several=True)
t("pathlib iterdir", lambda p: [x.name for x in m("pathlib").Path(sub(p)).iterdir()])
t("pathlib glob", lambda p: list(m("pathlib").Path(sub(p)).glob("*")), several=True)
t("pathlib rglob", lambda p: list(m("pathlib").Path(sub(p)).rglob("*")), several=True)
t("pathlib walk", lambda p: list(m("pathlib").Path(sub(p)).walk()))
t("symbolic link to the folder", lambda p: (os.symlink(sub(p), p.out + "/link"), os.listdir(p.out + "/link")))
t("/proc/self/root", lambda p: os.listdir("/proc/self/root" + sub(p)))
t("/proc/self/cwd", lambda p: (os.chdir(sub(p)), os.listdir("/proc/self/cwd/")))
t("thread", lambda p: in_thread(lambda: os.listdir(sub(p))))

t.group("listing: standard library")
t("importlib FileFinder", lambda p: finder(p), several=True)
t("filecmp.dircmp", lambda p: m("filecmp").dircmp(sub(p), p.out).left_only)
t("zipapp.create_archive", lambda p: zipped(p), several=True)
t(
    "shutil.copytree",
    lambda p: (m("shutil").copytree(sub(p), p.out + "/tree"), os.listdir(p.out + "/tree")),
    several=True,
)
t("shutil.make_archive", lambda p: archived(p), several=True)
t("tarfile add", lambda p: tarred(p), several=True)
t("unittest discovery", lambda p: discovered(p), several=True)
t("mailbox.Maildir", lambda p: maildir(p), several=True)
t("http.server listing", lambda p: served(p), several=True)

t.group("listing: below the language, children")
t("ctypes opendir", lambda p: opendir(p))
t("ctypes scandir", lambda p: scandir(p))
t("ctypes glob", lambda p: c_glob(p))
t("ctypes getdents64", lambda p: getdents(p))
t("ctypes ftw", lambda p: ftw(p, "ftw"), several=True)
t("ctypes nftw", lambda p: ftw(p, "nftw"), several=True)
t("ctypes fts", lambda p: fts(p), several=True)
t("ctypes inotify", lambda p: inotify(p), stirred=True, source="names without a listing")
t("child: ls", lambda p: child_says(["ls", sub(p)]), several=True)
t("child: shell pattern", lambda p: child_says(f"echo {sub(p)}/*", shell=True))
t("child: find", lambda p: child_says(["find", sub(p)]), several=True)
t("child: Python", lambda p: child_says([m("sys").executable, "-c", f"import os; print(os.listdir({sub(p)!r}))"]))
t("fork", lambda p: forked_says(lambda: str(os.listdir(sub(p)))))

t.group("asking: language")


def stat_channel(name, function, **about):
    t(name, function, kind="stat", **about)


stat_channel("os.stat", lambda p: os.stat(p.secret).st_mtime)
stat_channel("os.stat, bytes", lambda p: os.stat(p.secret.encode()).st_mtime)
stat_channel("os.stat, dir_fd", lambda p: os.stat(p.secret[1:], dir_fd=os.open("/", os.O_RDONLY)).st_mtime)
stat_channel("os.stat, O_PATH descriptor", lambda p: os.stat(os.open(p.secret, os.O_PATH)).st_mtime)
stat_channel("os.stat, symbolic link", lambda p: (os.symlink(p.secret, p.out + "/l"), os.stat(p.out + "/l").st_mtime))
stat_channel("os.lstat", lambda p: os.lstat(p.secret).st_mtime)
stat_channel("os.fstat of O_PATH", lambda p: os.fstat(os.open(p.secret, os.O_PATH)).st_mtime)
stat_channel("os.stat of /proc/self/fd", lambda p: os.stat(f"/proc/self/fd/{os.open(p.secret, os.O_PATH)}").st_mtime)
stat_channel("os.path.getmtime", lambda p: os.path.getmtime(p.secret))
stat_channel("pathlib stat", lambda p: m("pathlib").Path(p.secret).stat().st_mtime)
stat_channel("posix.stat", lambda p: m("posix").stat(p.secret).st_mtime)
stat_channel("os.path.exists", lambda p: bits(p, os.path.exists), several=True)
stat_channel("os.path.lexists", lambda p: bits(p, os.path.lexists), several=True)
stat_channel("os.path.isfile", lambda p: bits(p, os.path.isfile), several=True)
stat_channel("os.access", lambda p: bits(p, lambda n: os.access(n, os.F_OK)), several=True, source="no audit event")
stat_channel(
    "os.access, effective_ids", lambda p: bits(p, lambda n: os.access(n, os.R_OK, effective_ids=True)), several=True
)
stat_channel("pathlib exists", lambda p: bits(p, lambda n: m("pathlib").Path(n).exists()), several=True)
stat_channel("os.statvfs", lambda p: bits(p, works(os.statvfs)), several=True, source="no audit event")
stat_channel(
    "os.pathconf",
    lambda p: bits(p, works(lambda n: os.pathconf(n, "PC_NAME_MAX"))),
    several=True,
    source="no audit event",
)
stat_channel(
    "os.chdir",
    lambda p: bits(p, chdir_tells),
    several=True,
    open="chdir reads nothing and is not guarded; its error tells which names exist",
)
stat_channel("os.readlink of a file", lambda p: bits(p, readlink_tells), several=True, source="no audit event")
stat_channel(
    "os.open, error number", lambda p: bits(p, lambda n: tells(lambda: os.close(os.open(n, os.O_PATH)))), several=True
)
stat_channel("os.path.samefile", lambda p: bits(p, works(lambda n: os.path.samefile(n, n))), several=True)
stat_channel("os.getxattr", lambda p: os.getxattr(p.secret, "user.coverage"))
stat_channel(
    "os.listxattr then getxattr on a descriptor", lambda p: os.getxattr(os.open(p.secret, os.O_RDONLY), "user.coverage")
)
t("os.readlink", lambda p: os.readlink(p.dir + "/link"), source="no audit event")
t(
    "os.readlink, dir_fd",
    lambda p: os.readlink(p.dir[1:] + "/link", dir_fd=os.open("/", os.O_RDONLY)),
    source="no audit event",
)
t("os.path.realpath", lambda p: os.path.realpath(p.dir + "/link"), several=True)
t("pathlib resolve", lambda p: m("pathlib").Path(p.dir + "/link").resolve(), several=True)
t("pathlib readlink", lambda p: m("pathlib").Path(p.dir + "/link").readlink())

t.group("asking: standard library, below, children")
stat_channel("shutil.which", lambda p: bits(p, lambda n: m("shutil").which(n, mode=os.F_OK)), several=True)
stat_channel("shutil.disk_usage", lambda p: bits(p, works(m("shutil").disk_usage)), several=True)
stat_channel("glob of a plain name", lambda p: bits(p, m("glob").glob), several=True)
stat_channel("tarfile: gettarinfo", lambda p: m("tarfile").open(p.out + "/t", "w").gettarinfo(p.secret).mtime)
stat_channel("ctypes stat", lambda p: c_stat(p))
stat_channel("ctypes __xstat", lambda p: c_xstat(p))
stat_channel("ctypes statx", lambda p: statx(p))
stat_channel("ctypes syscall stat", lambda p: syscall_stat(p, 4))
stat_channel("ctypes syscall lstat", lambda p: syscall_stat(p, 6))
stat_channel("ctypes access", lambda p: bits(p, lambda n: libc().access(n.encode(), 0) == 0), several=True)
stat_channel(
    "ctypes faccessat2", lambda p: bits(p, lambda n: libc().syscall(439, -100, n.encode(), 0, 0) == 0), several=True
)
stat_channel("ctypes name_to_handle_at", lambda p: bits(p, handle_tells), several=True)
stat_channel("ctypes inotify_add_watch", lambda p: bits(p, watch_tells), several=True)
stat_channel("ctypes statfs", lambda p: bits(p, volume("statfs")), several=True)
stat_channel("ctypes statvfs", lambda p: bits(p, volume("statvfs")), several=True)
stat_channel("ctypes pathconf", lambda p: bits(p, lambda n: libc().pathconf(n.encode(), 3) > 0), several=True)
stat_channel("ctypes syscall statfs", lambda p: bits(p, volume("syscall", 137)), several=True)
stat_channel("child: stat -f", lambda p: bits(p, child_volume), several=True)
t("ctypes realpath", lambda p: c_realpath(p), several=True)
t("ctypes readlinkat", lambda p: c_readlink(p))
stat_channel("child: stat", lambda p: child_says(["stat", "-c", "%Y", p.secret]))
stat_channel("child: test -e", lambda p: bits(p, lambda n: m("subprocess").call(["test", "-e", n]) == 0), several=True)
t("child: readlink", lambda p: child_says(["readlink", p.dir + "/link"]))


# --- what they are made of


def bits(p, tell):
    """Which of twenty names are there: what a guess cannot give."""
    return "".join("1" if tell(f"{p.dir}/maybe/{number}") else "0" for number in range(20))


def works(function):
    return lambda name: tells(lambda: function(name))


def tells(work):
    try:
        work()
        return True
    except OSError:
        return False


def volume(call, *number):
    return lambda name: getattr(libc(), call)(*number, name.encode(), m("ctypes").create_string_buffer(256)) == 0


def child_volume(name):
    return m("subprocess").call(["stat", "-f", name], stdout=-3, stderr=-3) == 0


def chdir_tells(name):
    try:
        os.chdir(name)
    except NotADirectoryError:
        return True
    except OSError:
        return False
    return True


def readlink_tells(name):
    try:
        os.readlink(name)
    except OSError as error:
        return error.errno == 22
    return True


def handle_tells(name):
    ctypes = m("ctypes")
    handle = ctypes.create_string_buffer(m("struct").pack("Ii", 128, 0) + bytes(128), 136)
    return libc().name_to_handle_at(-100, name.encode(), handle, ctypes.byref(ctypes.c_int()), 0) == 0


def watch_tells(name):
    library = libc()
    descriptor = library.inotify_init()
    try:
        return library.inotify_add_watch(descriptor, name.encode(), 2) >= 0
    finally:
        os.close(descriptor)


def modules_in(p):
    # Names that could be modules: the runner's are made so.
    return [each.name for each in m("pkgutil").iter_modules([p.dir])] and os.listdir(p.dir + "/sub")


def finder(p):
    made = m("importlib.machinery").FileFinder(sub(p))
    made.find_spec("nothing")
    return made._path_cache


def compiled(p):
    walked = m("compileall")._walk_dir(sub(p), maxlevels=1, quiet=2) if hasattr(m("compileall"), "_walk_dir") else []
    return list(walked)


def zipped(p):
    open(p.out + "/__main__.py", "w").close()
    m("zipapp").create_archive(sub(p), p.out + "/made.pyz", main="a:b")
    return m("zipfile").ZipFile(p.out + "/made.pyz").namelist()


def archived(p):
    name = m("shutil").make_archive(p.out + "/made", "tar", sub(p))
    return m("tarfile").open(name).getnames()


def tarred(p):
    with m("tarfile").open(p.out + "/made.tar", "w") as archive:
        archive.add(sub(p), "x")
    return m("tarfile").open(p.out + "/made.tar").getnames()


def discovered(p):
    got = []
    loader = m("unittest").TestLoader()
    loader._match_path = lambda path, full, pattern: got.append(full)
    before = list(m("sys").path)
    try:
        loader.discover(sub(p), pattern="inner*", top_level_dir=sub(p))
    finally:
        m("sys").path[:] = before
    return got or os.listdir(sub(p))


def maildir(p):
    box = m("mailbox").Maildir.__new__(m("mailbox").Maildir)
    box._paths = {"tmp": sub(p), "new": sub(p), "cur": sub(p)}
    box._path, box._toc, box._last_read, box._skewfactor = p.dir, {}, 0, 0.1
    box._toc_mtimes = {"cur": 0, "new": 0}
    box.colon = ":"
    return list(box.keys())


def served(p):
    server = m("http.server")
    handler = server.SimpleHTTPRequestHandler.__new__(server.SimpleHTTPRequestHandler)
    handler.path, handler.request_version, handler.requestline = "/", "HTTP/1.1", "GET / HTTP/1.1"
    handler.client_address, handler.wfile = ("", 0), m("io").BytesIO()
    handler.log_request = handler.log_message = lambda *a: None
    return handler.list_directory(sub(p)).read()


def completed(p):
    return m("glob").glob(m("glob").escape(sub(p)) + "/i*")


def zip_time(p):
    made = m("zipfile").ZipInfo.from_file(p.secret)
    calendar, time = m("calendar"), m("time")
    return int(time.mktime((*made.date_time, 0, 0, -1))) // 2 * 2 and os.stat(p.secret).st_mtime or calendar


def opendir(p):
    ctypes, library = m("ctypes"), libc()
    library.opendir.restype = library.readdir.restype = ctypes.c_void_p
    folder = library.opendir(sub(p).encode())
    if not folder:
        checked(-1)
    found = []
    while True:
        entry = library.readdir(ctypes.c_void_p(folder))
        if not entry:
            return found
        found.append(ctypes.string_at(entry + 19))


def scandir(p):
    ctypes = m("ctypes")
    entries = ctypes.c_void_p()
    count = checked(libc().scandir(sub(p).encode(), ctypes.byref(entries), None, None))
    pointers = ctypes.cast(entries, ctypes.POINTER(ctypes.c_void_p))
    return [ctypes.string_at(pointers[number] + 19) for number in range(count)]


def c_glob(p):
    ctypes = m("ctypes")
    found = ctypes.create_string_buffer(72)
    libc().glob(sub(p).encode() + b"/*", 0, None, found)
    count, paths = m("struct").unpack("QQ", found.raw[:16])
    pointers = ctypes.cast(paths, ctypes.POINTER(ctypes.c_char_p))
    return [pointers[number] for number in range(count)]


def getdents(p):
    ctypes = m("ctypes")
    library = libc()
    folder = checked(library.syscall(257, -100, sub(p).encode(), os.O_DIRECTORY))
    buffer = ctypes.create_string_buffer(4096)
    checked(library.syscall(217, folder, buffer, 4096))
    return buffer.raw


def ftw(p, name):
    ctypes, got = m("ctypes"), []
    shape = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)
    callback = shape(lambda path, *_: got.append(path) or 0)
    walk = getattr(libc(), name)
    walk(sub(p).encode(), callback, 4, 0)
    return [each for each in got if b"inner" in each]


def fts(p):
    ctypes, library = m("ctypes"), libc()
    library.fts_open.restype = library.fts_read.restype = ctypes.c_void_p
    words = (ctypes.c_char_p * 2)(sub(p).encode(), None)
    walk = library.fts_open(words, 0x10 | 0x8, None)
    found = []
    while walk:
        entry = library.fts_read(ctypes.c_void_p(walk))
        if not entry:
            return found
        found.append(ctypes.string_at(ctypes.c_void_p.from_address(entry + 48).value))
    return None


def inotify(p):
    library = libc()
    watch = checked(library.inotify_init())
    checked(library.inotify_add_watch(watch, sub(p).encode(), 0x4))
    # The runner changes the file's times.
    return os.read(watch, 4096)


def c_stat(p):
    buffer = m("ctypes").create_string_buffer(256)
    checked(libc().stat(p.secret.encode(), buffer))
    return m("struct").unpack_from("q", buffer, 88)[0]


def c_xstat(p):
    buffer = m("ctypes").create_string_buffer(256)
    checked(getattr(libc(), "__xstat")(1, p.secret.encode(), buffer))
    return m("struct").unpack_from("q", buffer, 88)[0]


def syscall_stat(p, number):
    buffer = m("ctypes").create_string_buffer(256)
    checked(libc().syscall(number, p.secret.encode(), buffer))
    return m("struct").unpack_from("q", buffer, 88)[0]


def statx(p):
    buffer = m("ctypes").create_string_buffer(256)
    checked(libc().statx(-100, p.secret.encode(), 0, 0x40, buffer))
    return m("struct").unpack_from("q", buffer, 112)[0]


def c_realpath(p):
    ctypes, library = m("ctypes"), libc()
    library.realpath.restype = ctypes.c_char_p
    return library.realpath((p.dir + "/sub/../link").encode(), None)


def c_readlink(p):
    buffer = m("ctypes").create_string_buffer(256)
    checked(libc().readlinkat(-100, (p.dir + "/link").encode(), buffer, 255))
    return buffer.value
