# SPDX-License-Identifier: Apache-2.0
"""Functions that raise, exit, fork, edit their environment or close everything: still guarded, still counted once."""

import contextlib

import pytest

import cases
import function
import network as networks
import operations
import runtimes

EVERY = list(cases.attached(cases.every_runtime()))
SOME = list(cases.attached(cases.one_of_each()))
ENDS = list(cases.attached(cases.every_runtime(numbers=(8, 13, 18, 24))))

# What a function might try in order to switch us off.
HOSTILE_VARIABLES = {
    "ES_POLICY_GROUP_NAME": "grantAll.ability",
    "LD_PRELOAD": "",
    "NODE_OPTIONS": "",
    "TREND_AP_AGENT_ENABLED": "false",
    "TREND_AP_PLUGINS_DISABLED": "files,network,processes,native,interpose",
    "TREND_AP_POLICY": '{"schema": 1, "name": "mine"}',
    "TREND_AP_POLICY_FILE": "/nonexistent",
}


class Guarded:
    """A world and a function in it, under the policy of operations.py or another."""

    def __init__(self, runtime, attach, action="deny", policy=None, **more):
        self.world = operations.World()
        self._options = (runtime, operations.TASKS / runtimes.by_name(runtime).language)
        self._more = dict(more, policy=policy or operations.policy(action), attach=attach)

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            stack.enter_context(self.world)
            self.run = stack.enter_context(function.Function(*self._options, network=self.world.network, **self._more))
            assert self.run.init_error is None, f"{self.run.init_error}\n{self.run.stderr}"
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_):
        self._stack.close()

    def file(self):
        """A file in /tmp that says "before"."""
        file = self.world.tmp / "file.txt"
        file.write_text("before")
        return file

    def do(self, *what, **more):
        return self.run.invoke({"do": [str(each) if hasattr(each, "parts") else each for each in what], **more})

    def assert_write_denied(self, does="write"):
        """A write to /tmp is denied and makes one event."""
        file, before = self.file(), len(self.run.events)
        response = self.do(does, file, "after")
        assert response.payload["permission"] is True, response
        assert file.read_text() == "before"
        events = self.run.events[before:]
        assert [(event["policy"], event["action"], event["count"]) for event in events] == [
            ("read_write_tmp", "deny", 1)
        ], events


@pytest.mark.ahead
@pytest.mark.parametrize("runtime, attach", EVERY)
def test_uncaught_denial_is_the_functions_error(runtime, attach):
    with Guarded(runtime, attach) as guarded:
        file = guarded.file()
        response = guarded.do("write", file, "after", uncaught=True)
        assert response.error_type == "TrendAppProtectDenied", response
        assert str(file) in response.error_message and response.error_message.count("\n") == 0
        assert any("app." in line for line in response.stack)
        assert file.read_text() == "before"
        assert len(guarded.run.events) == 1
        assert guarded.do("read", file).payload == {"ok": "before"}


@pytest.mark.ahead
@pytest.mark.parametrize("runtime, attach", SOME)
def test_error_after_a_denial_stays_the_functions_own(runtime, attach):
    with Guarded(runtime, attach) as guarded:
        guarded.assert_write_denied()
        response = guarded.do("raise_error", "mine", uncaught=True)
        assert response.error_type in ("LookupError", "RangeError") and response.error_message == "mine"
        assert len(guarded.run.events) == 1


@pytest.mark.ahead
@pytest.mark.parametrize("runtime, attach", ENDS)
@pytest.mark.parametrize("way, status", [("leave", 3), ("leave_now", 3), ("kill_self", -9)])
def test_denial_is_in_the_log_when_the_function_exits(runtime, attach, way, status):
    with Guarded(runtime, attach) as guarded:
        guarded.assert_write_denied()
        response = guarded.do(way, *([status] if status > 0 else []), uncaught=True)
        assert (response.error_type, response.error_message) == ("Runtime.ExitError", f"exit status {status}")
        assert len(guarded.run.events) == 1


