# SPDX-License-Identifier: Apache-2.0
"""A Lambda function in an execution environment of its own: real interpreter, real runtime interface client.

    with Function("python3.11", task={"app.py": "def handler(event, context): return event"}) as function:
        response = function.invoke({"n": 1})
        assert response.payload == {"n": 1} and function.events == []

Lays out what AWS lays out (runtime folder, layer folder, task root, variables), starts the bootstrap, serves the
Runtime API and keeps what the function prints. The four ways to attach (`attach=`) are those of interface.md §1:

    plain     without us
    wrapper   AWS_LAMBDA_EXEC_WRAPPER, handler untouched
    handler   handler swap by the bare name, original in TREND_AP_HANDLER
    module    handler swap by the absolute `.mjs` path (Node only)
    code      one line in the function's own code

Where the machine has namespaces the process runs in the private network of `network.py` and sees Lambda's own paths:
/opt, /var/task, /var/runtime. It is started in a session of its own
and ended by its id; every wait has a limit.
"""

import contextlib
import fcntl
import json
import os
import pathlib
import re
import select
import shutil
import signal
import struct
import subprocess
import tempfile
import termios
import threading
import time
from typing import Any, Dict, List, NamedTuple, Optional, Union

import network as networks
import runtime_api
import runtimes

BOOTSTRAP = pathlib.Path(__file__).resolve().parent / "bootstrap"
BUILD = pathlib.Path(os.environ.get("APP_PROTECT_BUILD") or runtimes.ROOT / "build" / "dev").resolve()
STAGE = BUILD / "stage"  # stands for /opt with our layer in it
# Where functions lie on the machine. A layer covers /opt, with a checkout that is there.
SCRATCH = runtimes.ROOT / "build" / "lambda"
if pathlib.Path("/opt") in SCRATCH.parents:
    SCRATCH = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "app_protect-lambda"
LIBRARY = STAGE / "app_protect" / "lib" / "libapp_protect.so"

# On Lambda the limits are 10 s and the function's own; a busy test machine needs longer.
INIT_LIMIT_SEC = 60
INVOKE_LIMIT_SEC = 30


class InitError(NamedTuple):
    """What the runtime reported instead of becoming ready."""

    type: str
    message: str
    stack: List[str]


class Response(NamedTuple):
    """What the caller of the function gets, and what the platform knows about it."""

    payload: Any  # parsed JSON; bytes of a streamed response; None on error
    error_type: Optional[str]
    error_message: Optional[str]
    stack: List[str]
    request_id: str
    body: bytes  # exactly as posted
    headers: Dict[str, str]
    streamed: bool

    @property
    def prelude(self) -> Optional[dict]:
        """JSON before the eight NUL bytes of a streamed HTTP response."""
        head, separator, _ = self.body.partition(b"\0" * 8)
        return json.loads(head) if separator else None


