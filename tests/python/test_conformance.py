# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: E501, UP022, F541 (programs as text, one per line)
"""The conformance cases of tests/conformance, through the extension and the library that ships."""

import json
import os
import pathlib
import sys

import protected
import pytest

sys.path.insert(0, str(protected.STAGE / "python"))
import trend_app_protect  # noqa: E402

native = trend_app_protect._native
native.load(str(protected.LIBRARY))

RESOURCES = {"outbound": 1, "files": 2, "processes": 3, "native": 4}
KINDS = dict(
    resolve=1, connect=2, read=10, write=11, create=12, delete=13, rename=14, link=15, symlink=16, stat=17, metadata=18, list=19, spawn=30, fork=31,
    load=40, exec_memory=41, call_address=42, memfd=43,
)  # fmt: skip
PROTOCOLS = {"tcp": 1, "udp": 2, "dns": 3, "unix": 4}
FLAGS = {"shell": 1, "async": 2, "canonical": 4, "unguarded": 8, "read_too": 16}
ACTIONS = ["grant", "observe", "deny"]
CLASSES = ["none", "name", "literal", "local", "provider", "tenant", "hosting"]
ON_DENY = ["raise", "block", "terminate"]
POLICIES = [
    None,
    "outbound_data",
    "read_write_tmp",
    "read_write_app",
    "read_write_other",
    "create_child_process",
    "native_code",
]


def load():
    """cases.json of the build where there is one; else made from the YAML files by their own tool."""
    built = protected.BUILD / "tests" / "conformance" / "cases.json"
    if built.exists():
        return json.loads(built.read_text("utf-8"))
    import subprocess

    tool = protected.ROOT / "tests" / "conformance" / "to_json.py"
    for python in ("/usr/bin/python3", sys.executable):
        done = subprocess.run([python, str(tool)], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if done.returncode == 0:
            return json.loads(done.stdout.decode("utf-8"))
    raise RuntimeError(done.stderr.decode("utf-8", "replace"))


CASES = load()


def text(value):
    """A string of cases.json: text, or bytes as {"hex": ...}; `${pid}` is this process."""
    if isinstance(value, dict):
        return bytes.fromhex(value["hex"])
    return value.replace("${pid}", str(os.getpid())) if value is not None else None


def native_operation(operation):
    found = {
        "resource": RESOURCES[operation["resource"]],
        "kind": KINDS[operation["kind"]],
        "protocol": PROTOCOLS.get(operation.get("protocol"), 0),
        "line": operation.get("line", 1),
        "flags": sum(bit for name, bit in FLAGS.items() if operation.get(name)),
        "text": next((text(operation[key]) for key in ("host", "path", "program") if key in operation), None),
        "text2": text(operation.get("to", operation.get("real"))),
        "cwd": text(operation.get("cwd")),
        "query_type": operation.get("query_type"),
        "address": operation.get("address"),
        "port": operation.get("port", 0),
    }
    if "argv" in operation:
        found["argv"] = [text(word) for word in operation["argv"]]
    return found


def named(verdict):
    return {
        "action": ACTIONS[verdict["action"]],
        "rule": verdict["rule"],
        "policy": POLICIES[verdict["policy"]],
        "class": CLASSES[verdict["class"]],
        "on_deny": ON_DENY[verdict["on_deny"]],
    }


@pytest.mark.parametrize("case", CASES["decisions"], ids=lambda case: case["id"])
def test_decision(case):
    answers = tuple(
        (answer["host"], address) for answer in case.get("answers") or () for address in answer["addresses"]
    )
    verdict = named(
        native.evaluate(text(case["policy"]), case["surroundings"], native_operation(case["operation"]), answers)
    )
    assert {key: verdict[key] for key in case["expect"]} == case["expect"]


@pytest.mark.parametrize("case", CASES["policies"], ids=lambda case: case["id"])
def test_policy(case):
    valid, diagnostics, summary = native.check_policy(text(case["policy"]), case["surroundings"])
    assert valid == case["valid"], diagnostics
    lines = diagnostics.splitlines()
    for wanted in case.get("diagnostics") or ():
        at = [line for line in lines if "place" not in wanted or line.startswith(wanted["place"] + ":")]
        says = [[part.lower() for part in one.split("|")] for one in wanted.get("says", ())]
        assert any(all(any(part in line.lower() for part in parts) for parts in says) for line in at), (
            wanted,
            diagnostics,
        )
    for part in case.get("summary") or ():
        assert part in summary


def test_there_are_cases():
    assert len(CASES["decisions"]) + len(CASES["policies"]) >= 200
    assert pathlib.Path(trend_app_protect._library).resolve() == protected.LIBRARY.resolve()