@pytest.mark.ahead
@pytest.mark.parametrize("runtime, attach", ENDS)
def test_editing_the_environment_changes_nothing(runtime, attach):
    with Guarded(runtime, attach) as guarded:
        secret = guarded.world.elsewhere / "secret.txt"
        for edit in (["set_variables", HOSTILE_VARIABLES], ["clear_variables"]):
            assert "ok" in guarded.do(*edit).payload
            guarded.assert_write_denied()
            # A child that the policy grants stays inside the policy.
            before = len(guarded.run.events)
            status, output, error = guarded.do("run", "/usr/bin/cat", secret).payload["ok"]
            assert status != 0 and output == "", error
            events = guarded.run.events[before:]
            assert [event["info"]["path"] for event in events] == [str(secret)], events


@pytest.mark.ahead
@pytest.mark.parametrize("runtime", [name for name in cases.every_runtime(numbers=(8, 13, 18, 24))])
def test_without_us_the_child_reads_the_secret(runtime):
    with Guarded(runtime, "plain") as guarded:
        secret = guarded.world.elsewhere / "secret.txt"
        assert guarded.do("run", "/usr/bin/cat", secret).payload["ok"] == [0, "secret", ""]
        assert guarded.do("read", secret).payload == {"ok": "secret"}


@pytest.mark.ahead
@pytest.mark.parametrize("runtime, attach", SOME)
def test_read_by_rule_is_denied(runtime, attach):
    with Guarded(runtime, attach) as guarded:
        secret = guarded.world.elsewhere / "secret.txt"
        response = guarded.do("read", secret)
        assert response.payload.get("permission") is True, response
        assert [(event["info"]["path"], event["info"]["operation"]) for event in guarded.run.events] == [
            (str(secret), "read")
        ]
        assert guarded.do("read", guarded.file()).payload == {"ok": "before"}


@pytest.mark.ahead
@pytest.mark.parametrize("runtime, attach", EVERY)
def test_threads_are_guarded(runtime, attach):
    with Guarded(runtime, attach) as guarded:
        file = guarded.file()
        answer = guarded.do("in_thread", "write", file, "after").payload
        if "unsupported" in answer:
            pytest.skip(f"{runtime} has no threads")
        result = answer["ok"]
        assert result.get("permission") is True, result
        assert file.read_text() == "before"
        assert [event["info"]["path"] for event in guarded.run.events] == [str(file)]


PYTHONS = list(cases.attached(cases.every_runtime(languages=("python",))))


@pytest.mark.ahead
@pytest.mark.parametrize("runtime, attach", PYTHONS)
def test_fork_is_a_child_process(runtime, attach):
    with Guarded(runtime, attach) as guarded:
        response = guarded.do("fork_plain")
        assert response.payload.get("permission") is True, response
        assert [event["policy"] for event in guarded.run.events] == ["create_child_process"]


@pytest.mark.ahead
@pytest.mark.parametrize("runtime, attach", PYTHONS)
def test_forked_child_is_guarded(runtime, attach):
    policy = operations.policy("deny", child_processes={"action": "grant"})
    with Guarded(runtime, attach, policy=policy) as guarded:
        file = guarded.file()
        assert guarded.do("fork_plain").payload == {"ok": 7}
        assert guarded.run.events == []
        assert guarded.do("fork_write", file, "after").payload == {"ok": 9}
        assert file.read_text() == "before"
        assert guarded.run.wait_log('"source":"appDefender"')
        (event,) = guarded.run.events
        assert event["info"]["path"] == str(file)
        assert event["pid"] != guarded.run.pid


@pytest.mark.ahead
@pytest.mark.parametrize("runtime, attach", ENDS)
def test_closing_the_output_does_not_silence_us(runtime, attach):
    with Guarded(runtime, attach) as guarded:
        assert "ok" in guarded.do("close_output").payload
        guarded.assert_write_denied()


