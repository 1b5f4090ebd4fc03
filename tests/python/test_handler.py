# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: E501, UP022, F541 (programs as text, one per line)
"""A protected handler: what it keeps of the function, what on_deny makes of an invocation, and what reaches a program's end."""

import pytest
import protected

PRELUDE = """
import json, sys
from trend_app_protect.api.aws_lambda import protect_handler
from trend_app_protect import exceptions
class Context:
    aws_request_id = 'request-1'
    invoked_function_arn = 'arn:aws:lambda:eu-central-1:123456789012:function:orders'
    _epoch_deadline_time_in_ms = 4102444800000
def call(f, *arguments):
    try:
        return f(*(arguments or ({}, Context())))
    except BaseException as error:
        return [type(error).__name__, str(error)]
"""


def policy(on_deny="raise", action="deny"):
    return {"schema": 1, "name": "orders", "files": {"tmp": action}, "on_deny": on_deny}


def run(program, on_deny="raise", **options):
    return protected.run(PRELUDE + program, policy(on_deny), attach="plain", **options)


def test_what_a_handler_keeps():
    program = """
import functools, gc, inspect, traceback, weakref
def handler(event, context=None, *, more=1):
    "words"
    if event == 'raise':
        raise KeyError('mine')
    return answer
answer = object()
handler.tag = 'tag'
h = protect_handler(handler)
assert h({}, Context()) is answer and h({}) is answer and h(event={}, context=None, more=2) is answer
assert (h.__name__, h.__doc__, h.__module__, h.__qualname__, h.tag) == ('handler', 'words', '__main__', 'handler', 'tag')
assert inspect.signature(h) == inspect.signature(handler) and inspect.isfunction(h) and callable(h)
assert h.__wrapped__ is handler and protect_handler(h) is h and repr(h) == repr(handler)
h.own = 1
assert h.own == 1 and not hasattr(handler, 'own') and not hasattr(h, 'nothing')
try:
    h('raise')
    assert False
except KeyError as error:
    assert [f.name for f in traceback.extract_tb(error.__traceback__)] == ['<module>', 'handler']
    assert error.__cause__ is None and error.__context__ is None
class Methods:
    @protect_handler
    def handle(self, event, context):
        return (self, event)
m = Methods()
assert m.handle(5, None) == (m, 5)
assert call(protect_handler(lambda e, c: sys.exit(3))) == ['SystemExit', '3']
@protect_handler
async def later(event, context):
    return 7
assert inspect.iscoroutinefunction(later)
coroutine = later({}, None)
try:
    coroutine.send(None)
except StopIteration as stop:
    assert stop.value == 7
generator = protect_handler(lambda e, c: (x for x in [1, 2]))({}, None)
assert list(generator) == [1, 2]
for odd in (object(), Context, 5, None):
    assert h({}, odd) is answer
class Nasty:
    def __getattr__(self, name):
        raise RuntimeError('from the context')
assert h({}, Nasty()) is answer
assert call(h, 1, 2, 3)[0] == 'TypeError'
r = weakref.ref(h)
h.cycle = h
del h
gc.collect()
assert r() is None
print('done')
"""
    result = run(program)
    assert result.stdout == "done\n" and result.status == 0, result.about()


def test_events_carry_the_request():
    program = """
@protect_handler
def handler(event, context):
    return call(open, '/tmp/app-protect-in')
call(open, '/tmp/app-protect-before')
print(json.dumps(handler({}, Context())))
"""
    result = run(program)
    assert result.value[0] == "TrendAppProtectDenied", result.about()
    assert [(e["info"]["path"], e["request_id"]) for e in result.events] == [
        ("/tmp/app-protect-before", None),
        ("/tmp/app-protect-in", "request-1"),
    ], result.about()


SWALLOWING = """
@protect_handler
def handler(event, context):
    try:
        open('/tmp/app-protect-x')
    except %s:
        pass
    return 'went on'
print(json.dumps(call(handler)))
"""


@pytest.mark.parametrize("swallows", ["KeyError", "Exception", "BaseException"])
def test_block_ends_the_invocation(swallows):
    """Even when user code swallows what unwinds it."""
    assert run(SWALLOWING % "OSError").value == "went on"
    result = run(SWALLOWING % swallows, "block")
    assert result.value[0] == "TrendAppProtectBlocked" and "files.tmp.read" in result.value[1], result.about()
    assert len(result.events) == 1 and result.status == 0, result.about()


