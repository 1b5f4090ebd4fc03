# SPDX-License-Identifier: Apache-2.0
"""Ways in which Python gets the content of a file."""

import os

from .channel import Topic, checked, child_says, forked_says, libc, m, text_of

t = Topic("files_read", "Reading a file", kind="read")

t.group("language")
t("open", lambda p: open(p.secret).read())
t("open, bytes", lambda p: open(p.secret.encode()).read())
t("open, binary unbuffered", lambda p: open(p.secret, "rb", 0).read())
t("open, pathlib.Path", lambda p: open(m("pathlib").Path(p.secret)).read())
t("open, append and read", lambda p: read_from_start(open(p.secret, "a+")))
t("open, read and write", lambda p: open(p.secret, "r+").read())
t("open, own __fspath__", lambda p: open(Named(p.secret)).read())
t("open, str subclass with another __fspath__", lambda p: open(Liar(p.secret)).read())
t("open, opener", lambda p: open("x", opener=lambda _, flags: os.open(p.secret, flags)).read())
t("open, opener with dir_fd", lambda p: open("secret", opener=lambda n, f: os.open(n, f, dir_fd=folder(p))).read())
t("open, descriptor of os.open", lambda p: open(os.open(p.secret, os.O_RDONLY)).read())
t("open, as an argument of map", lambda p: next(map(open, [p.secret])).read())
t("open, functools.partial", lambda p: m("functools").partial(open, mode="r")(p.secret).read())
t("open, from a generator", lambda p: "".join(line for f in [p.secret] for line in open(f)))
t("open, in __del__", lambda p: in_del(p))
t("open, by exec", lambda p: run_text("result = open(path).read()", p))
t("open, by eval in empty globals", lambda p: eval("open(path).read()", {"path": p.secret}))
t("open, builtins of a frame", lambda p: m("sys")._getframe().f_builtins["open"](p.secret).read())
t("io.open", lambda p: m("io").open(p.secret).read())
t("io.FileIO", lambda p: m("io").FileIO(p.secret).read())
t("io.FileIO subclass", lambda p: type("F", (m("io").FileIO,), {})(p.secret).read())
t("io.FileIO.__init__ on a bare object", lambda p: bare_file(p))
t("io.open_code", lambda p: m("io").open_code(p.secret).read(), source="PEP 578")
t("_io.open", lambda p: m("_io").open(p.secret).read())
t("_pyio.open", lambda p: m("_pyio").open(p.secret).read())
t("_pyio.FileIO", lambda p: m("_pyio").FileIO(p.secret).read())
t("codecs.open", lambda p: m("codecs").open(p.secret, "r", "utf-8").read())
t("pathlib read_text", lambda p: m("pathlib").Path(p.secret).read_text())
t("pathlib read_bytes", lambda p: m("pathlib").Path(p.secret).read_bytes())
t("pathlib open", lambda p: m("pathlib").Path(p.secret).open().read())
t("fileinput", lambda p: "".join(m("fileinput").input([p.secret])))
t("os.open", lambda p: text_of(os.open(p.secret, os.O_RDONLY)))
t("os.open, keywords", lambda p: text_of(os.open(flags=os.O_RDONLY, path=p.secret)))
t("os.open, dir_fd", lambda p: text_of(os.open("secret", os.O_RDONLY, dir_fd=folder(p))))
t("os.open, dir_fd of /", lambda p: text_of(os.open(p.secret[1:], os.O_RDONLY, dir_fd=os.open("/", os.O_RDONLY))))
t("os.open, O_DIRECT-less flags", lambda p: text_of(os.open(p.secret, os.O_RDWR | os.O_NONBLOCK | os.O_NOFOLLOW)))
t("os.open, bytearray", lambda p: text_of(os.open(bytearray(p.secret.encode()), os.O_RDONLY)))
t("os.open, access mode 3", lambda p: read_descriptor_again(os.open(p.secret, 3)))
t("posix.open", lambda p: text_of(m("posix").open(p.secret, 0)))
t("os.fdopen", lambda p: os.fdopen(os.open(p.secret, os.O_RDONLY)).read())
t("os.pread", lambda p: os.pread(os.open(p.secret, os.O_RDONLY), 99, 0))
t("os.readv", lambda p: vector(os.open(p.secret, os.O_RDONLY)))
t("mmap", lambda p: m("mmap").mmap(os.open(p.secret, os.O_RDONLY), 0, prot=1)[:])
t("relative, os.chdir", lambda p: (os.chdir(p.dir), open("secret").read()))
t("relative, os.fchdir", lambda p: (os.fchdir(folder(p)), open("secret").read()))
t(
    "dots in the path",
    lambda p: open(f"{p.out}/../../out/./{p.tag}/../..//guarded/{p.tag}/./secret").read(),
)
t("thread", lambda p: in_thread(lambda: open(p.secret).read()))
t("_thread.start_new_thread", lambda p: in_raw_thread(lambda: open(p.secret).read()))
t("ThreadPoolExecutor", lambda p: in_pool(lambda: open(p.secret).read()))
t("asyncio run_in_executor", lambda p: in_loop(lambda: open(p.secret).read()))
t("signal handler", lambda p: in_signal(lambda: open(p.secret).read()))
t("sys.settrace function", lambda p: in_trace(lambda: open(p.secret).read()))

