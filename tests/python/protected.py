# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: E501, UP022
"""Programs under a policy: each test starts one, looks at what really happened, then at the event lines.

    result = protected.run("open('/tmp/x')", policy={"schema": 1, "files": {"tmp": "deny"}})
    assert result.status == 1 and [e["info"]["path"] for e in result.events] == ["/tmp/x"]

The interpreter is the one that runs the tests; the product is the staged tree of the build (`APP_PROTECT_BUILD`, else build/dev).
Programs live below /var/tmp: /tmp and the program's own folder are dimensions of the policy.
"""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
from typing import List, NamedTuple, Optional

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("APP_PROTECT_BUILD") or ROOT / "build" / "dev").resolve()
STAGE = BUILD / "stage"
LIBRARY = STAGE / "app_protect" / "lib" / "libapp_protect.so"
LIMIT_SEC = 60


class Result(NamedTuple):
    """What one program did."""

    status: int
    stdout: str
    stderr: str
    events: List[dict]

    @property
    def value(self):
        """The JSON the program printed last."""
        return json.loads(self.stdout.strip().splitlines()[-1])

    def about(self):
        """For assertion messages."""
        events = "\n".join(json.dumps(event) for event in self.events)
        return f"status {self.status}\n--- stdout\n{self.stdout[-4000:]}\n--- stderr\n{self.stderr[-4000:]}\n--- events\n{events}"


class Folder:
    """A scratch folder that is removed at the end; `below` is /var/tmp (outside every dimension) or /tmp."""

    def __init__(self, below="/var/tmp"):
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="app-protect-", dir=below)).resolve()

    def __enter__(self):
        return self.path

    def __exit__(self, *_):
        shutil.rmtree(self.path, ignore_errors=True)


def environment(policy, events, extra=None):
    """Variables of a program: ours are removed, the policy and the event log set; None removes one."""
    result = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("TREND_AP_", "ES_", "IMMUNIO_", "PYTHON", "AWS_", "LAMBDA_")) and key != "TMPDIR"
    }
    result.update(PYTHONPATH=str(STAGE / "python"), PYTHONDONTWRITEBYTECODE="1", TREND_AP_EVENT_LOG_FILE=str(events))
    if policy is not None:
        result["TREND_AP_POLICY"] = policy if isinstance(policy, str) else json.dumps(policy)
    for key, value in (extra or {}).items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = value
    return result


def read_events(path) -> List[dict]:
    if not path.exists():
        return []
    return [
        json.loads(line) for line in path.read_text("utf-8").splitlines() if line.startswith('{"source":"appDefender"')
    ]


def run(
    program: str,
    policy=None,
    *,
    attach: str = "import",
    files: Optional[dict] = None,
    arguments=(),
    env: Optional[dict] = None,
    folder: Optional[pathlib.Path] = None,
    options=(),
    command: Optional[list] = None,
) -> Result:
    """Runs a Python program in a process of its own.

    Args:
        program: its text.
        policy: dict or text for TREND_AP_POLICY; None for none.
        attach: "plain" (without us), "import" (its first line is `import trend_app_protect.start`) or "wrapper" (the exec wrapper).
        files: more files of the program's folder (name -> text or bytes).
        arguments: the program's.
        env: more variables; None removes one.
        folder: an existing folder to use as the program's own.
        options: of the interpreter.
        command: the whole command line, instead of the interpreter and the program.
    """
    with Folder() as own, Folder() as log:
        place = folder or own
        for name, content in (files or {}).items():
            file = place / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content if isinstance(content, bytes) else content.encode())
        text = ("import trend_app_protect.start\n" if attach == "import" else "") + program
        (place / "main.py").write_text(text)
        words = command or [sys.executable, *options, str(place / "main.py"), *map(str, arguments)]
        if attach == "wrapper":
            words = [str(STAGE / "trend_app_protect"), *words]
        done = subprocess.run(
            words,
            cwd=place,
            env=environment(policy, log / "events", env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            timeout=LIMIT_SEC,
        )
        return Result(
            done.returncode,
            done.stdout.decode("utf-8", "replace"),
            done.stderr.decode("utf-8", "replace"),
            read_events(log / "events"),
        )