class Function:
    """One function in one execution environment. Not for use by two threads at a time.

    Args:
        runtime: AWS name, such as "python3.11" or "nodejs22.x".
        task: files of the deployment package (path -> text or bytes), or a folder to copy.
        handler: the handler string of the function's configuration.
        policy: dict or text of the policy; None for none.
        policy_in: where it is put: "package" (app_protect.json), "variable" (TREND_AP_POLICY) or "file"
            (TREND_AP_POLICY_FILE, outside the package).
        attach: see above.
        env: more variables of the function's configuration; None as a value removes one.
        limit_sec: the function's timeout.
        network: where it runs; None for the shared private network.
        strict: also with a read-only task root, an empty /tmp and no /dev/shm; needs namespaces.
    """

    def __init__(
        self,
        runtime: str,
        task: Union[Dict[str, Union[str, bytes]], os.PathLike, str],
        handler: str = "app.handler",
        policy: Union[dict, str, None] = None,
        policy_in: str = "package",
        attach: str = "plain",
        env: Optional[Dict[str, Optional[str]]] = None,
        limit_sec: float = INVOKE_LIMIT_SEC,
        network: Optional[networks.Network] = None,
        strict: bool = False,
    ):
        self.runtime = runtimes.by_name(runtime)
        if self.runtime.why_missing:
            raise RuntimeError(self.runtime.why_missing)
        if attach not in ("plain", "wrapper", "handler", "module", "code"):
            raise ValueError(f"attach: {attach}")
        self.network = network or networks.shared()
        self.init_error: Optional[InitError] = None
        self._attach, self._handler, self._limit_sec, self._strict = attach, handler, limit_sec, strict
        self._task, self._policy, self._policy_in, self._extra = task, policy, policy_in, env or {}
        self._stack = contextlib.ExitStack()
        self._process: Optional[subprocess.Popen] = None

    # -- life cycle -------------------------------------------------------------------------------------------

    def __enter__(self) -> "Function":
        try:
            self._start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    def _start(self):
        SCRATCH.mkdir(parents=True, exist_ok=True)
        self.folder = pathlib.Path(tempfile.mkdtemp(dir=SCRATCH)).resolve()
        self._stack.callback(_remove, self.folder)
        self.task_root = self.folder / "task"
        layers = STAGE if self._attach != "plain" else self.folder / "layers"
        # Where the function sees them; without namespaces, where they are.
        here = self.network is None
        self.opt = layers if here else pathlib.Path("/opt")
        self.var_task = self.task_root if here else pathlib.Path("/var/task")
        self.var_runtime = self.folder / "runtime" if here else pathlib.Path("/var/runtime")
        self._lay_out_task()
        self._lay_out_runtime()
        listener = self.network.socket("127.0.0.1", 0) if self.network else None
        self.api = self._stack.enter_context(runtime_api.RuntimeApi(listener))
        self._process = subprocess.Popen(
            self._command(layers),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=self.task_root,
            env=self._environment(),
            start_new_session=True,
        )
        self._stack.callback(self._end)
        self._stdout = _Drain(self._process.stdout)
        self._stderr = _Drain(self._process.stderr)
        self._await_init()

    def _command(self, layers: pathlib.Path) -> List[str]:
        if self.network is None:
            if self._strict:
                raise RuntimeError("strict: needs namespaces")
            return [str(self.folder / "runtime" / "bootstrap")]
        places = [str(BOOTSTRAP / "places"), str(self.folder), str(layers), *(["strict"] if self._strict else [])]
        return [*self.network.enter_mounts, *places]

    def _await_init(self):
        try:
            ready = self.api.wait_ready(INIT_LIMIT_SEC, self.alive)
        except runtime_api.Timeout as error:
            self._end()
            self.init_error = InitError("Sandbox.Timedout", str(error), [])
            return
        if ready:
            return
        posted = self.api.init_error
        if posted:
            fields = posted.error
            self.init_error = InitError(
                fields.get("errorType") or posted.error_type or "",
                fields.get("errorMessage", ""),
                fields.get("stackTrace") or fields.get("trace") or [],
            )
            self.wait_exit(10)
        else:
            self.init_error = InitError("Runtime.ExitError", f"exit status {self.wait_exit(10)}", [])

    def close(self):
        """Ends the environment as the platform does (SIGKILL) and removes its files. May be called twice."""
        self._stack.close()

    def _end(self):
        process = self._process
        if process is None:
            return
        # The session's group outlives a dead leader while it has members; the id cannot be anyone else's then.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """Process id of the runtime."""
        return self._process.pid

    def wait_exit(self, limit_sec: float) -> Optional[int]:
        """Exit status (negative: signal), or None when the runtime is still there after the limit."""
        try:
            return self._process.wait(limit_sec)
        except subprocess.TimeoutExpired:
            return None

    # -- use ---------------------------------------------------------------------------------------------------

    def invoke(self, event: Any = None, **headers) -> Response:
        """Sends one event (bytes are sent as they are) and waits until the client asks for the next one.

        A function past its timeout is killed and answers `Sandbox.Timedout`, one whose process ended
        `Runtime.ExitError`, one whose init failed the init's error.
        """
        if self.init_error:
            error = self.init_error
            return Response(None, error.type, error.message, error.stack, "", b"", {}, False)
        request_id = self.api.submit(event, limit_ms=int(self._limit_sec * 1000), **headers)
        try:
            outcome = self.api.wait(request_id, self._limit_sec, self.alive)
        except runtime_api.Timeout as error:
            self._end()
            return Response(None, "Sandbox.Timedout", str(error), [], request_id, b"", {}, False)
        if outcome is None:
            text = f"exit status {self.wait_exit(10)}"
            return Response(None, "Runtime.ExitError", text, [], request_id, b"", {}, False)
        with contextlib.suppress(runtime_api.Timeout):
            self.api.wait_idle(5, self.alive)
        error = outcome.error
        if outcome.kind == "error" or outcome.error_type:
            payload = None
        else:
            payload = outcome.body if outcome.streamed else _parsed(outcome.body)
        return Response(
            payload,
            error.get("errorType") or outcome.error_type,
            error.get("errorMessage"),
            error.get("stackTrace") or error.get("trace") or [],
            request_id,
            outcome.body,
            outcome.headers,
            outcome.streamed,
        )

    @property
    def stdout(self) -> str:
        """What the function printed so far."""
        return self._stdout.text()

    @property
    def stderr(self) -> str:
        return self._stderr.text()

    def wait_log(self, text: str, limit_sec: float = 10, count: int = 1) -> bool:
        """True when the function's two streams hold `text` that often within the limit (Node writes to pipes late)."""
        deadline = time.monotonic() + limit_sec
        while (self.stdout + self.stderr).count(text) < count:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.01)
        return True

    @property
    def events(self) -> List[dict]:
        """Event lines (interface.md §3) on standard output so far."""
        return event_lines(self.stdout)

    @property
    def status_lines(self) -> List[str]:
        """Our status lines on standard error so far."""
        return [line for line in self.stderr.splitlines() if "[app_protect]" in line]

    # -- laying out --------------------------------------------------------------------------------------------

    def _lay_out_task(self):
        if isinstance(self._task, dict):
            self.task_root.mkdir()
            for name, content in self._task.items():
                file = self.task_root / name
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(content if isinstance(content, bytes) else content.encode())
        else:
            shutil.copytree(self._task, self.task_root, symlinks=True)
        text = self._policy if isinstance(self._policy, str) or self._policy is None else json.dumps(self._policy)
        self._policy_variables = {}
        if text is not None and self._attach != "plain":
            if self._policy_in == "package":
                (self.task_root / "app_protect.json").write_text(text)
            elif self._policy_in == "variable":
                self._policy_variables["TREND_AP_POLICY"] = text
            elif self._policy_in == "file":
                (self.folder / "policy.json").write_text(text)
                self._policy_variables["TREND_AP_POLICY_FILE"] = str(self.folder / "policy.json")
            else:
                raise ValueError(f"policy_in: {self._policy_in}")
        if self._attach == "code":
            self._handler = _attach_in_code(self.runtime.language, self.runtime.number, self.task_root, self._handler)
        for folder, _, files in os.walk(self.task_root):
            for name in files:
                file = pathlib.Path(folder, name)
                if file.is_file() and not file.is_symlink():
                    file.chmod(file.stat().st_mode & ~0o222 | 0o444)

    def _lay_out_runtime(self):
        """The folder that stands for /var/runtime: bootstrap, and the client beside it."""
        folder = self.folder / "runtime"
        folder.mkdir()
        (self.folder / "layers").mkdir()
        (self.folder / "package.json").write_text("{}")  # so that no other one above decides what a .js file is
        language, client = self.runtime.language, self.runtime.client
        if language == "python":
            interpreter, version = "python", f"3.{self.runtime.number}"
            shutil.copytree(client, folder, dirs_exist_ok=True, copy_function=_link)
            names = ["bootstrap", "bootstrap.py"]
        else:
            interpreter, version = "node", str(self.runtime.number)
            package = client / "node_modules" / "aws-lambda-ric"
            if self.runtime.number < 14:
                shutil.copytree(package, folder / "client", copy_function=_link)
                names = ["bootstrap", "index.js"]
            else:
                built = package / "dist" if (package / "dist" / "index.mjs").is_file() else package
                _link(built / "index.mjs", folder / "client.mjs")
                _link(built / "rapid-client.node", folder / "rapid-client.node")
                names = ["bootstrap", "index.mjs"]
        values = {interpreter: str(self.runtime.program), "version": version, "opt": str(self.opt)}
        for name in names:
            text = (BOOTSTRAP / language / name).read_text()
            for key, value in values.items():
                text = re.sub(rf'^{key}(\s*=\s*)("?)[^"\n]*("?)$', rf"{key}\g<1>\g<2>{value}\g<3>", text, flags=re.M)
            (folder / name).write_text(text)
            (folder / name).chmod(0o755)

    def _environment(self) -> Dict[str, str]:
        runtime, opt, task = self.var_runtime, self.opt, self.var_task
        libraries = ["/lib64", "/usr/lib64", runtime, runtime / "lib", task, task / "lib", opt / "lib"]
        env = {
            "AWS_ACCESS_KEY_ID": "ASIAEXAMPLE",
            "AWS_DEFAULT_REGION": "eu-central-1",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
            "AWS_LAMBDA_FUNCTION_NAME": runtime_api.FUNCTION_NAME,
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_LOG_FORMAT": "Text",
            "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{runtime_api.FUNCTION_NAME}",
            "AWS_LAMBDA_LOG_STREAM_NAME": "2026/02/09/[$LATEST]0123456789abcdef0123456789abcdef",
            "AWS_LAMBDA_RUNTIME_API": self.api.address,
            "AWS_REGION": "eu-central-1",
            "AWS_SECRET_ACCESS_KEY": "example",
            "AWS_SESSION_TOKEN": "example",
            "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
            "AWS_XRAY_DAEMON_ADDRESS": "169.254.79.129:2000",
            "HOME": "/home/sbx_user1051",
            "LAMBDA_RUNTIME_DIR": str(runtime),
            "LAMBDA_TASK_ROOT": str(task),
            "LANG": "C.UTF-8",
            "LD_LIBRARY_PATH": ":".join(map(str, libraries)),
            "PATH": f"{self.runtime.program.parent}:/usr/local/bin:/usr/bin/:/bin:{opt}/bin",
            "TZ": ":UTC",
            "_HANDLER": self._handler,
        }
        env.update(self._policy_variables)
        if self._attach == "wrapper":
            env["AWS_LAMBDA_EXEC_WRAPPER"] = str(opt / "trend_app_protect")
        elif self._attach in ("handler", "module"):
            env["TREND_AP_HANDLER"] = self._handler
            env["_HANDLER"] = "trend_app_protect_handler.handler"
            if self._attach == "module":
                env["_HANDLER"] = f"{opt}/nodejs/node_modules/trend_app_protect_handler/handler.handler"
        env.update({name: value for name, value in self._extra.items() if value is not None})
        for name, value in self._extra.items():
            if value is None:
                env.pop(name, None)
        return env