t.group("links and other names")


@t("symbolic link")
def _(p):
    os.symlink(p.secret, p.out + "/link")
    return open(p.out + "/link").read()


@t("symbolic link to the folder")
def _(p):
    os.symlink(p.dir, p.out + "/link")
    return open(p.out + "/link/secret").read()


@t("symbolic link, then ..")
def _(p):
    os.mkdir(p.out + "/deep")
    os.symlink(p.out + "/deep", p.out + "/link")
    return open(p.out + "/link/../../../guarded/" + p.tag + "/secret").read()


@t("chain of 30 links")
def _(p):
    last = p.secret
    for number in range(30):
        os.symlink(last, f"{p.out}/{number}")
        last = f"{p.out}/{number}"
    return open(last).read()


@t("link with a name that is not UTF-8")
def _(p):
    name = p.out.encode() + b"/\xff\xfe"
    os.symlink(p.secret.encode(), name)
    return open(name).read()


@t("hard link made first")
def _(p):
    os.link(p.secret, p.out + "/hard")
    return open(p.out + "/hard").read()


@t("renamed file", files=["x.txt"])
def _(p):
    os.rename(p.dir + "/x.txt", p.out + "/x.txt")
    return open(p.out + "/x.txt").read()


@t("renamed folder")
def _(p):
    os.rename(p.dir, p.out + "/moved")
    try:
        return open(p.out + "/moved/secret").read()
    finally:
        os.rename(p.out + "/moved", p.dir)


@t("/proc/self/root")
def _(p):
    return open("/proc/self/root" + p.secret).read()


t("/proc/thread-self/root", lambda p: open("/proc/thread-self/root" + p.secret).read())
t("/proc/<pid>/root", lambda p: open(f"/proc/{os.getpid()}/root{p.secret}").read())
t("/proc/self/cwd", lambda p: (os.chdir(p.dir), open("/proc/self/cwd/secret").read()))
t("/proc/self/fd of a folder above", lambda p: open(f"/proc/self/fd/{above(p)}/{p.tag}/secret").read())
t("/dev/fd of a folder above", lambda p: open(f"/dev/fd/{above(p)}/{p.tag}/secret").read())
t("O_PATH, then /proc/self/fd", lambda p: open(f"/proc/self/fd/{os.open(p.secret, os.O_PATH)}").read())
t("O_PATH of the folder, then dir_fd", lambda p: text_of(os.open("secret", 0, dir_fd=os.open(p.dir, os.O_PATH))))
t("2,000 times ./", lambda p: open(p.dir + "/" + "./" * 1900 + "secret").read())
t("3,000 slashes", lambda p: open("/" * 3000 + p.secret[1:]).read())


@t("a working folder too long for getcwd", alone=True, never_granted="paths that cannot be told are refused")
def _(p):
    os.chdir(p.out)
    for _ in range(25):
        os.mkdir("d" * 200)
        os.chdir("d" * 200)
    os.symlink(p.secret, "link")
    return open("link").read()


@t("all descriptors in use", alone=True, never_granted="following a link takes a descriptor")
def _(p):
    os.symlink(p.secret, p.out + "/link")
    resource = m("resource")
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    held = []
    try:
        while True:
            held.append(os.open("/dev/null", os.O_RDONLY))
    except OSError:
        os.close(held.pop())
    return os.read(os.open(p.out + "/link", os.O_RDONLY), 99)


t.group("copying without reading")


@t("os.sendfile")
def _(p):
    ours, theirs = m("socket").socketpair()
    os.sendfile(theirs.fileno(), os.open(p.secret, os.O_RDONLY), 0, 99)
    return ours.recv(99)


@t("os.copy_file_range")
def _(p):
    source, copy = os.open(p.secret, os.O_RDONLY), os.open(p.out + "/copy", os.O_RDWR | os.O_CREAT)
    os.copy_file_range(source, copy, 99)
    return os.pread(copy, 99, 0)


@t("os.splice")
def _(p):
    ours, theirs = os.pipe()
    os.splice(os.open(p.secret, os.O_RDONLY), theirs, 99)
    return os.read(ours, 99)


@t("memfd and sendfile")
def _(p):
    memory = os.memfd_create("x")
    os.sendfile(memory, os.open(p.secret, os.O_RDONLY), 0, 99)
    return os.pread(memory, 99, 0)


@t("FICLONE ioctl")
def _(p):
    copy = os.open(p.out + "/copy", os.O_RDWR | os.O_CREAT)
    m("fcntl").ioctl(copy, 0x40049409, os.open(p.secret, os.O_RDONLY))
    return os.pread(copy, 99, 0)


def copied(p, how):
    how(p.secret, p.out + "/copy")
    return open(p.out + "/copy").read()