def test_block_in_a_thread_of_the_invocation():
    program = """
import concurrent.futures
@protect_handler
def handler(event, context):
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        future = pool.submit(open, '/tmp/app-protect-x')
        future.exception()
    return 'went on'
print(json.dumps(call(handler)))
"""
    result = run(program, "block")
    assert result.value[0] == "TrendAppProtectBlocked", result.about()


def test_the_next_invocation_after_a_block():
    program = """
@protect_handler
def handler(event, context):
    if event:
        open('/tmp/app-protect-x')
    return 'fine'
print(json.dumps([call(handler, 1, Context())[0], handler(0, Context()), call(handler, 1, Context())[0]]))
"""
    result = run(program, "block")
    assert result.value == ["TrendAppProtectBlocked", "fine", "TrendAppProtectBlocked"], result.about()


def test_block_outside_an_invocation_is_an_ordinary_denial():
    result = run("print(json.dumps(call(open, '/tmp/app-protect-x')))", "block")
    assert result.value[0] == "TrendAppProtectDenied", result.about()


def test_nested_handlers_are_one_invocation():
    program = """
inner = protect_handler(lambda event, context: call(open, '/tmp/app-protect-x'))
@protect_handler
def outer(event, context):
    inner(event, context)
    return 'went on'
print(json.dumps(call(outer)))
"""
    assert run(program).value == "went on"
    assert run(program, "block").value[0] == "TrendAppProtectBlocked"


def test_terminate():
    program = "import os\nprint('before', flush=True)\ntry:\n    open('/tmp/app-protect-x')\nfinally:\n    print('after', flush=True)\n"
    assert protected.run(program, policy()).stdout == "before\nafter\n"
    result = protected.run(program, policy("terminate"))
    assert (result.status, result.stdout) == (77, "before\n") and len(result.events) == 1, result.about()


def test_exceptions():
    program = """
import pickle
from immunio.exceptions import ImmunioOverrideResponse
e = exceptions
assert issubclass(e.TrendAppProtectDenied, PermissionError) and issubclass(e.AgentError, RuntimeError)
assert issubclass(e.ConfigError, e.AgentError) and issubclass(e.UnknownEngineError, e.AgentError)
assert e.TrendAppProtectOverrideResponse.__mro__[1] is BaseException and e.TrendAppProtectBlocked.__mro__[1] is Exception
assert ImmunioOverrideResponse is e.TrendAppProtectOverrideResponse
try:
    open('/tmp/app-protect-x')
except e.TrendAppProtectDenied as error:
    assert (error.errno, error.filename, error.rule) == (1, '/tmp/app-protect-x', 'files.tmp.read')
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error) and str(again) == str(error)
import os
try:
    os.rename('/tmp/app-protect-x', '/tmp/app-protect-y')
except PermissionError as error:
    assert (error.filename, error.filename2) == ('/tmp/app-protect-x', '/tmp/app-protect-y')
print('done')
"""
    result = run(program)
    assert result.stdout == "done\n", result.about()


def test_folded_events_are_written_at_every_end():
    program = "import os\nfor i in range(50):\n    try:\n        open('/tmp/app-protect-x')\n    except PermissionError:\n        pass\n"
    for end in (
        "",
        "os._exit(0)\n",
        "import sys; sys.exit(0)\n",
        "os.execv('/bin/true', ['true'])\n",
        "raise SystemExit\n",
    ):
        result = protected.run(program + end, policy())
        assert sum(event["count"] for event in result.events) >= 1, result.about()
        observed = protected.run(
            program.replace("except PermissionError", "except OSError") + end, policy(action="observe")
        )
        assert sum(event["count"] for event in observed.events) == 50, observed.about()


def test_azure_function():
    program = """
import inspect
from trend_app_protect.api.azure_function import protect_function
@protect_function
def main(req, context=None):
    return req
@protect_function
async def later(req):
    return req
assert main(3) == 3 and list(inspect.signature(main).parameters) == ['req', 'context'] and inspect.isfunction(main)
assert inspect.iscoroutinefunction(later)
import asyncio
assert asyncio.run(later(4)) == 4
print('done')
"""
    result = run(program)
    assert result.stdout == "done\n", result.about()
