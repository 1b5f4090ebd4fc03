# SPDX-License-Identifier: Apache-2.0
"""What a function may look like and what its caller must get: one table for every way to attach.

A case says what AWS's own client does. The same cases run without us and with every way to attach, so "we change
nothing" is not an opinion: it is the same expectation twice.
"""

import os
from typing import Any, Callable, Dict, List, NamedTuple, Optional

import pytest

import function
import runtimes

# Everything is denied that these functions have no business doing.
POLICY = {
    "schema": 1,
    "name": "forms",
    "version": 1,
    "outbound": {"action": "deny", "allowed_domains": []},
    "files": {"tmp": "deny", "application": {"read": "grant", "write": "deny"}},
    "child_processes": {"action": "deny"},
}

ANY = object()  # a payload that is not compared


# The ends of each line of runtime clients: there everything runs, between them what could differ. `make evidence`
# (APP_PROTECT_TEST_FULL=1) runs everything everywhere.
WHOLE = {"python3.7", "python3.8", "python3.13", "nodejs18.x", "nodejs22.x", "nodejs24.x"}
FULL = os.environ.get("APP_PROTECT_TEST_FULL") == "1"


class Case(NamedTuple):
    """One function, one event, one outcome."""

    name: str
    task: Dict[str, str]
    handler: str = "app.handler"
    event: Any = {"n": 1}
    payload: Any = ANY  # of a response
    error: Optional[str] = None  # error type; the payload is then None
    message: str = ""  # must be part of the error's message
    init: bool = False  # the error is one of the init
    frame: str = ""  # must be part of the last line of the function's own stack
    prints: List[str] = []  # must be in the log, in this order
    env: Dict[str, Optional[str]] = {}
    only: Callable[[int], bool] = lambda number: True  # which Python minor versions or Node major versions
    not_attached: List[str] = []  # ways to attach that this case makes no sense with (ESM needs the `.mjs` form)
    check: Optional[Callable] = None  # (function, response) -> None, more assertions


def py(body: str) -> Dict[str, str]:
    return {"app.py": body}


def js(body: str) -> Dict[str, str]:
    return {"app.js": body}


ECHO_PY = "def handler(event, context):\n    return event\n"
ECHO_JS = "exports.handler = async (event) => event;\n"
ECHO_MJS = "export const handler = async (event) => event;\n"

CONTEXT_PY = """
def handler(event, context):
    return [context.function_name, context.function_version, context.memory_limit_in_mb, context.log_group_name,
            context.invoked_function_arn, context.aws_request_id, 0 < context.get_remaining_time_in_millis() <= 30000,
            context.client_context.custom if context.client_context else None]
"""
CONTEXT_JS = """
exports.handler = async (event, context) => [
  context.functionName, context.functionVersion, Number(context.memoryLimitInMB), context.logGroupName,
  context.invokedFunctionArn, context.awsRequestId,
  context.getRemainingTimeInMillis() > 0 && context.getRemainingTimeInMillis() <= 30000, null];
"""

RAISES_OWN_PY = """
class Late(LookupError):
    pass
def inner():
    raise Late('too late')
def handler(event, context):
    inner()
"""
NO_WAIT_JS = """
exports.handler = (event, context, callback) => {
  context.callbackWaitsForEmptyEventLoop = false;
  setTimeout(() => {}, 60000);
  callback(null, 1);
};
"""
GETTER_JS = """
Object.defineProperty(exports, 'handler', { enumerable: true, get: () => handler });
const handler = async () => 'getter';
"""
PRINTS_JS = """
exports.handler = async () => {
  console.log('out');
  console.error('wörd');
  process.stdout.write('raw\\n');
  return 1;
};
"""
TOP_LEVEL_AWAIT_MJS = """
const n = await new Promise((done) => setTimeout(done, 20, 4));
export const handler = async () => n;
"""
STREAM_MJS = """
export const handler = awslambda.streamifyResponse(async (event, stream) => { stream.end('esm'); });
"""
OWN_ERROR_JS = """
class Late extends Error {
  constructor(message) { super(message); this.name = 'Late'; }
}
exports.handler = async () => {
  throw new Late('too late');
};
"""
PRINTS_PY = """
import logging, sys
def handler(event, context):
    print('out')
    logging.getLogger().warning('wörd')
    print('err', file=sys.stderr)
    return 1
"""
STREAM_HTTP_JS = """
stream = awslambda.HttpResponseStream.from(stream, { statusCode: 201, headers: { 'x-a': 'b' } });
stream.write('body');
stream.end();
"""


