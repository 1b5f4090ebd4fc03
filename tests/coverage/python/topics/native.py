# SPDX-License-Identifier: Apache-2.0
"""Ways in which Python gets native code into its process.

`p.library` lies in a writable place and leaves `p.marker` when it is loaded.
"""

import os

from .channel import Topic, checked, in_thread, libc, m

t = Topic("native", "Loading and making native code", kind="load")

t.group("loading")
t("ctypes.CDLL", lambda p: m("ctypes").CDLL(p.library))
t("ctypes.CDLL, bytes", lambda p: m("ctypes").CDLL(p.library.encode()))
t("ctypes.CDLL, pathlib", lambda p: m("ctypes").CDLL(m("pathlib").Path(p.library)))
t("ctypes.cdll.LoadLibrary", lambda p: m("ctypes").cdll.LoadLibrary(p.library))
t("ctypes.PyDLL", lambda p: m("ctypes").PyDLL(p.library))
t("ctypes.CDLL, RTLD_GLOBAL", lambda p: m("ctypes").CDLL(p.library, mode=m("ctypes").RTLD_GLOBAL))
t("_ctypes.dlopen", lambda p: m("_ctypes").dlopen(p.library, 2))
t("ctypes.CDLL, relative", lambda p: (os.chdir(p.out), m("ctypes").CDLL("./library.so")))
t("ctypes.CDLL, symbolic link", lambda p: (os.symlink(p.library, p.out + "/l.so"), m("ctypes").CDLL(p.out + "/l.so")))
t("ctypes.CDLL, /proc/self/root", lambda p: m("ctypes").CDLL("/proc/self/root" + p.library))
t(
    "ctypes.CDLL, /proc/self/fd",
    lambda p: m("ctypes").CDLL(f"/proc/self/fd/{os.open(p.library, 0)}"),
    environment={"COVERAGE_MARKER": "{marker}"},
    alone=True,
)
t("ctypes.CDLL, memfd", lambda p: in_memory(p), environment={"COVERAGE_MARKER": "{marker}"}, alone=True)
t("ctypes.CDLL, /dev/shm", lambda p: in_shared_memory(p), environment={"COVERAGE_MARKER": "{marker}"}, alone=True)
t("ctypes.CDLL, thread", lambda p: in_thread(lambda: m("ctypes").CDLL(p.library)))
t("import of an extension", lambda p: imported(p))
t("importlib ExtensionFileLoader", lambda p: loaded(p))
t(
    "_imp.create_dynamic",
    lambda p: m("_imp").create_dynamic(m("importlib.machinery").ModuleSpec("library", None, origin=p.library)),
)
t("imp.load_dynamic", lambda p: m("imp").load_dynamic("library", p.library))
t("_imp.create_dynamic, liar of an origin", lambda p: m("_imp").create_dynamic(liar(p)))
t("sqlite3 load_extension", lambda p: sqlite(p))
t("sqlite3 load_extension by SQL", lambda p: sqlite_text(p))
t("ctypes dlopen", lambda p: dlopen(p))
t(
    "ctypes dlmopen",
    lambda p: dlmopen(p),
    never_granted="a second libc",
    finding="refused, or taken from the child, and not counted",
)
t("ctypes __libc_dlopen_mode", lambda p: getattr(libc(), "__libc_dlopen_mode")(p.library.encode(), 0x80000002))
t("ctypes name service", lambda p: name_service(p), alone=True, environment={"COVERAGE_MARKER": "{marker}"})
t(
    "ctypes iconv, GCONV_PATH",
    lambda p: gconv(p),
    alone=True,
    environment={"COVERAGE_MARKER": "{marker}", "GCONV_PATH": "{out}"},
)
t(
    "child: LD_PRELOAD",
    lambda p: child(p, LD_PRELOAD=p.library),
    finding="refused, or taken from the child, and not counted",
)
t(
    "child: LD_AUDIT",
    lambda p: child(p, LD_AUDIT=p.library),
    never_granted="taken from every child",
    finding="refused, or taken from the child, and not counted",
)
t("child: LD_LIBRARY_PATH", lambda p: shadowed(p), finding="refused, or taken from the child, and not counted")
t(
    "child: loader with --preload",
    lambda p: child_words(p, ["/lib64/ld-linux-x86-64.so.2", "--preload", p.library, "/bin/true"]),
    several=True,
)
t("child: OPENSSL_CONF engine", lambda p: openssl(p))
t(
    "child: perl dl_load_file",
    lambda p: child_words(p, ["perl", "-MDynaLoader", "-e", f"DynaLoader::dl_load_file('{p.library}')"]),
)
t(
    "child: Python ctypes",
    lambda p: child_words(p, [m("sys").executable, "-c", f"import ctypes; ctypes.CDLL({p.library!r})"]),
)