def layers() -> pathlib.Path:
    """Where a function that is attached sees our layer."""
    return pathlib.Path("/opt") if networks.shared() else STAGE


def event_lines(text: str) -> List[dict]:
    """The event lines in a function's log."""
    found = []
    for line in text.splitlines():
        if line.startswith('{"source":"appDefender"'):
            found.append(json.loads(line))
    return found


def _attach_in_code(language: str, number: int, task_root: pathlib.Path, handler: str) -> str:
    """Adds a module that protects the handler in code, as its author would; returns the new handler string."""
    if language == "python":
        module, _, name = handler.rpartition(".")
        (task_root / "protected.py").write_text(
            "import importlib\n"
            "from trend_app_protect.api.aws_lambda import protect_handler\n"
            f"handler = protect_handler(importlib.import_module({module.replace('/', '.')!r}).{name})\n"
        )
        return "protected.handler"
    folder, _, base = handler.rpartition("/")
    module, _, name = base.partition(".")
    if number < 14:
        (task_root / "protected.js").write_text(
            "const { api } = require('trend_app_protect');\n"
            f"const original = require('./{pathlib.PurePosixPath(folder, module)}');\n"
            f"exports.handler = api.aws_lambda.protectHandler(original.{name});\n"
        )
        return "protected.handler"
    stem = pathlib.PurePosixPath(folder, module)
    file = next(
        (f"{stem}{end}" for end in (".mjs", ".js", ".cjs") if (task_root / f"{stem}{end}").is_file()), f"{stem}.js"
    )
    (task_root / "protected.mjs").write_text(
        "import { createRequire } from 'node:module';\n"
        "const { api } = createRequire(import.meta.url)('trend_app_protect');\n"
        f"const original = await import('./{file}');\n"
        f"const found = original.{name} ?? original.default?.{name};\n"
        "export const handler = api.aws_lambda.protectHandler(found);\n"
    )
    return "protected.handler"