def _context(run, response):
    import runtime_api

    assert response.payload == [
        "orders-api",
        "$LATEST",
        ANY_MEMORY,
        "/aws/lambda/orders-api",
        runtime_api.FUNCTION_ARN,
        response.request_id,
        True,
        None,
    ]


class _Memory:
    """512 as a number or as text: the clients differ."""

    def __eq__(self, other):
        return other in (512, "512")


ANY_MEMORY = _Memory()


def _kept_state(run, response):
    assert [run.invoke().payload for _ in range(3)] == [2, 3, 4]


PYTHON = [
    Case("echo", py(ECHO_PY), payload={"n": 1}),
    Case("echo-unicode", py(ECHO_PY), event={"ключ": "值 \u0000 🐍"}, payload={"ключ": "值 \u0000 🐍"}),
    Case("echo-large", py(ECHO_PY), event={"data": "x" * 1_000_000}, payload={"data": "x" * 1_000_000}),
    Case("folder-with-slash", {"src/app.py": ECHO_PY}, "src/app.handler", payload={"n": 1}),
    Case("deep-folder", {"a/b/c.py": ECHO_PY}, "a/b/c.handler", payload={"n": 1}),
    Case("package-with-dots", {"a/__init__.py": "", "a/b.py": ECHO_PY}, "a.b.handler", payload={"n": 1}),
    Case("namespace-package", {"a/b.py": ECHO_PY}, "a.b.handler", payload={"n": 1}),
    Case("package-itself", {"a/__init__.py": ECHO_PY}, "a.handler", payload={"n": 1}),
    Case("other-name", py("def lambda_handler(event, context):\n    return 7\n"), "app.lambda_handler", payload=7),
    Case("lambda-expression", py("handler = lambda event, context: [event]"), payload=[{"n": 1}]),
    Case(
        "callable-object",
        py("class H:\n    def __call__(self, e, c):\n        return 'called'\nhandler = H()\n"),
        payload="called",
    ),
    Case(
        "partial", py("import functools\ndef f(x, e, c):\n    return x\nhandler = functools.partial(f, 5)\n"), payload=5
    ),
    Case("variadic", py("def handler(*args, **more):\n    return [len(args), more]\n"), payload=[2, {}]),
    Case("returns-nothing", py("def handler(event, context):\n    pass\n"), payload=None),
    Case("context", py(CONTEXT_PY), check=_context),
    Case(
        "keeps-state",
        py("n = 0\ndef handler(e, c):\n    global n\n    n += 1\n    return n\n"),
        payload=1,
        check=_kept_state,
    ),
    Case(
        "prints",
        py(PRINTS_PY),
        payload=1,
        prints=["out", "wörd"],
    ),
    Case(
        "raises",
        py("def handler(event, context):\n    raise ValueError('no ünit')\n"),
        error="ValueError",
        message="no ünit",
        frame="raise ValueError",
    ),
    Case(
        "raises-own-class",
        py(RAISES_OWN_PY),
        error="Late",
        message="too late",
        frame="in inner",
    ),
    Case(
        "raises-permission-error",
        py("def handler(e, c):\n    raise PermissionError(13, 'mine')\n"),
        error="PermissionError",
        message="mine",
    ),
    Case(
        "not-serialisable",
        py("def handler(e, c):\n    return object()\n"),
        error="Runtime.MarshalError",
        message="not JSON serializable",
    ),
    Case(
        "async-is-not-awaited",
        py("async def handler(e, c):\n    return 1\n"),
        error="Runtime.MarshalError",
        message="coroutine is not JSON",
    ),
    Case(
        "sys-exit",
        py("import sys\ndef handler(e, c):\n    sys.exit(3)\n"),
        error="Runtime.ExitError",
        message="exit status 3",
    ),
    Case(
        "os-exit",
        py("import os\ndef handler(e, c):\n    os._exit(5)\n"),
        error="Runtime.ExitError",
        message="exit status 5",
    ),
    Case(
        "own-pythonpath",
        {"app.py": "import helper\n" + ECHO_PY, "lib/helper.py": ""},
        payload={"n": 1},
        env={"PYTHONPATH": "lib"},
        not_attached=["handler", "code"],
    ),
    Case(
        "missing-module",
        {},
        error="Runtime.ImportModuleError",
        message="Unable to import module 'app': No module named 'app'",
        init=True,
        not_attached=["code"],
    ),
    Case(
        "missing-dependency",
        py("import nothere\n"),
        error="Runtime.ImportModuleError",
        message="'app': No module named 'nothere'",
        init=True,
        not_attached=["code"],
    ),
    Case(
        "raises-at-import",
        py("def f():\n    raise RuntimeError('at import')\nf()\n"),
        error="RuntimeError",
        message="at import",
        init=True,
        frame="in f",
    ),
    Case(
        "exits-at-import",
        py("import sys\nsys.exit(4)\n"),
        error="Runtime.ExitError",
        message="exit status 4",
        init=True,
    ),
    Case(
        "syntax-error",
        py("def handler(event, context) return 1\n"),
        error="Runtime.UserCodeSyntaxError",
        message="Syntax error in module 'app'",
        init=True,
        not_attached=["code"],
    ),
    Case(
        "misspelt-function",
        py("def handlr(e, c):\n    pass\n"),
        error="Runtime.HandlerNotFound",
        message="Handler 'handler' missing on module 'app'",
        init=True,
        not_attached=["code"],
    ),
    Case(
        "no-dot",
        py(ECHO_PY),
        "app",
        error="Runtime.MalformedHandlerName",
        message="Bad handler 'app'",
        init=True,
        not_attached=["code"],
    ),
    Case(
        "built-in-module",
        py(ECHO_PY),
        "sys.handler",
        error="Runtime.BuiltInModuleConflict",
        message="Cannot use built-in module sys",
        init=True,
        not_attached=["code"],
    ),
]