t("shutil.copyfile", lambda p: copied(p, m("shutil").copyfile), several=True)
t("shutil.copy", lambda p: copied(p, m("shutil").copy), several=True)
t("shutil.copy2", lambda p: copied(p, m("shutil").copy2), several=True)
t("shutil.move", lambda p: copied(p, m("shutil").move), several=True)
t("shutil.copyfileobj", lambda p: copied(p, lambda a, b: m("shutil").copyfileobj(open(a, "rb"), open(b, "wb"))))
t("shutil.copytree", lambda p: (m("shutil").copytree(p.dir, p.out + "/tree"), open(p.out + "/tree/secret").read()))
t("shutil.make_archive", lambda p: archived(p), several=True)

t.group("standard library")
t("linecache", lambda p: m("linecache").getline(p.secret, 1), several=True)
t("tokenize.open", lambda p: m("tokenize").open(p.secret).read())
t("runpy.run_path", lambda p: m("runpy").run_path(p.dir + "/x.py")["NAME"], files=["x.py"], several=True)
t("importlib SourceFileLoader.get_data", lambda p: loader(p).get_data(p.secret))
t(
    "importlib exec_module",
    lambda p: loaded(p),
    files=["x.py"],
    several=True,
)
t("import from sys.path", lambda p: imported(p, p.dir, "coverage_secret"), files=["coverage_secret.py"], several=True)
t("import of a syntax error", lambda p: imported(p, p.dir, "bad"), files=["bad.py"], several=True)
t(
    "import from a zip file",
    lambda p: imported(p, p.dir + "/archive.zip", "zipped"),
    files=["archive.zip"],
    several=True,
)
t(
    "zipimport.zipimporter",
    lambda p: m("zipimport").zipimporter(p.dir + "/archive.zip").get_data("member"),
    files=["archive.zip"],
    several=True,
)
t("pkgutil.get_data", lambda p: package_data(p), several=True)
t("importlib.resources", lambda p: resources(p), files=["package/__init__.py", "package/x.txt"], several=True)
t("imp.load_source", lambda p: m("imp").load_source("coverage_x", p.dir + "/x.py").NAME, files=["x.py"], several=True)
t(
    "py_compile",
    lambda p: (m("py_compile").compile(p.dir + "/x.py", cfile=p.out + "/x.pyc"), open(p.out + "/x.pyc", "rb").read()),
    files=["x.py"],
)
t(
    "compileall",
    lambda p: (
        m("compileall").compile_file(p.dir + "/x.py", ddir=p.out, legacy=False, quiet=2),
        open(cached(p), "rb").read(),
    ),
    files=["x.py"],
    several=True,
)
t("inspect.getsource", lambda p: m("inspect").getsource(function_in(p)), files=["x.py"], several=True)
t("traceback source lines", lambda p: traceback_of(p), files=["x.py"], several=True)
t("warnings source line", lambda p: warned(p), several=True)
t(
    "doctest.testfile",
    lambda p: printed(lambda: m("doctest").testfile(p.dir + "/doctest.txt", module_relative=False)),
    files=["doctest.txt"],
)
t("modulefinder", lambda p: m("modulefinder").ModuleFinder().run_script(p.dir + "/bad.py"), files=["bad.py"])
t("zipfile", lambda p: m("zipfile").ZipFile(p.dir + "/archive.zip").read("member"), files=["archive.zip"])
t("zipfile.Path", lambda p: m("zipfile").Path(p.dir + "/archive.zip", "member").read_text(), files=["archive.zip"])
t("zipfile, writing a file in", lambda p: zipped(p))
t("tarfile", lambda p: m("tarfile").open(p.dir + "/archive.tar").extractfile("member").read(), files=["archive.tar"])
t("tarfile, adding a file", lambda p: tarred(p), several=True)
t(
    "shutil.unpack_archive",
    lambda p: (m("shutil").unpack_archive(p.dir + "/archive.tar", p.out), open(p.out + "/member").read()),
    files=["archive.tar"],
    several=True,
)
t("gzip", lambda p: m("gzip").open(p.dir + "/x.gz").read(), files=["x.gz"])
t("bz2", lambda p: m("bz2").open(p.dir + "/x.bz2").read(), files=["x.bz2"])
t("lzma", lambda p: m("lzma").open(p.dir + "/x.xz").read(), files=["x.xz"])
t("sqlite3.connect", lambda p: rows(m("sqlite3").connect(p.dir + "/data.sqlite"), "t"), files=["data.sqlite"])
t(
    "sqlite3, read-only URI",
    lambda p: rows(m("sqlite3").connect(f"file:{p.dir}/data.sqlite?mode=ro&immutable=1", uri=True), "t"),
    files=["data.sqlite"],
)
t("sqlite3, ATTACH", lambda p: attached(p), files=["data.sqlite"])
t("sqlite3, ATTACH by trace and executescript", lambda p: attached_by_script(p), files=["data.sqlite"])
t("sqlite3, backup", lambda p: backed_up(p), files=["data.sqlite"])
t(
    "sqlite3, subclass of Connection",
    lambda p: rows(type("C", (m("sqlite3").Connection,), {})(p.dir + "/data.sqlite"), "t"),
    files=["data.sqlite"],
)
t(
    "shelve",
    lambda p: m("shelve").Shelf(m("dbm.dumb").open(p.dir + "/shelf", "r"))["k"],
    files=["shelf.dat"],
    several=True,
)
t("dbm.dumb", lambda p: m("dbm.dumb").open(p.dir + "/dumb", "r")["k"], files=["dumb.dat"], several=True)
t("dbm.gnu", lambda p: gdbm(p))
t("csv", lambda p: list(m("csv").reader(open(p.dir + "/x.csv"))), files=["x.csv"])
t("configparser", lambda p: config(p), files=["x.ini"])
t("json.load", lambda p: m("json").load(open(p.dir + "/x.json")), files=["x.json"])
t("pickle.load", lambda p: m("pickle").load(open(p.dir + "/pickled", "rb")), files=["pickled"])
t("plistlib", lambda p: m("plistlib").load(open(p.dir + "/x.plist", "rb")), files=["x.plist"])
t("tomllib-like parser through open", lambda p: open(p.dir + "/x.ini", "rb").readlines(), files=["x.ini"])
t("xml.etree", lambda p: m("xml.etree.ElementTree").parse(p.dir + "/x.xml").getroot().text, files=["x.xml"])
t("xml.dom.minidom", lambda p: m("xml.dom.minidom").parse(p.dir + "/x.xml").toxml(), files=["x.xml"])
t("xml.sax", lambda p: sax(p), files=["x.xml"])
t("xml.sax external entity", lambda p: entity(p), source="OWASP: XML external entities")
t(
    "mailbox.mbox",
    lambda p: [x["subject"] for x in m("mailbox").mbox(p.dir + "/mbox", create=False)],
    files=["mbox"],
    several=True,
)
t("netrc", lambda p: m("netrc").netrc(p.dir + "/netrc").authenticators("example.com"), files=["netrc"])
t("mimetypes", lambda p: m("mimetypes").MimeTypes([p.dir + "/mime.types"]).types_map[1][".tkn"], files=["mime.types"])
t("mailcap", lambda p: m("mailcap").readmailcapfile(open(p.dir + "/mailcap")), files=["mailcap"])
t("http.cookiejar", lambda p: cookies(p), files=["cookies.txt"])
t("urllib file: URL", lambda p: m("urllib.request").urlopen("file://" + p.secret).read(), several=True)
t("urllib.request.urlretrieve", lambda p: retrieved(p), several=True)
t("urllib.robotparser", lambda p: robots(p), files=["robots.txt"], several=True)
t("ssl load_verify_locations", lambda p: certificates(p), files=["certificate.pem"], source="no audit event")
t(
    "ssl load_cert_chain and _test_decode_cert",
    lambda p: m("_ssl")._test_decode_cert(p.dir + "/certificate.pem"),
    files=["certificate.pem"],
    source="no audit event",
)
t("readline history", lambda p: history(p), files=["history"], source="no audit event before 3.13")
t("hashlib.file_digest", lambda p: m("hashlib").file_digest(open(p.secret, "rb"), "sha256").hexdigest())
t(
    "hashlib of a mapped file",
    lambda p: m("hashlib").sha256(m("mmap").mmap(os.open(p.secret, 0), 0, prot=1)).hexdigest(),
)
t("difflib of open files", lambda p: list(m("difflib").ndiff(open(p.secret).readlines(), [])))
t("email.message_from_file", lambda p: m("email").message_from_file(open(p.secret)).as_string())
t("array.fromfile", lambda p: array_of(p))
t("numpy-less memoryview.readinto", lambda p: into(p))
t(
    "tempfile wrapper around a descriptor",
    lambda p: m("tempfile")._TemporaryFileWrapper(open(p.secret), p.secret, False).read(),
)
t("codecs.StreamReader", lambda p: m("codecs").getreader("utf-8")(open(p.secret, "rb")).read())
t("code.InteractiveConsole", lambda p: console(p))
t("bdb / pdb source list", lambda p: debugger(p), files=["x.py"], several=True)
t("trace module", lambda p: m("trace").Trace(count=0, trace=1).runfunc(open, p.secret).read())
t("site.addpackage", lambda p: site(p), files=["x.pth"], several=True)

