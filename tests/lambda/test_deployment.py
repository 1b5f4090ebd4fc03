# SPDX-License-Identifier: Apache-2.0
"""Mistakes of a deployment fail at init, as the runtime itself reports them, before any code of the function runs."""

import json
import os
import pathlib
import tempfile

import pytest

import cases
import function
import operations
import runtimes

TASK = {
    "python": {"app.py": "print('imported')\ndef handler(event, context):\n    return event\n"},
    "node": {"app.js": "console.log('imported');\nexports.handler = async (event) => event;\n"},
}
EVERY = list(cases.attached(cases.every_runtime()))
SOME = list(cases.attached(cases.one_of_each()))


def start(runtime, attach, **more):
    return function.Function(runtime, TASK[runtimes.by_name(runtime).language], attach=attach, **more)


def assert_refused(run, *texts):
    """The init failed, was reported, and says why; nothing of the function ran."""
    assert run.init_error, f"started all the same\n{run.stderr}"
    assert run.api.init_error, f"not reported to the runtime API: {run.init_error}\n{run.stderr}"
    for text in texts:
        assert text in run.init_error.message, run.init_error
    assert "imported" not in run.stdout
    assert run.invoke({}).error_type == run.init_error.type


@pytest.mark.ahead
@pytest.mark.parametrize("runtime, attach", EVERY)
def test_policy_file_is_missing(runtime, attach):
    with start(runtime, attach, env={"TREND_AP_POLICY_FILE": "/nonexistent/policy.json"}) as run:
        assert_refused(run, "/nonexistent/policy.json")


def _fifo(folder):
    os.mkfifo(folder / "policy")


def _folder(folder):
    (folder / "policy").mkdir()


def _device(folder):
    (folder / "policy").symlink_to("/dev/zero")


def _loop(folder):
    (folder / "policy").symlink_to("policy")


def _binary(folder):
    (folder / "policy").write_bytes(bytes(range(256)))


def _empty(folder):
    (folder / "policy").write_text("")


@pytest.mark.ahead
@pytest.mark.parametrize("runtime, attach", SOME)
@pytest.mark.parametrize("make", [_fifo, _folder, _device, _loop, _binary, _empty])
def test_policy_file_is_not_a_policy(runtime, attach, make):
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        make(pathlib.Path(name))
        file = os.path.join(name, "policy")
        with start(runtime, attach, env={"TREND_AP_POLICY_FILE": file}) as run:
            assert_refused(run, file)


INVALID = [
    ("{", "TREND_AP_POLICY"),
    ("[]", "TREND_AP_POLICY"),
    (json.dumps({"schema": 99, "name": "x"}), "schema"),
    (json.dumps({"schema": 1, "name": "x", "outbund": {"action": "deny"}}), "outbound"),
    (json.dumps({"schema": 1, "name": "x", "outbound": {"action": "forbid"}}), "outbound.action"),
    (
        json.dumps({"schema": 1, "name": "x", "outbound": {"action": "deny", "allowed_domains": ["a.b", "x*y"]}}),
        "outbound.allowed_domains[1]",
    ),
]


@pytest.mark.ahead
@pytest.mark.parametrize("runtime, attach", SOME)
@pytest.mark.parametrize("text, place", INVALID, ids=range(len(INVALID)))
def test_policy_is_invalid(runtime, attach, text, place):
    with start(runtime, attach, policy=text, policy_in="variable") as run:
        assert_refused(run, place)


@pytest.mark.ahead
@pytest.mark.parametrize("runtime, attach", EVERY)
def test_policy_in_the_package_is_invalid(runtime, attach):
    with start(runtime, attach, policy='{"schema": 1, "name": "x", "files": {"tmpp": "deny"}}') as run:
        assert_refused(run, "app_protect.json", "tmpp")


@pytest.mark.ahead
@pytest.mark.parametrize("runtime, attach", SOME)
@pytest.mark.parametrize("where", ["package", "variable", "file"])
def test_policy_from_each_place(runtime, attach, where):
    with start(runtime, attach, policy=cases.POLICY, policy_in=where) as run:
        assert run.invoke({"n": 1}).payload == {"n": 1}, run.stderr
        assert '"forms" v1' in run.status_lines[0]


@pytest.mark.ahead
@pytest.mark.parametrize("runtime, attach", SOME)
def test_policy_folder_and_group_name(runtime, attach):
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        pathlib.Path(folder, "orders.json").write_text(json.dumps(dict(cases.POLICY, name="orders")))
        env = {"TREND_AP_POLICY_FILE": folder, "ES_POLICY_GROUP_NAME": "ORDERS.ability"}
        with start(runtime, attach, env=env) as run:
            assert run.invoke({"n": 1}).payload == {"n": 1}, run.stderr
            assert '"orders" v1' in run.status_lines[0]
        with start(runtime, attach, env=dict(env, ES_POLICY_GROUP_NAME="other")) as run:
            assert_refused(run, "other")