@pytest.mark.ahead
@pytest.mark.parametrize("runtime", cases.every_runtime(languages=("python",), numbers=(8, 13)))
@pytest.mark.parametrize("attach", ["plain", pytest.param("wrapper", marks=cases.needs_product())])
def test_closing_every_descriptor(runtime, attach):
    """Nothing of ours lands in files that took our descriptors' numbers; denials go on; the function goes on."""
    with Guarded(runtime, attach) as guarded:
        opened = guarded.world.elsewhere / "open"
        file = guarded.file()
        assert "ok" in guarded.do("close_all").payload
        assert "ok" in guarded.do("reopen", opened, 200).payload
        response = guarded.do("write", file, "after")
        if attach == "plain":
            assert response.payload == {"ok": None} and file.read_text() == "after"
        else:
            assert response.payload.get("permission") is True, response
            assert file.read_text() == "before"
        taken = list(opened.glob("taken-*"))
        assert len(taken) == 200
        assert [path.read_bytes() for path in taken if path.stat().st_size] == []


@pytest.mark.ahead
@pytest.mark.parametrize("runtime, attach", SOME)
def test_log_files_that_cannot_be_opened(runtime, attach):
    env = {"TREND_AP_LOG_FILE": "/nonexistent/app.log", "TREND_AP_EVENT_LOG_FILE": "/nonexistent/events.log"}
    with Guarded(runtime, attach, env=env) as guarded:
        file = guarded.file()
        response = guarded.do("write", file, "after")
        assert response.payload.get("permission") is True, response
        assert file.read_text() == "before"
        assert "/nonexistent/app.log" in guarded.run.stderr
        assert guarded.run.status_lines


@pytest.mark.ahead
@pytest.mark.parametrize("runtime, attach", SOME)
def test_log_files_elsewhere(runtime, attach):
    with operations.World() as world:
        events, status = world.elsewhere / "events.log", world.elsewhere / "status.log"
        env = {"TREND_AP_LOG_FILE": str(status), "TREND_AP_EVENT_LOG_FILE": str(events)}
        task = operations.TASKS / runtimes.by_name(runtime).language
        with function.Function(runtime, task, policy=operations.policy("deny"), attach=attach, env=env) as run:
            file = world.tmp / "file.txt"
            assert run.invoke({"do": ["write", str(file), "x"]}).payload.get("permission") is True
            assert run.events == [] and run.status_lines == []
            assert [event["info"]["path"] for event in function.event_lines(events.read_text())] == [str(file)]
            assert len([line for line in status.read_text().splitlines() if line.startswith("[INFO]")]) == 1


@pytest.mark.ahead
@pytest.mark.parametrize("runtime, attach", EVERY)
def test_counted_exactly_once(runtime, attach):
    for action in ("deny", "observe"):
        with Guarded(runtime, attach, action) as guarded:
            file = guarded.file()
            results = guarded.do("write", file, "after", times=40).payload
            assert len(results) == 40
            assert all(("ok" in result) == (action == "observe") for result in results)
            guarded.do("read", file)
            events = [event for event in guarded.run.events if event["info"]["path"] == str(file)]
            assert sum(event["count"] for event in events) == 40, [event["count"] for event in events]
            assert len(events) < 40 and {event["action"] for event in events} == {action}
            assert all(event["first_utc"] <= event["time_utc"] for event in events)


@pytest.mark.ahead
@pytest.mark.parametrize("runtime, attach", SOME)
def test_different_operations_on_one_file_are_two_events(runtime, attach):
    with Guarded(runtime, attach) as guarded:
        file = guarded.file()
        for does in (["remove", file], ["rename", file, f"{file}.old"], ["remove", file]):
            assert guarded.do(*does).payload.get("permission") is True
        operations_seen = [event["info"]["operation"] for event in guarded.run.events for _ in range(event["count"])]
        assert sorted(operations_seen) == ["delete", "delete", "rename"]