def _http_prelude(run, response):
    assert response.prelude == {"statusCode": 201, "headers": {"x-a": "b"}}
    assert response.headers["content-type"] == "application/vnd.awslambda.http-integration-response"


FROM_14 = lambda major: major >= 14  # noqa: E731  (client 1 of nodejs10 and 12 knows neither ES modules nor streams)
FROM_16 = lambda major: major >= 16  # noqa: E731
UP_TO_22 = lambda major: major <= 22  # noqa: E731
FROM_24 = lambda major: major >= 24  # noqa: E731
STREAM = "exports.handler = awslambda.streamifyResponse(async (event, stream, context) => { %s });\n"

NODE = [
    Case("echo", js(ECHO_JS), payload={"n": 1}),
    Case("echo-unicode", js(ECHO_JS), event={"ключ": "值 \u0000 🐍"}, payload={"ключ": "值 \u0000 🐍"}),
    Case("echo-large", js(ECHO_JS), event={"data": "x" * 1_000_000}, payload={"data": "x" * 1_000_000}),
    Case("folder-with-slash", {"src/app.js": ECHO_JS}, "src/app.handler", payload={"n": 1}),
    Case("deep-folder", {"a/b/c.js": ECHO_JS}, "a/b/c.handler", payload={"n": 1}),
    Case(
        "nested-property",
        {"index.js": "exports.nested = { deep: { h: async (event) => [event] } };\n"},
        "index.nested.deep.h",
        payload=[{"n": 1}],
    ),
    Case("cjs-extension", {"app.cjs": ECHO_JS}, payload={"n": 1}),
    Case("other-name", js("exports.main = async () => 7;\n"), "app.main", payload=7),
    Case("esm", {"app.mjs": ECHO_MJS}, payload={"n": 1}, only=FROM_14),
    Case(
        "esm-by-package-type",
        {"app.js": ECHO_MJS, "package.json": '{"type": "module"}'},
        payload={"n": 1},
        only=FROM_14,
    ),
    Case("esm-in-folder", {"src/app.mjs": ECHO_MJS}, "src/app.handler", payload={"n": 1}, only=FROM_14),
    Case(
        "esm-top-level-await",
        {"app.mjs": TOP_LEVEL_AWAIT_MJS},
        payload=4,
        only=FROM_14,
    ),
    Case(
        "esm-nested-property",
        {"app.mjs": "export const api = { h: async () => 6 };\n"},
        "app.api.h",
        payload=6,
        only=FROM_14,
    ),
    Case(
        "bundled-getter-exports",
        js(GETTER_JS),
        payload="getter",
    ),
    Case("method-keeps-this", js("module.exports = { n: 9, async handler() { return typeof this; } };\n"), payload=ANY),
    Case(
        "callback",
        js("exports.handler = (event, context, callback) => { setTimeout(() => callback(null, [event]), 5); };\n"),
        payload=[{"n": 1}],
        only=UP_TO_22,
    ),
    Case(
        "callback-error",
        js("exports.handler = (event, context, callback) => { callback(new RangeError('cb')); };\n"),
        error="RangeError",
        message="cb",
        only=UP_TO_22,
    ),
    Case(
        "callback-does-not-wait",
        js(NO_WAIT_JS),
        payload=1,
        only=UP_TO_22,
    ),
    Case(
        "context-done",
        js("exports.handler = (event, context) => { context.done(null, { d: 1 }); };\n"),
        payload={"d": 1},
        only=UP_TO_22,
    ),
    Case(
        "context-succeed",
        js("exports.handler = (event, context) => { context.succeed({ d: 1 }); };\n"),
        payload={"d": 1},
        only=UP_TO_22,
    ),
    Case(
        "context-fail",
        js("exports.handler = (event, context) => { context.fail(new Error('f')); };\n"),
        error="Error",
        message="f",
        only=UP_TO_22,
    ),
    Case("plain-value-is-ignored", js("exports.handler = () => ({ v: 1 });\n"), payload=None, only=UP_TO_22),
    Case("plain-value", js("exports.handler = () => ({ v: 1 });\n"), payload={"v": 1}, only=FROM_24),
    Case(
        "callback-is-refused",
        js("exports.handler = (event, context, callback) => { callback(null, 1); };\n"),
        error="Runtime.CallbackHandlerDeprecated",
        message="callback-based",
        init=True,
        only=FROM_24,
    ),
    Case(
        "returned-promise",
        js("exports.handler = () => new Promise((done) => setTimeout(done, 5, 'p'));\n"),
        payload="p",
    ),
    Case("thenable", js("exports.handler = () => ({ then: (done) => done('t') });\n"), payload="t"),
    Case("returns-nothing", js("exports.handler = async () => {};\n"), payload=None),
    Case("context", js(CONTEXT_JS), check=_context),
    Case("keeps-state", js("let n = 0;\nexports.handler = async () => ++n;\n"), payload=1, check=_kept_state),
    Case(
        "prints",
        js(PRINTS_JS),
        payload=1,
        prints=["out", "raw"],
    ),
    Case(
        "streaming", js(STREAM % "stream.write('ab'); stream.write('cd'); stream.end();"), payload=b"abcd", only=FROM_14
    ),
    Case(
        "streaming-http",
        js(STREAM % STREAM_HTTP_JS),
        check=_http_prelude,
        only=FROM_14,
    ),
    Case(
        "streaming-pipeline",
        js(STREAM % "await require('stream/promises').pipeline(require('stream').Readable.from(['a', 'b']), stream);"),
        payload=b"ab",
        only=FROM_16,
    ),
    Case(
        "streaming-breaks",
        js(
            STREAM
            % "stream.write('ab'); await new Promise((done) => setTimeout(done, 20)); throw new TypeError('mid');"
        ),
        error="TypeError",
        message="mid",
        check=lambda run, response: _equal(response.body, b"ab"),
        only=FROM_14,
    ),
    Case(
        "streaming-esm",
        {"app.mjs": STREAM_MJS},
        payload=b"esm",
        not_attached=["handler"],
        only=FROM_14,
    ),
    Case(
        "throws",
        js("exports.handler = () => {\n  throw new TypeError('no ünit');\n};\n"),
        error="TypeError",
        message="no ünit",
        frame="app.js:2",
    ),
    Case(
        "rejects-own-class",
        js(OWN_ERROR_JS),
        error="Late",
        message="too late",
        frame="app.js:6",
    ),
    Case(
        "rejects-text",
        js("exports.handler = async () => { throw 'just text'; };\n"),
        error="string",
        message="just text",
    ),
    Case(
        "rejects-eperm",
        js("exports.handler = async () => { throw Object.assign(new Error('mine'), { code: 'EPERM' }); };\n"),
        error="Error",
        message="mine",
    ),
    Case(
        "not-serialisable",
        js("exports.handler = async () => { const a = {}; a.a = a; return a; };\n"),
        error=ANY,
        message="Unable to stringify response body",
    ),
    Case(
        "exits",
        js("exports.handler = async () => { process.exit(3); };\n"),
        error="Runtime.ExitError",
        message="exit status 3",
    ),
    Case(
        "missing-module",
        {},
        error="Runtime.ImportModuleError",
        message="Cannot find module 'app'",
        init=True,
        not_attached=["code"],
    ),
    Case(
        "missing-dependency",
        js("require('nothere');\n"),
        error="Runtime.ImportModuleError",
        message="Cannot find module 'nothere'",
        init=True,
        not_attached=["code"],
    ),
    Case(
        "throws-at-import",
        js("function f() {\n  throw new RangeError('at import');\n}\nf();\n"),
        error="RangeError",
        message="at import",
        init=True,
        frame="app.js:2",
    ),
    Case(
        "throws-at-import-esm",
        {"app.mjs": "function f() {\n  throw new RangeError('at import');\n}\nf();\n"},
        error="RangeError",
        message="at import",
        init=True,
        not_attached=["handler"],
        frame="app.mjs:2",
        only=FROM_14,
    ),
    Case("exits-at-import", js("process.exit(4);\n"), error="Runtime.ExitError", message="exit status 4", init=True),
    Case(
        "syntax-error",
        js("exports.handler = async( => 1;\n"),
        error="Runtime.UserCodeSyntaxError",
        message="SyntaxError",
        init=True,
        not_attached=["code"],
    ),
    Case(
        "misspelt-function",
        js("exports.handlr = async () => 1;\n"),
        error="Runtime.HandlerNotFound",
        message="app.handler is undefined or not exported",
        init=True,
        not_attached=["code"],
    ),
    Case(
        "not-a-function",
        js("exports.handler = 3;\n"),
        error="Runtime.HandlerNotFound",
        message="app.handler is not a function",
        init=True,
        not_attached=["code"],
    ),
    Case(
        "no-dot",
        js(ECHO_JS),
        "app",
        error="Runtime.MalformedHandlerName",
        message="Bad handler",
        init=True,
        not_attached=["code"],
    ),
    Case(
        "climbing-path",
        js(ECHO_JS),
        "../app.handler",
        error="Runtime.MalformedHandlerName",
        message="not a valid handler name",
        init=True,
        not_attached=["code"],
    ),
]