t.group("below the language")


def by_name(p):
    return text_of(checked(libc().open(p.secret.encode(), 0)))


t("ctypes open", by_name)
t("ctypes open64", lambda p: text_of(checked(libc().open64(p.secret.encode(), 0))))
t("ctypes openat", lambda p: text_of(checked(libc().openat(-100, p.secret.encode(), 0))))
t("ctypes __open64_2", lambda p: text_of(checked(libc().__getattr__("__open64_2")(p.secret.encode(), 0))))
t("ctypes __open_nocancel", lambda p: text_of(checked(libc().__getattr__("__open_nocancel")(p.secret.encode(), 0))))
t("ctypes fopen", lambda p: stream(p, "fopen"))
t("ctypes freopen", lambda p: reopened(p))
t("ctypes setmntent", lambda p: stream(p, "setmntent"))
t("ctypes syscall open", lambda p: text_of(checked(libc().syscall(2, p.secret.encode(), 0))))
t("ctypes syscall openat", lambda p: text_of(checked(libc().syscall(257, -100, p.secret.encode(), 0))))
t("ctypes syscall openat2", lambda p: openat2(p))
t("ctypes syscall with high bits", lambda p: high_bits(p))
t("ctypes file handle", lambda p: by_handle(p))
t("ctypes pythonapi _Py_fopen_obj", lambda p: py_fopen(p))
t(
    "ctypes pythonapi PyRun_File-like import",
    lambda p: m("ctypes").pythonapi.PyRun_SimpleString(f"print(open({p.secret!r}).read(), flush=True)".encode()),
)
t("ctypes wordexp", lambda p: wordexp(p), alone=True, several=True)
t(
    "ctypes io_uring",
    lambda p: io_uring(p),
    source="no libc call, no audit event",
    silent="answered with ENOSYS",
    never_granted="SECURITY.md",
)
t("ctypes mount --bind", lambda p: bind_mount(p), alone=True, never_granted="SECURITY.md", several=True)
t("ctypes open_tree and move_mount", lambda p: move_mount(p), alone=True, never_granted="SECURITY.md", several=True)
t("os.chroot", lambda p: (os.chroot(p.dir), text_of(os.open("/secret", 0)))[1], alone=True, never_granted="SECURITY.md")