@pytest.mark.ahead
@pytest.mark.parametrize("runtime, attach", EVERY)
def test_event_line(runtime, attach):
    with Guarded(runtime, attach) as guarded:
        arguments = operations.named("tcp-literal").prepare(guarded.world, guarded.run)
        response = guarded.do("tcp", *arguments)
        assert response.payload["permission"] is True
        (line,) = [line for line in guarded.run.stdout.splitlines() if "appDefender" in line]
        assert len(line.encode()) <= 4096
        (event,) = guarded.run.events
        keys = (
            "source policy action info policy_group policy_version rule function request_id runtime package stack api"
        )
        keys += " line instance seq pid count first_utc time_utc"
        assert list(event)[: len(keys.split())] == keys.split() and list(event)[-1] == "ver"
        assert (event["policy_group"], event["policy_version"]) == ("operations", 7)
        assert (event["rule"], event["function"]) == ("outbound.action", "orders-api")
        assert event["request_id"] == response.request_id
        assert event["runtime"].startswith(runtime.replace("nodejs", "nodejs").rstrip(".x"))
        assert event["pid"] == guarded.run.pid and event["line"] in (1, 2)
        assert event["time_utc"].endswith("Z") and event["ver"]
        guarded.do("write", guarded.file(), "after")
        assert any("app." in frame for frame in guarded.run.events[-1]["stack"])


@pytest.mark.ahead
@pytest.mark.parametrize("runtime, attach", EVERY)
def test_the_default_observes_everything(runtime, attach):
    """No policy at hand: everything works, and the log says what was done."""
    language = runtimes.by_name(runtime).language
    with operations.World() as world:
        options = {"attach": attach, "network": world.network}
        with function.Function(runtime, operations.TASKS / language, **options) as run:
            for name in ("write-tmp", "run", "tcp-literal"):
                operation = operations.named(name)
                arguments = operation.prepare(world, run)
                before = len(run.events)
                assert "ok" in run.invoke({"do": [operation.does, *arguments]}).payload
                assert operation.happened(world, run, arguments)
                events = run.events[before:]
                assert {event["action"] for event in events} == {"observe"}
                assert operation.event in {event["policy"] for event in events}
            assert "observeall" in run.status_lines[0].lower()


@pytest.mark.ahead
@pytest.mark.parametrize("runtime, attach", EVERY)
def test_under_deny_all_a_function_still_runs(runtime, attach):
    language = runtimes.by_name(runtime).language
    env = {"ES_POLICY_GROUP_NAME": "denyAll.ability"}
    with function.Function(runtime, operations.TASKS / language, attach=attach, env=env) as run:
        assert run.invoke({"do": ["variables"]}).payload["ok"]["_HANDLER"], run.stderr
        assert run.invoke({"do": ["write", "/tmp/app-protect-denied", "x"]}).payload["permission"] is True
        assert run.invoke({"do": ["variables"]}).error_type is None


@pytest.mark.ahead
@pytest.mark.parametrize("runtime, attach", SOME)
def test_switched_off(runtime, attach):
    with Guarded(runtime, attach, env={"TREND_AP_AGENT_ENABLED": "false"}) as guarded:
        file = guarded.file()
        assert guarded.do("write", file, "after").payload.get("ok", "failed") in (None, 5)
        assert file.read_text() == "after" and guarded.run.events == []


@pytest.mark.ahead
@pytest.mark.parametrize("runtime, attach", SOME)
def test_credentials_without_a_console(runtime, attach):
    """Old credentials: no waiting, one warning, and the secret is gone before user code runs."""
    env = {"TREND_AP_KEY": "0b0a6a5e-6c1b-4a52-a59b-6d1a6a4a3f10", "TREND_AP_SECRET": "very-secret"}
    with Guarded(runtime, attach, env=env) as guarded:
        seen = guarded.do("variables").payload["ok"]
        assert "TREND_AP_SECRET" not in seen and "very-secret" not in str(seen)
        assert "very-secret" not in guarded.do("read", "/proc/self/environ").payload.get("ok", "")
        guarded.assert_write_denied()