def _equal(left, right):
    assert left == right


def attachments(runtime) -> List[str]:
    """Every way to attach that the runtime knows."""
    if runtime.language == "node":
        return ["wrapper", "handler", *(["module"] if FROM_14(runtime.number) else []), "code"]
    if runtime.number == 7:  # AWS's python3.7 ignores the exec wrapper
        return ["handler", "code"]
    return ["wrapper", "handler", "code"]


def needs_product():
    """Mark of a test that needs the built product: skipped only as long as there is no library at all."""
    reason = "not built yet: build/dev/stage/app_protect/lib/libapp_protect.so (make build)"
    return pytest.mark.skipif(not function.LIBRARY.exists(), reason=reason)


def every_runtime(*, languages=("python", "node"), numbers=None):
    """Name of every runtime that can run here; those that cannot are one skipped test in test_runtimes.py."""
    return [
        runtime.name
        for runtime in runtimes.found()
        if not runtime.why_missing and runtime.language in languages and (numbers is None or runtime.number in numbers)
    ]


def attached(names, *, plain=False):
    """(runtime, attach) for the runtimes; with `plain`, without us as well.

    Every way to attach on the runtimes of WHOLE, the first way on those between them; FULL: every way on all.
    """
    for name in names:
        if plain:
            yield pytest.param(name, "plain", id=f"{name}-plain")
        ways = attachments(runtimes.by_name(name))
        for attach in ways if FULL or name in WHOLE else ways[:1]:
            yield pytest.param(name, attach, id=f"{name}-{attach}", marks=needs_product())


def one_of_each():
    """One Python and one Node, for what does not depend on the version."""
    return every_runtime(numbers=(13, 22))
