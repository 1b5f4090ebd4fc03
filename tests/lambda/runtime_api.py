# SPDX-License-Identifier: Apache-2.0
"""A double of the AWS Lambda Runtime API (version 2018-06-01).

Serves what a runtime interface client calls and records everything it says. One instance serves one execution
environment. Thread-safe; every wait has a limit.

    with RuntimeApi() as api:
        ...start a client with AWS_LAMBDA_RUNTIME_API=api.address...
        api.wait_ready(30)
        outcome = api.wait(api.submit({"n": 1}), 30)
        assert outcome.json() == {"n": 1}
"""

import base64
import collections
import http.server
import json
import socket
import socketserver
import threading
import time
import uuid
from typing import Callable, List, NamedTuple, Optional

FUNCTION_NAME = "orders-api"
FUNCTION_ARN = f"arn:aws:lambda:eu-central-1:123456789012:function:{FUNCTION_NAME}"
PREFIX = "/2018-06-01/runtime"


class Timeout(Exception):
    """Nothing came within the limit."""


class Outcome(NamedTuple):
    """How one invocation, the init or the restore ended, as the client told it."""

    kind: str  # response | error
    body: bytes
    headers: dict  # names in lower case
    trailers: dict  # names in lower case; empty unless the response was streamed

    def json(self):
        return json.loads(self.body)

    @property
    def streamed(self) -> bool:
        return self.headers.get("lambda-runtime-function-response-mode") == "streaming"

    @property
    def error_type(self) -> Optional[str]:
        """Error type from the header, from the trailer of a broken stream, or None."""
        name = "lambda-runtime-function-error-type"
        return self.headers.get(name) or self.trailers.get(name)

    @property
    def error(self) -> dict:
        """The error object {errorType, errorMessage, stackTrace | trace}; {} when there is none."""
        if self.kind == "error":
            return self.json() if self.body else {}
        text = self.trailers.get("lambda-runtime-function-error-body")
        return json.loads(base64.b64decode(text)) if text else {}


class Call(NamedTuple):
    """One request of the client."""

    method: str
    path: str
    headers: dict
    body: bytes
    trailers: dict
    at: float  # time.monotonic()