t.group("calling by address")


def value(name, function, **about):
    # Equal operations fold, and nothing in an event tells one of these from another.
    t(name, function, kind="value", alone=True, **about)


def address_of(name):
    return m("ctypes").cast(getattr(libc(), name), m("ctypes").c_void_p).value


def inside():
    """The address of code in libc that gives back its argument, in the middle of some function: no name has it."""
    with open("/proc/self/maps") as maps:
        for line in maps:
            words = line.split()
            if len(words) > 5 and words[5].endswith("/libc.so.6") and "x" in words[1]:
                first, last = (int(x, 16) for x in words[0].split("-"))
                text, at = m("ctypes").string_at(first, last - first), -1
                while True:
                    at = text.index(b"\x48\x89\xf8\xc3", at + 1)
                    if at % 16:
                        return first + at


def happened(result):
    return "happened" if result == 4711 else result


value("CFUNCTYPE of an address", lambda p: happened(m("ctypes").CFUNCTYPE(m("ctypes").c_int)(inside())(4711)))
value("PYFUNCTYPE of an address", lambda p: happened(m("ctypes").PYFUNCTYPE(m("ctypes").c_int)(inside())(4711)))
value(
    "cast of an address", lambda p: happened(m("ctypes").cast(inside(), m("ctypes").CFUNCTYPE(m("ctypes").c_int))(4711))
)
value("_ctypes.call_function", lambda p: happened(m("_ctypes").call_function(inside(), (4711,))))
value("_ctypes.call_cdeclfunction", lambda p: happened(m("_ctypes").call_cdeclfunction(inside(), (4711,))))
value("from_buffer", lambda p: happened(from_buffer(inside())))
value(
    "from_buffer_copy",
    lambda p: happened(m("ctypes").CFUNCTYPE(m("ctypes").c_int).from_buffer_copy(m("ctypes").c_void_p(inside()))(4711)),
)
value("from_address", lambda p: happened(from_address(inside())))
value("memmove over a function pointer", lambda p: happened(moved(inside())))
value("structure field", lambda p: happened(in_union(inside())))
value("restype of a function", lambda p: happened(returned(inside())))
value(
    "_CFuncPtr subclass",
    lambda p: happened(
        type("F", (m("_ctypes").CFuncPtr,), {"_flags_": 1, "_restype_": m("ctypes").c_int})(inside())(4711)
    ),
)
value("pthread_create at an address", lambda p: threaded(), open="SECURITY.md: memory that the language lets be forged")
value("bsearch at an address", lambda p: searched(), open="SECURITY.md: memory that the language lets be forged")

t.group("executable memory")
value("mmap module, PROT_EXEC", lambda p: executable(m("mmap").mmap(-1, 4096, prot=7)))
value("mmap module, PROT_EXEC of a file", lambda p: executable(m("mmap").mmap(zeros(p), 4096, flags=2, prot=7)))
value("ctypes mmap", lambda p: at(c_mmap(7)))
value("ctypes syscall mmap", lambda p: at(libc_long("syscall", 9, 0, 4096, 7, 0x22, -1, 0)))
value("ctypes mprotect", lambda p: protected("mprotect", 7))
value("ctypes mprotect, read and execute", lambda p: protected("mprotect", 5))
value("ctypes pkey_mprotect", lambda p: protected("pkey_mprotect", 7, -1))
value("ctypes syscall mprotect", lambda p: protected(10, 7))
value("ctypes SHM_EXEC", lambda p: shared())
value("ctypes personality READ_IMPLIES_EXEC", lambda p: implied())
value("ctypes memfd mapped twice", lambda p: twice())
value("ctypes callback", lambda p: callback(), open="SECURITY.md: memory of callbacks")

t.group("the walls themselves")
value("libc text made writable", lambda p: writable_text(), never_granted="our own pages and libc's")
value("/proc/self/mem written", lambda p: memory_written("/proc/self/mem"), never_granted="our own pages and libc's")
value(
    "/proc/thread-self/mem written",
    lambda p: memory_written("/proc/thread-self/mem"),
    never_granted="our own pages and libc's",
)
value(
    "/proc/<pid>/mem written",
    lambda p: memory_written(f"/proc/{os.getpid()}/mem"),
    never_granted="our own pages and libc's",
)
value("process_vm_writev", lambda p: vm_written())
value("ptrace of itself by a child", lambda p: traced())
value("madvise drops the private copy of libc", lambda p: dropped(), never_granted="our own pages and libc's")


# --- what they are made of


def in_memory(p):
    descriptor = os.memfd_create("x")
    with open(p.library, "rb") as file:
        os.write(descriptor, file.read())
    m("ctypes").CDLL(f"/proc/self/fd/{descriptor}")