@pytest.mark.ahead
@pytest.mark.parametrize("runtime, attach", EVERY)
def test_block_ends_the_invocation(runtime, attach):
    """`on_deny: block`: the function swallows the error and returns, the caller sees a blocked invocation."""
    with Guarded(runtime, attach, policy=operations.policy("deny", on_deny="block")) as guarded:
        file = guarded.file()
        response = guarded.do("write", file, "after")
        assert response.error_type == "TrendAppProtectBlocked", response
        assert file.read_text() == "before"
        assert len(guarded.run.events) == 1
        assert guarded.do("read", file).payload == {"ok": "before"}  # the next invocation starts clean
        assert guarded.run.alive()


@pytest.mark.ahead
@pytest.mark.parametrize("runtime, attach", EVERY)
def test_block_by_a_child(runtime, attach):
    """What a child program is refused blocks the invocation that started it."""
    with Guarded(runtime, attach, policy=operations.policy("deny", on_deny="block")) as guarded:
        file = guarded.file()
        made = file.with_name("made")
        response = guarded.do("run", "/usr/bin/touch", made)
        assert response.error_type == "TrendAppProtectBlocked", response
        assert not made.exists()
        assert guarded.do("read", file).payload == {"ok": "before"}
        assert guarded.run.alive()


@pytest.mark.ahead
@pytest.mark.parametrize("runtime, attach", EVERY)
def test_terminate_ends_the_process(runtime, attach):
    with Guarded(runtime, attach, policy=operations.policy("deny", on_deny="terminate")) as guarded:
        file = guarded.file()
        response = guarded.do("write", file, "after")
        assert (response.error_type, response.error_message) == ("Runtime.ExitError", "exit status 77")
        assert file.read_text() == "before"
        (event,) = guarded.run.events
        assert event["action"] == "deny" and event["info"]["path"] == str(file)


@pytest.mark.ahead
@pytest.mark.parametrize("runtime, attach", EVERY)
def test_at_lambdas_own_places(runtime, attach):
    """/opt and /var/task as they are called there, read-only; no /dev/shm; an empty /tmp."""
    if networks.shared() is None:
        pytest.skip("needs namespaces (unshare)")
    task = operations.TASKS / runtimes.by_name(runtime).language
    with function.Function(runtime, task, policy=operations.policy("deny"), attach=attach, strict=True) as run:
        assert run.init_error is None, f"{run.init_error}\n{run.stderr}"
        assert "app_protect.json" in run.status_lines[0]
        wanted = [
            (["write", "/tmp/file.txt", "x"], "read_write_tmp"),
            (["write", "/var/task/file.txt", "x"], "read_write_app"),
            (["write", "/opt/file.txt", "x"], "read_write_app"),
            (["tcp", operations.STRANGER, 80, "x"], "outbound_data"),
            (["run", "/bin/true"], "create_child_process"),
        ]
        for does, _ in wanted:
            assert run.invoke({"do": does}).payload.get("permission") is True, does
        assert [event["policy"] for event in run.events] == [policy for _, policy in wanted]
        assert '"operations"' in run.invoke({"do": ["read", "/var/task/app_protect.json"]}).payload["ok"]


SNAPPED = list(cases.attached(cases.every_runtime(languages=("python",), numbers=(12, 13, 14))))


@pytest.mark.ahead
@pytest.mark.parametrize("runtime, attach", SNAPPED)
def test_restored_from_a_snapshot(runtime, attach):
    with Guarded(runtime, attach, env={"AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start"}) as guarded:
        guarded.assert_write_denied()