def _parsed(body: bytes):
    try:
        return json.loads(body)
    except ValueError:
        return body


def _link(source, target):
    """A second name for a file of the cache, or a copy where that cannot be."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _remove(folder: pathlib.Path):
    shutil.rmtree(folder, ignore_errors=True)


class _Drain:
    """Reads a pipe to its end on a thread, so that the writer never blocks."""

    def __init__(self, pipe):
        self._pipe, self._data, self._lock = pipe, bytearray(), threading.Lock()
        self._done = False
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        descriptor = self._pipe.fileno()
        ready = select.poll()
        ready.register(descriptor, select.POLLIN)
        while True:
            ready.poll()
            with self._lock:
                data = os.read(descriptor, 65536)
                self._data += data
                if not data:
                    self._done = True
                    self._pipe.close()
                    return

    def _waiting(self) -> int:
        """Bytes written by the function and not yet read by us."""
        with self._lock:
            if self._done:
                return 0
            return struct.unpack("i", fcntl.ioctl(self._pipe.fileno(), termios.FIONREAD, b"\0\0\0\0"))[0]

    def text(self) -> str:
        """Everything written before this call."""
        deadline = time.monotonic() + 5
        while self._waiting() and time.monotonic() < deadline:
            time.sleep(0.001)
        with self._lock:
            return self._data.decode("utf-8", "replace")