SWAPPED = [
    pytest.param(*parameters.values, marks=parameters.marks, id=parameters.id)
    for parameters in cases.attached(cases.every_runtime())
    if parameters.values[1] in ("handler", "module")
]


@pytest.mark.ahead
@pytest.mark.parametrize("runtime, attach", SWAPPED)
@pytest.mark.parametrize("value", [None, ""])
def test_handler_swap_without_the_original(runtime, attach, value):
    with start(runtime, attach, policy=cases.POLICY, env={"TREND_AP_HANDLER": value}) as run:
        assert_refused(run, "TREND_AP_HANDLER")


@pytest.mark.ahead
@pytest.mark.parametrize("runtime, attach", SWAPPED)
def test_handler_swap_that_names_itself(runtime, attach):
    with start(runtime, attach, env={"TREND_AP_HANDLER": "trend_app_protect_handler.handler"}) as run:
        assert_refused(run, "TREND_AP_HANDLER")


WRAPPED = [parameters for parameters in EVERY if parameters.values[1] == "wrapper"]
SOME_WRAPPED = [parameters for parameters in SOME if parameters.values[1] == "wrapper"]


@pytest.mark.ahead
@pytest.mark.parametrize("runtime, attach", WRAPPED)
def test_the_older_name_of_the_wrapper(runtime, attach):
    env = {"AWS_LAMBDA_EXEC_WRAPPER": f"{function.layers()}/extrinsec-appdefender.sh"}
    with start(runtime, attach, policy=cases.POLICY, env=env) as run:
        assert run.invoke({"n": 1}).payload == {"n": 1}
        assert '"forms" v1' in run.status_lines[0]


@pytest.mark.ahead
@pytest.mark.parametrize("runtime, attach", SOME_WRAPPED)
def test_wrapper_runs_the_next_one(runtime, attach):
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        following = pathlib.Path(folder, "next")
        following.write_text('#!/bin/bash\nexport FOLLOWED="yes, $#"\nexec "$@"\n')
        following.chmod(0o755)
        task = operations.TASKS / runtimes.by_name(runtime).language
        env = {"TREND_AP_NEXT_WRAPPER": str(following)}
        with function.Function(runtime, task, policy=cases.POLICY, attach=attach, env=env) as run:
            assert run.invoke({"do": ["variables"]}).payload["ok"]["FOLLOWED"].startswith("yes")
            assert run.invoke({"do": ["write", "/tmp/app-protect-denied", "x"]}).payload["permission"] is True


# What the function may see changed in its environment when we are attached.
OURS = {"AWS_LAMBDA_EXEC_WRAPPER", "TREND_AP_HANDLER", "_HANDLER"}
# These differ from one environment to the next, with us or without.
EACH_ITS_OWN = {"AWS_LAMBDA_RUNTIME_API", "_X_AMZN_TRACE_ID", "SHLVL", "_"}


@pytest.mark.ahead
@pytest.mark.parametrize("runtime, attach", EVERY)
def test_environment_is_what_it_would_be_without_us(runtime, attach):
    language = runtimes.by_name(runtime).language
    own = {"python": {"PYTHONPATH": "/var/tmp/mine"}, "node": {"NODE_OPTIONS": "--stack-trace-limit=17"}}[language]
    if attach != "wrapper" and language == "python":
        own = {}  # with a PYTHONPATH of its own a function does not see layers: AWS's rule, not ours
    seen = {}
    for way in ("plain", attach):
        task = operations.TASKS / language
        with function.Function(runtime, task, policy=cases.POLICY, attach=way, env=own) as run:
            found = run.invoke({"do": ["variables"]}).payload["ok"]
            text = json.dumps({key: value for key, value in found.items() if key not in OURS | EACH_ITS_OWN})
            seen[way] = json.loads(text.replace(str(run.opt), "/opt").replace(str(run.folder), "/bed"))
    assert seen[attach] == seen["plain"]


@pytest.mark.ahead
@pytest.mark.parametrize("runtime, attach", [each for each in WRAPPED if each.values[0].startswith("nodejs")])
def test_users_preload_still_runs(runtime, attach):
    task = {"app.js": "exports.handler = async () => global.preloaded;\n", "pre.js": "global.preloaded = 5;\n"}
    env = {"NODE_OPTIONS": "--require ./pre.js"}
    with function.Function(runtime, task, policy=cases.POLICY, attach=attach, env=env) as run:
        assert run.invoke({}).payload == 5, run.stderr
