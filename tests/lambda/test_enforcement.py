# SPDX-License-Identifier: Apache-2.0
"""Outbound, files, child processes, in the real clients: what is denied does not happen, what is observed is counted.

Every operation is first shown to succeed without us; whether it happened is seen in the world, not in the answer.
"""

import pytest

import cases
import function
import operations
import runtimes

CONTROL = [pytest.param(name, "plain", "grant", id=f"{name}-plain") for name in cases.every_runtime()]
PROTECTED = [
    pytest.param(*parameters.values, action, marks=parameters.marks, id=f"{parameters.id}-{action}")
    for parameters in cases.attached(cases.every_runtime())
    for action in ("deny", "observe")
]


@pytest.mark.ahead
@pytest.mark.parametrize("runtime, attach, action", CONTROL + PROTECTED)
def test_operations(runtime, attach, action):
    language = runtimes.by_name(runtime).language
    wrong = []
    with operations.World() as world:
        with function.Function(
            runtime,
            operations.TASKS / language,
            policy=operations.policy(action),
            attach=attach,
            network=world.network,
        ) as run:
            assert run.init_error is None, f"{run.init_error}\n{run.stderr}"
            for operation in operations.of(language, world):
                wrong += [f"{operation.name}: {text}" for text in _try(run, world, operation, attach, action)]
            if attach != "plain":
                sequence = [event["seq"] for event in run.events]
                assert sequence == sorted(set(sequence))
    assert not wrong, f"{len(wrong)} things are wrong:\n" + "\n".join(wrong)


def _try(run, world, operation, attach, action):
    """Carries one operation out and yields what is not as it must be."""
    arguments = operation.prepare(world, run)
    before = len(run.events)
    response = run.invoke({"do": [operation.does, *arguments]})
    if response.error_type:
        yield f"the invocation failed: {response.error_type}: {response.error_message}"
        return
    if "unsupported" in (response.payload or {}):  # the runtime has no such API
        return
    happened = operation.happened(world, run, arguments)
    events = run.events[before:]
    denied = attach != "plain" and action == "deny" and not operation.granted
    if denied:
        if happened:
            yield "happened although denied"
        # A shell whose start is refused is an exit status to whoever calls system().
        if "ok" in response.payload and not (operation.does == "system" and response.payload["ok"] != 0):
            yield f"the caller was told it worked: {response.payload}"
        elif "error" in response.payload and not response.payload["permission"]:
            yield f"not an ordinary denial: {response.payload}"
    else:
        if not happened:
            yield f"did not happen: {response.payload}"
        if "error" in response.payload:
            yield f"failed: {response.payload}"
    if attach == "plain" or operation.granted:
        if events:
            yield f"unexpected events: {events}"
        return
    most = 1 if denied else operation.events
    if not 1 <= len(events) <= most:
        yield f"{len(events)} events, expected {most}: {[(event['info'], event['count']) for event in events]}"
    for event in events:
        if event["action"] != action or event["count"] != 1 or event["request_id"] != response.request_id:
            yield f"event says {event['action']}, count {event['count']}, request {event['request_id']}"
    for event in events[-1:]:
        yield from operations.about(operation, arguments, event)
