# SPDX-License-Identifier: Apache-2.0
"""Every legal handler, on every runtime, without us and with every way to attach: same answer, same error, same log."""

import pytest

import cases
import function
import runtimes

# Cases for every runtime.
EVERYWHERE = {
    "echo",
    "folder-with-slash",
    "esm",
    "callback",
    "streaming",
    "raises",
    "throws",
    "missing-module",
    "misspelt-function",
    "raises-at-import",
}
# Where the whole table runs; elsewhere the above.
THE_WHOLE_TABLE = {"python3.7", "python3.13", "nodejs22.x", "nodejs24.x"}


def _parameters():
    for name in cases.every_runtime():
        runtime = runtimes.by_name(name)
        table = cases.PYTHON if runtime.language == "python" else cases.NODE
        for attach in ["plain", *cases.attachments(runtime)]:
            for case in table:
                if not case.only(runtime.number) or attach in case.not_attached:
                    continue
                if cases.FULL or name in THE_WHOLE_TABLE or case.name in EVERYWHERE:
                    marks = [] if attach == "plain" else [cases.needs_product()]
                    yield pytest.param(name, attach, case, marks=marks, id=f"{name}-{attach}-{case.name}")


@pytest.mark.ahead
@pytest.mark.parametrize("runtime, attach, case", list(_parameters()))
def test_handler(runtime, attach, case):
    with function.Function(runtime, case.task, case.handler, cases.POLICY, attach=attach, env=case.env) as run:
        response = run.invoke(case.event)
        about = f"{response}\n{run.stdout}\n{run.stderr}"
        if case.error is None:
            assert response.error_type is None, about
            if case.payload is not cases.ANY:
                assert response.payload == case.payload, about
        else:
            assert case.error in (cases.ANY, response.error_type), about
            assert response.payload is None
            assert case.message in response.error_message, about
        # The client of python3.7 reports a handler that it could not find with the first invocation.
        if not (case.init and runtime == "python3.7"):
            assert bool(run.init_error) == case.init, about
        if case.frame:
            assert case.frame in _innermost(run.runtime.language, response.stack), about
        if case.check:
            case.check(run, response)
        position = 0
        for text in case.prints:
            position = run.stdout.find(text, position)
            assert position >= 0, about
        assert run.api.unknown == []
        if attach == "plain":
            assert run.events == [] and run.status_lines == []
        elif "exit" not in case.name:
            assert run.events == [], about
            assert len([line for line in run.status_lines if line.startswith("[INFO]")]) == 1, about


def _innermost(language, stack):
    """The text of the frame that raised."""
    if language == "python":
        return stack[-1]
    return next(line for line in stack if line.strip().startswith("at "))
