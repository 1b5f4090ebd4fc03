# SPDX-License-Identifier: Apache-2.0
"""Every runtime of the list starts in the test bed, and the bed resembles Lambda where an agent could notice."""

import pytest

import cases
import function
import network as networks
import runtimes

TASK = {
    "python": {
        "app.py": """
import os, sys
def handler(event, context):
    return {"cwd": os.getcwd(), "env": dict(os.environ), "path": sys.path, "stdin": os.read(0, 1).decode()}
"""
    },
    "node": {
        "app.js": """
exports.handler = async () => ({ cwd: process.cwd(), env: process.env, stdin: require('fs').readFileSync(0, 'utf8') });
"""
    },
}


@pytest.mark.parametrize("name", [runtime.name for runtime in runtimes.found()])
def test_runtime_resembles_lambda(name):
    runtime = runtimes.by_name(name)
    if runtime.why_missing:
        pytest.skip(runtime.why_missing)
    with function.Function(name, TASK[runtime.language]) as run:
        assert run.init_error is None, run.stderr
        seen = run.invoke({}).payload
        env = seen["env"]
        assert seen["cwd"] == env["LAMBDA_TASK_ROOT"] == str(run.var_task)
        assert env["_HANDLER"] == "app.handler"
        assert env["AWS_LAMBDA_RUNTIME_API"] == run.api.address
        assert env["AWS_EXECUTION_ENV"] == f"AWS_Lambda_{name}"
        assert seen["stdin"] == ""
        if runtime.language == "python":
            own = f"{run.opt}/python/lib/python3.{runtime.number}/site-packages"
            assert seen["path"][:4] == [str(run.var_task), own, f"{run.opt}/python", str(run.var_runtime)]
            assert env["PYTHONPATH"] == env["LAMBDA_RUNTIME_DIR"]
        else:
            wanted = [f"{run.opt}/nodejs/node{runtime.number}/node_modules", f"{run.opt}/nodejs/node_modules"]
            assert env["NODE_PATH"].split(":")[:2] == wanted
        assert run.stdout == "" and run.stderr == ""
        assert run.alive()


@pytest.mark.parametrize("name", cases.one_of_each())
@pytest.mark.parametrize("wrapper, status", [("missing", 127), ("not-executable", 126)])
def test_unusable_wrapper_ends_the_init(name, wrapper, status):
    task = {**TASK[runtimes.by_name(name).language], "not-executable": "#!/bin/sh\n"}
    with function.Function(name, task) as probe:
        path = probe.var_task / wrapper
        with function.Function(name, probe.task_root, env={"AWS_LAMBDA_EXEC_WRAPPER": str(path)}) as run:
            assert run.init_error == ("Runtime.ExitError", f"exit status {status}", [])


@pytest.mark.parametrize("name", cases.one_of_each())
def test_wrapper_gets_the_interpreter_and_its_script(name):
    runtime = runtimes.by_name(name)
    wrapper = '#!/bin/bash\nexport WRAPPED="$#:$1:${@: -1}"\nexec "$@"\n'
    with function.Function(name, {"w": wrapper}) as probe:
        (probe.task_root / "w").chmod(0o755)
        env = {"AWS_LAMBDA_EXEC_WRAPPER": str(probe.task_root / "w")}
        with function.Function(name, TASK[runtime.language], env=env) as run:
            count, program, script = run.invoke({}).payload["env"]["WRAPPED"].split(":")
            assert program == str(runtime.program)
            assert script == f"{run.var_runtime}/" + ("bootstrap.py" if runtime.language == "python" else "index.mjs")
            assert count == "2" if runtime.language == "python" else int(count) >= 6


@pytest.mark.parametrize("name", cases.one_of_each())
def test_function_past_its_timeout_is_killed(name):
    slow = {"app.py": "import time\ndef handler(e, c):\n    time.sleep(60)\n"}
    if runtimes.by_name(name).language == "node":
        slow = {"app.js": "exports.handler = () => new Promise((done) => setTimeout(done, 60000));\n"}
    with function.Function(name, slow, limit_sec=0.5) as run:
        assert run.invoke({}).error_type == "Sandbox.Timedout"
        assert not run.alive()


@pytest.mark.parametrize("name", cases.one_of_each())
def test_long_output_does_not_block(name):
    loud = {"app.py": "def handler(e, c):\n    print('x' * 3000000)\n    return 1\n"}
    if runtimes.by_name(name).language == "node":
        loud = {"app.js": "exports.handler = async () => { process.stdout.write('x'.repeat(3000000)); return 1; };\n"}
    with function.Function(name, loud) as run:
        assert run.invoke({}).payload == 1
        assert run.wait_log("x", count=3000000)


@pytest.mark.parametrize("name", cases.every_runtime())
def test_lambdas_own_places(name):
    body = """
import os
def handler(event, context):
    def refused(path):
        try:
            open(path, "w").close()
        except OSError as error:
            return error.strerror
    places = ["/var/task/x", "/opt/x", "/var/runtime/x", "/dev/shm/x", "/tmp/x"]
    return [os.getcwd(), os.environ["LAMBDA_TASK_ROOT"], os.listdir("/opt"), [refused(place) for place in places]]
"""
    script = """
const fs = require('fs');
const refused = (path) => { try { fs.writeFileSync(path, ''); return null; } catch (error) { return error.code; } };
exports.handler = async () => [process.cwd(), process.env.LAMBDA_TASK_ROOT, fs.readdirSync('/opt'),
  ['/var/task/x', '/opt/x', '/var/runtime/x', '/dev/shm/x', '/tmp/x'].map(refused)];
"""
    if networks.shared() is None:
        pytest.skip("needs namespaces (unshare)")
    task = {"app.py": body} if runtimes.by_name(name).language == "python" else {"app.js": script}
    with function.Function(name, task, strict=True) as run:
        assert run.init_error is None, run.stderr
        *places, refused = run.invoke({}).payload
        assert places == ["/var/task", "/var/task", []]
        assert refused[4] is None and all("read-only" in text.lower() or text == "EROFS" for text in refused[:4]), (
            refused
        )


@pytest.mark.parametrize("name", cases.every_runtime(languages=("python",), numbers=(12, 13, 14)))
def test_snapshot_is_restored(name):
    with function.Function(name, TASK["python"], env={"AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start"}) as run:
        assert run.init_error is None, run.stderr
        assert run.invoke({}).payload["cwd"] == str(run.var_task)
        assert [call.path.rsplit("/runtime/")[1] for call in run.api.calls][:2] == ["restore/next", "invocation/next"]