t.group("children")
t("child: cat", lambda p: child_says(["cat", p.secret]))
t("child: shell", lambda p: child_says("cat " + p.secret, shell=True))
t("child: shell redirection", lambda p: child_says("read x < " + p.secret + "; echo $x", shell=True))
t("child: env -i", lambda p: child_says(["env", "-i", "cat", p.secret]))
t("child: empty environment", lambda p: child_says(["/bin/cat", p.secret], env={}))
t("child: LD_PRELOAD emptied", lambda p: child_says(["cat", p.secret], env={"LD_PRELOAD": ""}))
t(
    "child: another loader path",
    lambda p: child_says(["/lib64/ld-linux-x86-64.so.2", "/bin/cat", p.secret]),
    several=True,
)
t("child: Python", lambda p: child_says([m("sys").executable, "-c", f"print(open({p.secret!r}).read())"]))
t(
    "child: Python -IS",
    lambda p: child_says([m("sys").executable, "-ISE", "-c", f"print(open({p.secret!r}).read())"], env={}),
)
t(
    "child: perl syscall",
    lambda p: child_says(["perl", "-e", f"my $f='{p.secret}'; my $d=syscall(2,$f,0); open(F,'<&=',$d); print <F>"]),
)
t("child: dd", lambda p: child_says(["dd", "if=" + p.secret]))
t("child: cp", lambda p: (child_says(["cp", p.secret, p.out + "/copy"]), open(p.out + "/copy").read()), several=True)
t("child: tar", lambda p: child_says(["tar", "-cf", "-", "-C", "/", p.secret[1:]]), several=True)
t("child: setsid, nohup, nice", lambda p: child_says(["setsid", "nohup", "nice", "cat", p.secret]))
t("child: stdin opened by posix_spawn", lambda p: spawned(p))
t("os.popen", lambda p: os.popen("cat " + p.secret + " 2>&1").read())
t("fork", lambda p: forked_says(lambda: open(p.secret).read()))
t("os.forkpty", lambda p: pty_forked(p))
t("pty.spawn", lambda p: pty_spawn(p))
t("multiprocessing fork", lambda p: multiprocess("fork", p))
t("multiprocessing spawn", lambda p: multiprocess("spawn", p), alone=True)
t("multiprocessing forkserver", lambda p: multiprocess("forkserver", p), alone=True)
t("sub-interpreter", lambda p: interpreter(p))
t("_posixsubprocess.fork_exec", lambda p: fork_exec(p), source="no audit event")
t("descriptor passed by a child", lambda p: passed(p))


# --- what they are made of


class Named:
    def __init__(self, name):
        self.name = name

    def __fspath__(self):
        return self.name


class Liar(str):
    def __str__(self):
        return "/etc/hostname"

    __fspath__ = __str__


def folder(p):
    return os.open(p.dir, os.O_RDONLY | os.O_PATH)


def above(p):
    return os.open(os.path.dirname(p.dir), os.O_RDONLY)


def read_from_start(file):
    file.seek(0)
    return file.read()


def read_descriptor_again(descriptor):
    return open(f"/proc/self/fd/{descriptor}").read()


def run_text(text, p):
    scope = {"path": p.secret}
    exec(compile(text, "<text>", "exec"), scope)
    return scope["result"]


def in_del(p):
    got = []

    class Dying:
        def __del__(self):
            try:
                got.append(open(p.secret).read())
            except OSError as error:
                got.append(error)

    Dying()
    return got


def bare_file(p):
    io = m("io")
    file = io.FileIO.__new__(io.FileIO)
    io.FileIO.__init__(file, p.secret)
    return file.read()