def in_shared_memory(p):
    name = f"/dev/shm/{p.tag}-{os.getpid()}.so"
    m("shutil").copy(p.library, name)
    try:
        m("ctypes").CDLL(name)
    finally:
        os.unlink(name)


def imported(p):
    sys = m("sys")
    sys.path.insert(0, p.out)
    try:
        m("importlib").invalidate_caches()
        m("library")
    finally:
        sys.path.remove(p.out)


def loaded(p):
    machinery, util = m("importlib.machinery"), m("importlib.util")
    loader = machinery.ExtensionFileLoader("library", p.library)
    util.module_from_spec(machinery.ModuleSpec("library", loader, origin=p.library))


class Twice(str):
    def __fspath__(self):
        return "/usr/lib/nothing.so"


def liar(p):
    return m("importlib.machinery").ModuleSpec("library", None, origin=Twice(p.library))


def sqlite(p):
    connection = m("sqlite3").connect(":memory:")
    connection.enable_load_extension(True)
    connection.load_extension(p.library)


def sqlite_text(p):
    connection = m("sqlite3").connect(":memory:")
    connection.enable_load_extension(True)
    connection.execute("select load_extension(?)", (p.library,))


def dlopen(p):
    ctypes, library = m("ctypes"), libc()
    library.dlopen.restype = library.dlerror.restype = ctypes.c_void_p
    return library.dlopen(p.library.encode(), 2)


def dlmopen(p):
    ctypes, library = m("ctypes"), libc()
    library.dlmopen.restype = ctypes.c_void_p
    library.dlmopen.argtypes = [ctypes.c_long, ctypes.c_char_p, ctypes.c_int]
    return library.dlmopen(-1, p.library.encode(), 2)


def name_service(p):
    os.mkdir(p.out + "/libnss_")
    os.rename(p.library, p.out + "/x.so.2")
    os.chdir("/")
    library = libc()
    checked(getattr(library, "__nss_configure_lookup")(b"passwd", b"/.." + p.out.encode() + b"/libnss_/../x"))
    library.getpwnam(b"somebody-else")


def gconv(p):
    os.rename(p.library, p.out + "/COVERAGE.so")
    with open(p.out + "/gconv-modules", "w") as file:
        file.write("module COVERAGE// INTERNAL COVERAGE 1\nmodule INTERNAL COVERAGE// COVERAGE 1\n")
    library = libc()
    library.iconv_open.restype = m("ctypes").c_void_p
    return library.iconv_open(b"UTF-8", b"COVERAGE//")


def child(p, **environment):
    environment.update(PATH=os.environ["PATH"], COVERAGE_MARKER=p.marker)
    m("subprocess").run(["/bin/true"], env=environment, stderr=-3)


def child_words(p, words):
    m("subprocess").run(words, env={**os.environ, "COVERAGE_MARKER": p.marker}, stderr=-3, stdout=-3)


def shadowed(p):
    os.rename(p.library, p.out + "/libselinux.so.1")
    environment = {**os.environ, "LD_LIBRARY_PATH": p.out, "COVERAGE_MARKER": p.marker}
    m("subprocess").run(["ls", "/"], env=environment, stderr=-3, stdout=-3)


def openssl(p):
    with open(p.out + "/openssl.cnf", "w") as file:
        file.write(
            "openssl_conf = a\n[a]\nengines = b\nproviders = d\n[b]\nx = c\n[c]\nengine_id = x\n"
            f"dynamic_path = {p.library}\ninit = 1\n[d]\ny = e\n[e]\nmodule = {p.library}\nactivate = 1\n"
        )
    environment = {**os.environ, "OPENSSL_CONF": p.out + "/openssl.cnf", "COVERAGE_MARKER": p.marker}
    m("subprocess").run(["openssl", "version"], env=environment, stderr=-3, stdout=-3)


def from_buffer(address):
    ctypes = m("ctypes")
    return ctypes.CFUNCTYPE(ctypes.c_int).from_buffer(ctypes.c_void_p(address))(4711)


def from_address(address):
    ctypes = m("ctypes")
    function = libc().getpid
    ctypes.c_void_p.from_address(ctypes.addressof(function)).value = address
    return function(4711)


def moved(address):
    ctypes = m("ctypes")
    function, pointer = libc().getpid, ctypes.c_void_p(address)
    ctypes.memmove(ctypes.addressof(function), ctypes.addressof(pointer), 8)
    return function(4711)


def in_union(address):
    ctypes = m("ctypes")
    shape = ctypes.CFUNCTYPE(ctypes.c_int)
    made = type("U", (ctypes.Union,), {"_fields_": [("f", shape), ("v", ctypes.c_void_p)]})()
    made.v = address
    return made.f(4711)


def returned(address):
    ctypes = m("ctypes")
    function = libc().labs
    function.restype, function.argtypes = ctypes.CFUNCTYPE(ctypes.c_int), [ctypes.c_void_p]
    return function(address)(4711)