class RuntimeApi:
    """The double. `listener` is a listening TCP socket (made in another network namespace, say) or None."""

    def __init__(self, listener: Optional[socket.socket] = None):
        self.calls: List[Call] = []
        self.init_error: Optional[Outcome] = None
        self.restore_error: Optional[Outcome] = None
        self.unknown: List[str] = []  # requests that no runtime interface client should make
        self._changed = threading.Condition()
        self._queue = collections.deque()
        self._outcomes = {}
        self._known = set()
        self._polls = 0
        self._restored = 0
        self._closed = False
        self._server = _Server(self, listener)
        host, port = self._server.server_address[:2]
        self.address = f"{host}:{port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Stops serving; a hanging `next` is dropped. May be called twice."""
        with self._changed:
            if self._closed:
                return
            self._closed = True
            self._changed.notify_all()
        self._server.shutdown()
        self._server.server_close()

    def submit(self, event, limit_ms: int = 30000, **headers) -> str:
        """Queues an event (bytes are sent as they are) with a deadline; returns the request id.

        More headers by keyword: `trace_id`, `client_context`, `cognito_identity`, `aws_tenant_id`.
        """
        request_id = str(uuid.uuid4())
        body = event if isinstance(event, bytes) else json.dumps(event).encode()
        fields = {
            "Lambda-Runtime-Aws-Request-Id": request_id,
            "Lambda-Runtime-Deadline-Ms": str(int(time.time() * 1000) + limit_ms),
            "Lambda-Runtime-Invoked-Function-Arn": FUNCTION_ARN,
            "Lambda-Runtime-Trace-Id": "Root=1-65c5a2f0-0123456789abcdef01234567;Parent=0123456789abcdef;Sampled=0",
        }
        for name, value in headers.items():
            fields["Lambda-Runtime-" + "-".join(word.capitalize() for word in name.split("_"))] = value
        with self._changed:
            self._known.add(request_id)
            self._queue.append((fields, body))
            self._changed.notify_all()
        return request_id

    def wait(self, request_id: str, limit_sec: float, alive: Callable[[], bool] = lambda: True) -> Optional[Outcome]:
        """The outcome of an invocation; None when `alive` became false without one.

        Raises:
            Timeout: neither happened within the limit.
        """
        return self._wait(lambda: self._outcomes.get(request_id), limit_sec, alive)

    def wait_ready(self, limit_sec: float, alive: Callable[[], bool] = lambda: True) -> bool:
        """True when init is over (the client asks for its first event), False when it failed or ended.

        Raises:
            Timeout: neither happened within the limit.
        """
        self._wait(lambda: self._polls or self.init_error, limit_sec, alive)
        return bool(self._polls) and self.init_error is None

    def wait_idle(self, limit_sec: float, alive: Callable[[], bool] = lambda: True) -> bool:
        """True when the client asks for an event and none is left: what it does after an invocation is done.

        Raises:
            Timeout: the client neither asked nor ended within the limit.
        """
        return bool(self._wait(lambda: not self._queue and self._polls > len(self._outcomes), limit_sec, alive))

    def _wait(self, ready, limit_sec, alive):
        deadline = time.monotonic() + limit_sec
        with self._changed:
            while True:
                result = ready()
                if result:
                    return result
                if not alive():
                    return ready()
                left = deadline - time.monotonic()
                if left <= 0:
                    raise Timeout(f"nothing from the runtime interface client in {limit_sec:g} s")
                self._changed.wait(min(left, 0.05))

    # -- called by the handler threads ------------------------------------------------------------------------

    def _record(self, call: Call):
        with self._changed:
            self.calls.append(call)
            self._changed.notify_all()

    def _next(self):
        """The next event; None when the double closes."""
        with self._changed:
            self._polls += 1
            self._changed.notify_all()
            while not self._queue and not self._closed:
                self._changed.wait(0.5)
            return None if self._closed else self._queue.popleft()

    def _post(self, path: str, outcome: Outcome) -> int:
        """Stores what was posted; returns the HTTP status."""
        parts = path.strip("/").split("/")
        with self._changed:
            try:
                if parts == ["init", "error"]:
                    self.init_error = self.init_error or outcome._replace(kind="error")
                    return 202
                if parts == ["restore", "error"]:
                    self.restore_error = outcome._replace(kind="error")
                    return 202
                if len(parts) == 3 and parts[0] == "invocation" and parts[2] in ("response", "error"):
                    if parts[1] not in self._known:
                        return 400
                    if parts[1] in self._outcomes:
                        return 400  # answered twice
                    self._outcomes[parts[1]] = outcome._replace(kind=parts[2])
                    return 202
                self.unknown.append(path)
                return 404
            finally:
                self._changed.notify_all()


class _Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, api, listener):
        self.api = api
        if listener is None:
            super().__init__(("127.0.0.1", 0), _Handler)
        else:
            super().__init__(listener.getsockname(), _Handler, bind_and_activate=False)
            self.socket.close()
            self.socket = listener

    def server_bind(self):  # without the look-up of the host's name
        socketserver.TCPServer.server_bind(self)

    def handle_error(self, request, client_address):
        """A client that is killed breaks its connections; that is no news."""


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def do_GET(self):
        api = self.server.api
        self._noted("GET", b"", {})
        if self.path == PREFIX + "/invocation/next":
            event = api._next()
            if event is None:
                self.close_connection = True
                return
            fields, body = event
            self._answer(200, body, fields)
        elif self.path == PREFIX + "/restore/next":
            self._answer(200, b"", {})
        else:
            api.unknown.append(self.path)
            self._answer(404, b"{}", {})

    def do_POST(self):
        body, trailers = self._body()
        self._noted("POST", body, trailers)
        path = self.path[len(PREFIX) :] if self.path.startswith(PREFIX) else self.path
        status = self.server.api._post(path, Outcome("", body, _lower(self.headers), trailers))
        self._answer(status, b'{"status":"OK"}' if status == 202 else b'{"errorMessage":"refused"}', {})

    def _noted(self, method, body, trailers):
        self.server.api._record(Call(method, self.path, _lower(self.headers), body, trailers, time.monotonic()))

    def _body(self):
        """The whole body and the trailers."""
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length") or 0)), {}
        body = bytearray()
        while True:
            size = int(self.rfile.readline().split(b";")[0], 16)
            if size == 0:
                break
            body += self.rfile.read(size)
            self.rfile.readline()
        trailers = {}
        while True:
            line = self.rfile.readline().strip()
            if not line:
                return bytes(body), trailers
            name, _, value = line.decode("latin-1").partition(":")
            trailers[name.strip().lower()] = value.strip()

    def _answer(self, status, body, fields):
        self.send_response(status)
        for name, value in fields.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _lower(headers) -> dict:
    return {name.lower(): value for name, value in headers.items()}