def vector(descriptor):
    buffer = bytearray(99)
    os.readv(descriptor, [buffer])
    return bytes(buffer)


def kept(got, work):
    try:
        got.append(work())
    except BaseException as error:  # noqa: BLE001
        got.append(error)


def answer_of(got):
    if isinstance(got[0], BaseException):
        raise got[0]
    return got[0]


def in_thread(work):
    got = []
    thread = m("threading").Thread(target=kept, args=(got, work))
    thread.start()
    thread.join()
    return answer_of(got)


def in_raw_thread(work):
    got = []
    m("_thread").start_new_thread(kept, (got, work))
    while not got:
        m("time").sleep(0.001)
    return answer_of(got)


def in_pool(work):
    with m("concurrent.futures").ThreadPoolExecutor(1) as pool:
        return pool.submit(work).result()


def in_loop(work):
    async def main():
        return await m("asyncio").get_running_loop().run_in_executor(None, work)

    return m("asyncio").run(main())


def in_signal(work):
    got, signal = [], m("signal")
    before = signal.signal(signal.SIGUSR1, lambda *_: kept(got, work))
    os.kill(os.getpid(), signal.SIGUSR1)
    m("time").sleep(0.01)
    signal.signal(signal.SIGUSR1, before)
    return answer_of(got)


def in_trace(work):
    got, sys = [], m("sys")

    def tracer(*_):
        sys.settrace(None)
        kept(got, work)

    sys.settrace(tracer)
    (lambda: None)()
    sys.settrace(None)
    return answer_of(got)


def archived(p):
    name = m("shutil").make_archive(p.out + "/made", "tar", p.dir)
    return open(name, "rb").read()


def loader(p):
    return m("importlib.machinery").SourceFileLoader("x", p.dir + "/x.py")


def loaded(p):
    util = m("importlib.util")
    spec = util.spec_from_file_location("coverage_loaded", p.dir + "/x.py")
    module = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.NAME


def imported(p, place, name):
    sys = m("sys")
    sys.path.insert(0, place)
    try:
        m("importlib").invalidate_caches()
        module = m(name)
        return vars(module).get("NAME") or vars(module).get("TOKEN")
    except SyntaxError as error:
        return error.text
    finally:
        sys.path.remove(place)


def package_data(p):
    types, sys = m("types"), m("sys")
    module = types.ModuleType("coverage_package")
    module.__file__ = p.dir + "/__init__.py"
    module.__spec__ = m("importlib.machinery").ModuleSpec("coverage_package", loader(p), origin=module.__file__)
    module.__loader__ = module.__spec__.loader
    sys.modules["coverage_package"] = module
    return m("pkgutil").get_data("coverage_package", "secret")


def resources(p):
    sys = m("sys")
    sys.path.insert(0, p.dir)
    try:
        m("importlib").invalidate_caches()
        found = m("importlib.resources")
        if hasattr(found, "files"):
            return (found.files("package") / "x.txt").read_text()
        return found.read_text("package", "x.txt")
    finally:
        sys.path.remove(p.dir)
        sys.modules.pop("package", None)


def cached(p):
    return m("importlib.util").cache_from_source(p.dir + "/x.py")


def function_in(p):
    scope = {"__name__": "coverage_function"}
    exec(compile("A = 1\ndef named():\n    return 1\n", p.dir + "/x.py", "exec"), scope)
    return scope["named"]


def traceback_of(p):
    try:
        exec(compile("\n\n1 / 0", p.dir + "/x.py", "exec"), {})
    except ZeroDivisionError:
        return m("traceback").format_exc()


def warned(p):
    return m("warnings").formatwarning("x", UserWarning, p.secret, 1)


def printed(work):
    out = m("io").StringIO()
    with m("contextlib").redirect_stdout(out):
        work()
    return out.getvalue()


def zipped(p):
    with m("zipfile").ZipFile(p.out + "/made.zip", "w") as archive:
        archive.write(p.secret, "x")
    return m("zipfile").ZipFile(p.out + "/made.zip").read("x")


def tarred(p):
    with m("tarfile").open(p.out + "/made.tar", "w") as archive:
        archive.add(p.secret, "x")
    return m("tarfile").open(p.out + "/made.tar").extractfile("x").read()


def rows(connection, table):
    try:
        return connection.execute(f"select * from {table}").fetchall()
    finally:
        connection.close()


def attached(p):
    connection = m("sqlite3").connect(":memory:")
    connection.execute("attach ? as x", (p.dir + "/data.sqlite",))
    return rows(connection, "x.t")


def attached_by_script(p):
    connection = m("sqlite3").connect(":memory:")
    connection.executescript(f"attach 'file:{p.dir}/data.sqlite' as y;")
    return rows(connection, "y.t")


def backed_up(p):
    source, target = m("sqlite3").connect(p.dir + "/data.sqlite"), m("sqlite3").connect(":memory:")
    source.backup(target)
    source.close()
    return rows(target, "t")


def gdbm(p):
    database = m("dbm.gnu").open(p.dir + "/missing-secret", "r")
    return database