def threaded():
    # The thread returns what the function did.
    ctypes, library = m("ctypes"), libc()
    thread, result = ctypes.c_ulong(), ctypes.c_void_p()
    library.pthread_create.argtypes = [ctypes.c_void_p] * 4
    checked(library.pthread_create(ctypes.byref(thread), None, inside(), 4711))
    library.pthread_join(thread, ctypes.byref(result))
    return happened(result.value)


def searched():
    ctypes, library = m("ctypes"), libc()
    buffer = ctypes.create_string_buffer(8)
    library.bsearch.argtypes = [ctypes.c_void_p] * 5
    library.bsearch.restype = ctypes.c_void_p
    # strcpy(key, element) as the comparison.
    element = ctypes.create_string_buffer(b"copied", 8)
    library.bsearch(buffer, element, 1, 1, address_of("memcpy") and address_of("stpcpy"))
    return "happened" if buffer.value == b"copied" else buffer.value


def x_of(address):
    """Whether the kernel says that there is executable memory."""
    with open("/proc/self/maps") as maps:
        for line in maps:
            first, last = (int(x, 16) for x in line.split()[0].split("-"))
            if first <= address < last:
                return "happened" if "x" in line.split()[1] else line
    return None


def executable(mapping):
    return x_of(m("ctypes").addressof(m("ctypes").c_char.from_buffer(mapping)))


def at(address):
    if address is None or address in (-1, (1 << 64) - 1):
        raise PermissionError(m("ctypes").get_errno())
    return x_of(address)


def libc_long(name, *arguments):
    function = getattr(libc(), name)
    function.restype = m("ctypes").c_long
    return function(*(m("ctypes").c_long(each) for each in arguments))


def c_mmap(protection):
    return libc_long("mmap", 0, 4096, protection, 0x22, -1, 0)


def protected(how, protection, *more):
    address = c_mmap(3)
    call = ("syscall", how) if isinstance(how, int) else (how,)
    if libc_long(*call, address, 4096, protection, *more) != 0:
        raise PermissionError(m("ctypes").get_errno())
    return x_of(address)


def zeros(p):
    descriptor = os.open(p.out + "/zeros", os.O_RDWR | os.O_CREAT)
    os.write(descriptor, bytes(4096))
    return descriptor


def shared():
    segment = checked(libc().shmget(0, 4096, 0o1700))
    try:
        return at(libc_long("shmat", segment, 0, 0o100000))
    finally:
        libc().shmctl(segment, 0, None)


def implied():
    checked(libc().personality(0x0400000))
    return at(c_mmap(3))


def twice():
    descriptor = os.memfd_create("x")
    os.write(descriptor, bytes(4096))
    return at(libc_long("mmap", 0, 4096, 5, 1, descriptor, 0))


def callback():
    ctypes = m("ctypes")
    got = []
    function = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)(
        lambda a, b: got.append("happened") or 0
    )
    libc().qsort((ctypes.c_int * 2)(2, 1), 2, 4, function)
    return got[0]


def writable_text():
    page = address_of("getppid") & ~4095
    if libc_long("mprotect", page, 4096, 7) != 0:
        raise PermissionError(m("ctypes").get_errno())
    with open("/proc/self/maps") as maps:
        return "happened" if any("rwx" in line and "libc" in line for line in maps) else None


def memory_written(name):
    # The same bytes as before: that they can be written is the effect.
    address = address_of("getppid")
    before = m("ctypes").string_at(address, 4)
    descriptor = os.open(name, os.O_RDWR)
    return "happened" if os.pwrite(descriptor, before, address) == 4 else None


def vm_written():
    ctypes = m("ctypes")
    source, target = ctypes.create_string_buffer(b"happened"), ctypes.create_string_buffer(16)
    pack = m("struct").pack
    ours, theirs = pack("QQ", ctypes.addressof(source), 8), pack("QQ", ctypes.addressof(target), 8)
    checked(libc().process_vm_writev(os.getpid(), ours, 1, theirs, 1, 0))
    return target.value.decode()


def traced():
    # A child attaches to us: PTRACE_ATTACH, then lets go.
    text = (
        "import ctypes, sys\nl = ctypes.CDLL(None)\np = int(sys.argv[1])\n"
        "r = l.ptrace(0x4206, p, None, None)\nprint('happened' if r == 0 else 'no', flush=True)"
    )
    words = [m("sys").executable, "-c", text, str(os.getpid())]
    return m("subprocess").run(words, stdout=-1, stderr=-3).stdout.decode().strip()


def dropped():
    page = address_of("getppid") & ~4095
    if libc_long("madvise", page, 4096, 4) != 0:
        raise PermissionError(m("ctypes").get_errno())
    return "happened"
