# SPDX-License-Identifier: Apache-2.0
"""The exec wrapper's way in: starts the agent, then runs what the interpreter was asked to run, as it would have.

`python [options] boot.py SCRIPT ...`, `boot.py -m MODULE ...`, `boot.py -c TEXT ...`. `sys.argv`, `sys.path[0]`
and `__main__` are what they would be without us; the environment is not touched. The runtime client loads and
reports the handler itself: only its loader's result is protected (`awslambdaric.bootstrap._get_handler`).
"""

import os
import sys

_CLIENT = "awslambdaric.bootstrap"


def run(argv, own_file, started_ns):
    """Runs `argv` (without the interpreter and its options) as `__main__`.

    Args:
        argv: what followed boot.py on the command line.
        own_file: path of boot.py on the command line; the first entry of `sys.path` is its folder.
        started_ns: monotonic time at which boot.py began.
    """
    folder = own_file.rpartition("/")[0]
    # With -I and -P the interpreter adds no entry, and the program must find none.
    adds_path = not (sys.flags.isolated or getattr(sys.flags, "safe_path", False))
    sys.path.remove(folder)
    is_script = bool(argv) and argv[0][:1] != "-"
    directory = os.path.dirname(os.path.abspath(argv[0])) if is_script else os.getcwd()
    native, failure = _start(folder, directory, started_ns)
    if _is_client(argv):
        sys.meta_path.insert(0, _ClientFinder(native, failure))
    elif failure is not None:
        sys.exit(f"[ERROR] [app_protect] {failure}")
    elif native is not None:
        native.handler_loading()
    if hasattr(sys, "orig_argv"):
        sys.orig_argv = [word for word in sys.orig_argv if word != own_file]
    _run_as_main(argv, adds_path)


def _is_client(argv):
    """Whether the program is a Lambda runtime client, which loads the handler itself and reports what fails."""
    if len(argv) > 1 and argv[0] == "-m":
        return argv[1].split(".")[0] == "awslambdaric"
    return bool(argv) and os.path.basename(argv[0]) == "bootstrap.py" and "AWS_LAMBDA_RUNTIME_API" in os.environ


def _start(folder, directory, started_ns):
    """Loads the extension by its path and starts the agent: (extension, error that must fail the init), or None."""
    try:
        bootstrap, external = sys.modules["_frozen_importlib"], sys.modules["_frozen_importlib_external"]
        name, path = "trend_app_protect._native", folder + "/_native" + external.EXTENSION_SUFFIXES[0]
        native = bootstrap._load(bootstrap.ModuleSpec(name, external.ExtensionFileLoader(name, path), origin=path))
        result, message = native.start(folder[: -len("python")] + "lib/libapp_protect.so", 1, directory, started_ns)
    except Exception as raised:
        error = raised
        if "musl" in external.EXTENSION_SUFFIXES[0]:
            error = ImportError("this Python runs on musl (Alpine), this build of App Protect needs glibc")
        if os.environ.get("TREND_AP_FAIL_CLOSED", "").strip().lower() in ("1", "true", "yes", "on"):
            return None, error
        print(f"[WARN] [app_protect] not enforcing: {error}", file=sys.stderr)
        return None, None
    return native, _config_error(folder, message) if result == -1 else None


def _config_error(folder, message):
    sys.path.insert(0, folder[: -len("app_protect/python")] + "python")
    try:
        from trend_app_protect.exceptions import ConfigError
    finally:
        del sys.path[0]
    return ConfigError(message)


class _ClientFinder:
    """Waits for the runtime client's own import of its loader, protects what it returns, and is gone."""

    def __init__(self, native, failure):
        self._native, self._failure = native, failure

    def find_spec(self, name, path=None, target=None):
        if name != _CLIENT:
            return None
        sys.meta_path.remove(self)
        spec = sys.modules["_frozen_importlib_external"].PathFinder.find_spec(name, path, target)
        if spec is not None:
            load = spec.loader.exec_module
            native, failure = self._native, self._failure

            def exec_module(module):
                del spec.loader.exec_module
                load(module)
                loader = getattr(module, "_get_handler", None)
                if failure is not None and (loader is None or native is None):
                    raise failure
                if native is not None:
                    if loader is None:
                        native.handler_loading()
                    else:
                        module._get_handler = native.protect_loader(loader, failure)

            spec.loader.exec_module = exec_module
        return spec


def _run_as_main(argv, adds_path):
    """What the interpreter does with its command line."""
    if not argv:
        if sys.stdin.isatty():
            import code

            sys.argv = [""]
            code.interact()
            return
        argv = [""]
    if argv[0] == "-m":
        import runpy

        _bare_main()
        sys.argv = ["-m", *argv[2:]]
        if adds_path:
            sys.path.insert(0, os.getcwd())
        runpy._run_module_as_main(argv[1])
        return
    if argv[0] == "-c":
        sys.argv = ["-c", *argv[2:]]
        if adds_path:
            sys.path.insert(0, "")
        _execute(compile(argv[1], "<string>", "exec", dont_inherit=True), None)
        return
    sys.argv = list(argv)
    if argv[0] in ("-", ""):
        if adds_path:
            sys.path.insert(0, "")
        _execute(compile(sys.stdin.read(), "<stdin>", "exec", dont_inherit=True), "<stdin>")
        return
    _run_script(argv[0], adds_path)


def _run_script(path, adds_path):
    import io

    open_code = getattr(io, "open_code", io.FileIO)  # Python 3.7 has no function of its own for code
    if os.path.isdir(path) or path.endswith((".zip", ".pyz", ".pyc")):
        _run_container(path)
        return
    try:
        with open_code(os.path.abspath(path)) as file:
            source = file.read()
    except OSError as error:
        print(
            f"{sys.executable}: can't open file {os.path.abspath(path)!r}: [Errno {error.errno}] {error.strerror}",
            file=sys.stderr,
        )
        sys.exit(2)
    if b"\0" in source[:4096]:
        _run_container(path)
        return
    if adds_path:
        sys.path.insert(0, os.path.dirname(os.path.realpath(path)))
    if sys.version_info >= (3, 9):
        path = os.path.abspath(path)
    _execute(compile(source, path, "exec", dont_inherit=True), path)


def _run_container(path):
    """A folder or an archive with a __main__.py, or bytecode: the interpreter's own rules."""
    import runpy

    _bare_main()
    if path.endswith(".pyc"):
        runpy.run_path(path, run_name="__main__")
        return
    sys.path.insert(0, os.path.abspath(path) if sys.version_info >= (3, 9) else path)
    runpy._run_module_as_main("__main__", False)


def _execute(code, path):
    names = _bare_main()
    if path is not None:
        names.update(__file__=path, __cached__=None)
        if path != "<stdin>":  # multiprocessing and inspect find the program by this
            names["__loader__"] = sys.modules["_frozen_importlib_external"].SourceFileLoader("__main__", path)
    exec(code, names)


def _bare_main():
    """The names of `__main__`, as they are before a program."""
    names = sys.modules["__main__"].__dict__
    kept = ("__name__", "__doc__", "__package__", "__loader__", "__spec__", "__annotations__", "__builtins__")
    for name in [name for name in names if name not in kept]:
        del names[name]
    names.update(__doc__=None, __loader__=sys.modules["_frozen_importlib"].BuiltinImporter)
    return names