def config(p):
    parser = m("configparser").ConfigParser()
    parser.read_file(open(p.dir + "/x.ini"))
    return parser["section"]["k"]


def sax(p):
    got = []
    handler = type("H", (m("xml.sax").ContentHandler,), {"characters": lambda self, text: got.append(text)})
    m("xml.sax").parse(p.dir + "/x.xml", handler())
    return got


def entity(p):
    got = []
    sax_module, io = m("xml.sax"), m("io")
    handler = type("H", (sax_module.ContentHandler,), {"characters": lambda self, text: got.append(text)})
    parser = sax_module.make_parser()
    parser.setFeature(m("xml.sax.handler").feature_external_ges, True)
    parser.setContentHandler(handler())
    os.symlink(p.secret, p.out + "/entity")
    text = f'<!DOCTYPE a [<!ENTITY e SYSTEM "{p.out}/entity">]><a>&e;</a>'
    parser.parse(io.StringIO(text))
    return "".join(got)


def cookies(p):
    jar = m("http.cookiejar").MozillaCookieJar(p.dir + "/cookies.txt")
    jar.load()
    return list(jar)


def retrieved(p):
    m("urllib.request").urlretrieve("file://" + p.secret, p.out + "/copy")
    return open(p.out + "/copy").read()


def robots(p):
    parser = m("urllib.robotparser").RobotFileParser("file://" + p.dir + "/robots.txt")
    parser.read()
    return str(parser)


def certificates(p):
    ssl = m("ssl")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(p.dir + "/certificate.pem")
    return context.get_ca_certs()


def history(p):
    readline = m("readline")
    readline.clear_history()
    readline.read_history_file(p.dir + "/history")
    return readline.get_history_item(1)


def array_of(p):
    made = m("array").array("b")
    made.fromfile(open(p.secret, "rb"), 24)
    return made.tobytes()


def into(p):
    buffer = bytearray(99)
    open(p.secret, "rb").readinto(memoryview(buffer))
    return bytes(buffer)


def console(p):
    scope = {}
    m("code").InteractiveConsole(scope).push(f"x = open({p.secret!r}).read()")
    return scope["x"]


def debugger(p):
    out = m("io").StringIO()
    lines = m("linecache").getlines(p.dir + "/x.py")
    out.writelines(lines)
    return out.getvalue()


def site(p):
    sys = m("sys")
    known = set()
    before = list(sys.path)
    open(p.out + "/x", "w").close()
    m("site").addpackage(p.dir, "x.pth", known)
    found = [x for x in sys.path if x not in before]
    sys.path[:] = before
    return found or [*known, open(p.dir + "/x.pth").read()]


def stream(p, name):
    ctypes, library = m("ctypes"), libc()
    opened = getattr(library, name)
    opened.restype = ctypes.c_void_p
    file = opened(p.secret.encode(), b"r")
    if not file:
        checked(-1)
    buffer = ctypes.create_string_buffer(99)
    library.fgets(buffer, 99, ctypes.c_void_p(file))
    return buffer.value


def reopened(p):
    ctypes, library = m("ctypes"), libc()
    library.fopen.restype = library.freopen.restype = ctypes.c_void_p
    file = library.fopen(b"/dev/null", b"r")
    file = library.freopen(p.secret.encode(), b"r", ctypes.c_void_p(file))
    if not file:
        checked(-1)
    buffer = ctypes.create_string_buffer(99)
    library.fgets(buffer, 99, ctypes.c_void_p(file))
    return buffer.value


def openat2(p):
    how = m("struct").pack("QQQ", 0, 0, 0)
    return text_of(checked(libc().syscall(437, -100, p.secret.encode(), how, 24)))


def high_bits(p):
    # The kernel looks at the low half of the number alone.
    ctypes = m("ctypes")
    call = libc().syscall
    call.argtypes = [ctypes.c_ulong, ctypes.c_char_p, ctypes.c_int]
    return text_of(checked(call((1 << 32) | 2, p.secret.encode(), 0)))


def by_handle(p):
    ctypes, library = m("ctypes"), libc()
    handle = ctypes.create_string_buffer(m("struct").pack("Ii", 128, 0) + bytes(128), 136)
    mount = ctypes.c_int()
    checked(library.name_to_handle_at(-100, p.secret.encode(), handle, ctypes.byref(mount), 0))
    return text_of(checked(library.open_by_handle_at(os.open(p.out, 0), handle, 0)))


def py_fopen(p):
    ctypes = m("ctypes")
    opened = ctypes.pythonapi._Py_fopen_obj
    opened.argtypes, opened.restype = [ctypes.py_object, ctypes.c_char_p], ctypes.c_void_p
    file = opened(p.secret, b"r")
    buffer = ctypes.create_string_buffer(99)
    libc().fgets(buffer, 99, ctypes.c_void_p(file))
    return buffer.value


