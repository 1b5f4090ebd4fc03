# SPDX-License-Identifier: Apache-2.0
"""The event of every trigger that the AWS SAM command line knows passes through unchanged, byte for byte in meaning."""

import json

import pytest

import cases
import function
import runtimes

TASK = {"python": {"app.py": cases.ECHO_PY}, "node": {"app.js": cases.ECHO_JS}}


@pytest.mark.ahead
@pytest.mark.parametrize("runtime, attach", list(cases.attached(cases.every_runtime(), plain=True)))
def test_events_pass_through(runtime, attach):
    files = sorted(runtimes.events_folder().glob("*.json"))
    if not files:
        pytest.skip("sample events not rendered (run tests/lambda/setup)")
    assert len(files) >= 60
    language = runtimes.by_name(runtime).language
    with function.Function(runtime, TASK[language], policy=cases.POLICY, attach=attach) as run:
        for file in files:
            event = json.loads(file.read_text())
            response = run.invoke(event)
            assert response.error_type is None, f"{file.name}: {response}\n{run.stderr}"
            assert response.payload == event, file.name
        assert run.events == []
