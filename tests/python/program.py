# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: E501, UP022, F541 (programs as text, one per line)
"""Runs named operations one after the other, as a function would, and says what each gave: `program.py FILE NAME...`.

FILE holds {"operations": {name: {"code": text, "names": {...}}}}. Between operations a marker line goes into the event log through a descriptor
that was opened before the agent started, so that each event is known to belong to one operation.
"""

import json
import os
import sys
import time

task = json.load(open(sys.argv[1]))
log = os.open(os.environ["TREND_AP_EVENT_LOG_FILE"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
for name in task["preload"]:
    __import__(name)
if task["attach"]:
    import trend_app_protect.start  # noqa: F401

results = {}
for name in sys.argv[2:]:
    operation = task["operations"][name]
    os.write(log, b'{"marker": "%s"}\n' % name.encode())
    scope = dict(operation["names"])
    try:
        exec(compile(operation["code"], "operation.py", "exec"), scope)
        value = scope.get("result")
        results[name] = {
            "value": value if isinstance(value, (str, int, float, bool, list, type(None))) else repr(value)
        }
    except BaseException as error:  # noqa: BLE001
        chain, cause = [], error
        while cause is not None and len(chain) < 6:
            chain.append(
                [type(cause).__name__, isinstance(cause, PermissionError), getattr(cause, "errno", None), str(cause)]
            )
            cause = getattr(cause, "reason", None) or cause.__cause__ or cause.__context__
            cause = cause if isinstance(cause, BaseException) else None
        results[name] = {"error": chain}
    # A refusal that follows the last one at once, for the same path, is taken for a library's retry.
    time.sleep(0.003)
os.write(log, b'{"marker": ""}\n')
os.write(1, json.dumps(results).encode() + b"\n")