def wordexp(p):
    ctypes, library = m("ctypes"), libc()

    class Words(ctypes.Structure):
        _fields_ = [("count", ctypes.c_size_t), ("words", ctypes.POINTER(ctypes.c_char_p)), ("offset", ctypes.c_size_t)]

    found = Words()
    library.wordexp(b"$(cat " + p.secret.encode() + b")", ctypes.byref(found), 0)
    return found.words[0] if found.count else None


def io_uring(p):
    ctypes, library, struct, mmap = m("ctypes"), libc(), m("struct"), m("mmap")
    parameters = ctypes.create_string_buffer(120)
    ring = checked(library.syscall(425, 4, parameters))
    words = struct.unpack("30I", parameters.raw[:120])
    queue = mmap.mmap(ring, words[16] + 4 * 8, offset=0) if words[16] else None
    tail, array = words[11], words[16]
    entries = mmap.mmap(ring, 4096, offset=0x10000000)
    name = ctypes.create_string_buffer(p.secret.encode())
    # IORING_OP_OPENAT of the path, relative to the working folder.
    entries[:64] = struct.pack("BBHiQQIIQ", 18, 0, 0, -100, 0, ctypes.addressof(name), 0, 0, 1).ljust(64, b"\0")
    queue[array : array + 4] = bytes(4)
    queue[tail : tail + 4] = struct.pack("I", 1)
    expected = os.dup(0)
    os.close(expected)
    checked(library.syscall(426, ring, 1, 1, 1, None, 0))
    return text_of(expected)


def bind_mount(p):
    library = libc()
    checked(library.unshare(0x20000))
    checked(library.mount(b"none", b"/", None, (1 << 18) | (1 << 14), None))
    os.mkdir(p.out + "/mounted")
    checked(library.mount(p.dir.encode(), (p.out + "/mounted").encode(), None, 4096, None))
    return open(p.out + "/mounted/secret").read()


def move_mount(p):
    library = libc()
    checked(library.unshare(0x20000))
    checked(library.mount(b"none", b"/", None, (1 << 18) | (1 << 14), None))
    tree = checked(library.syscall(428, -100, p.dir.encode(), 1))
    os.mkdir(p.out + "/mounted")
    checked(library.syscall(429, tree, b"", -100, (p.out + "/mounted").encode(), 4))
    return open(p.out + "/mounted/secret").read()


def spawned(p):
    ours, theirs = os.pipe()
    actions = [(os.POSIX_SPAWN_OPEN, 0, p.secret, os.O_RDONLY, 0), (os.POSIX_SPAWN_DUP2, theirs, 1)]
    child = os.posix_spawn("/bin/cat", ["cat"], os.environ, file_actions=actions)
    os.close(theirs)
    os.waitpid(child, 0)
    return text_of(ours)


def pty_forked(p):
    child, terminal = os.forkpty()
    if child == 0:
        try:
            os.write(1, open(p.secret).read().encode())
        except OSError:
            pass
        os._exit(0)
    try:
        found = text_of(terminal)
    except OSError:
        found = ""
    os.waitpid(child, 0)
    return found


def pty_spawn(p):
    got = []

    def read(descriptor):
        data = os.read(descriptor, 1024)
        got.append(data)
        return data

    m("pty").spawn(["cat", p.secret], read)
    return b"".join(got)


def read_it(name):
    return open(name).read()


def multiprocess(method, p):
    context = m("multiprocessing").get_context(method)
    with context.Pool(1) as pool:
        return pool.apply(read_it, (p.secret,))


def interpreter(p):
    try:
        interpreters = m("_interpreters")
    except ImportError:
        interpreters = m("_xxsubinterpreters")
    made = interpreters.create()
    text = f"print(open({p.secret!r}).read(), flush=True)"
    return interpreters.run_string(made, text)


def fork_exec(p):
    sys = m("sys")
    ours, theirs = os.pipe()
    errors, error_end = os.pipe()
    words, programs = [b"cat", p.secret.encode()], (b"/bin/cat",)
    rest = [words, programs, True, (error_end,), None, None, -1, theirs, -1, -1, ours, -1, errors, error_end]
    rest += [False, False]
    if sys.version_info >= (3, 11):
        rest += [-1]
    if sys.version_info >= (3, 9):
        rest += [None, None, None, -1]
    rest += [None]
    if (3, 11) <= sys.version_info:
        rest += [False] if sys.version_info < (3, 14) else []
    m("_posixsubprocess").fork_exec(*rest)
    os.close(theirs)
    return text_of(ours)


def passed(p):
    socket = m("socket")
    ours, theirs = socket.socketpair()
    text = (
        "import os, socket, sys, array\n"
        "s = socket.socket(fileno=int(sys.argv[1]))\n"
        "f = os.open(sys.argv[2], os.O_RDONLY)\n"
        "s.sendmsg([b'x'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', [f]))])\n"
    )
    words = [m("sys").executable, "-c", text, str(theirs.fileno()), p.secret]
    m("subprocess").run(words, pass_fds=[theirs.fileno()], stderr=-3)
    theirs.close()
    _, ancillary, _, _ = ours.recvmsg(1, socket.CMSG_SPACE(4))
    return text_of(m("struct").unpack("i", ancillary[0][2][:4])[0])
