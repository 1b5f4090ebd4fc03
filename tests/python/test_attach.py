# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: E501, UP022, F541 (programs as text, one per line)
"""Every way to attach: what it starts, what it leaves alone, how a deployment error is told."""

import json
import subprocess
import sys

import protected
import pytest

DENY_TMP = {"schema": 1, "name": "orders", "version": 3, "files": {"tmp": "deny"}}
TRY = """
def tried():
    try:
        open('/tmp/app-protect-nothing-here')
    except PermissionError as error:
        return type(error).__name__
    except FileNotFoundError:
        return 'unprotected'
"""
REPORT = TRY + "print(tried())\n"
WRAPPER = str(protected.STAGE / "trend_app_protect")


def info_lines(result):
    return [line for line in result.stderr.splitlines() if line.startswith("[INFO] [app_protect]")]


@pytest.mark.parametrize(
    "first_line",
    [
        "import trend_app_protect.start",
        "import appdefender",
        "import immunio.start",
        "from trend_app_protect.api.aws_lambda import protect_handler",
        "from trend_app_protect.api.azure_function import protect_function",
        "from immunio.api.aws_lambda import protect_handler",
    ],
)
def test_import_starts_the_agent(first_line):
    assert protected.run(REPORT, DENY_TMP, attach="plain").stdout == "unprotected\n"
    result = protected.run(f"{first_line}\n{REPORT}", DENY_TMP, attach="plain")
    assert result.stdout == "TrendAppProtectDenied\n", result.about()
    assert len(info_lines(result)) == 1 and '"orders" v3' in result.stderr, result.about()


def test_the_package_alone_changes_nothing():
    result = protected.run(
        f"import trend_app_protect, trend_app_protect.exceptions\n{REPORT}", DENY_TMP, attach="plain"
    )
    assert (result.stdout, result.stderr, result.events) == ("unprotected\n", "", []), result.about()


def test_two_agents_are_one():
    program = """
import appdefender, immunio.start, trend_app_protect.start
from trend_app_protect.api.aws_lambda import protect_handler
import os, sys
os.environ['TREND_AP_POLICY'] = '{"schema": 1}'
for name in [n for n in sys.modules if n.startswith(('trend_app_protect', 'appdefender', 'immunio'))]:
    del sys.modules[name]
import trend_app_protect.start, trend_app_protect
assert trend_app_protect.status()['policy']['group'] == 'orders'
"""
    result = protected.run(program + REPORT, DENY_TMP, attach="wrapper")
    assert result.stdout == "TrendAppProtectDenied\n", result.about()
    assert len(info_lines(result)) == 1 and len(result.events) == 1, result.about()


@pytest.mark.parametrize("attach", ["import", "wrapper"])
def test_few_modules_are_loaded(attach):
    program = "import sys\nprint(len(sys.modules))\n"
    plain = int(protected.run(program, DENY_TMP, attach="plain").stdout)
    assert int(protected.run(program, DENY_TMP, attach=attach).stdout) - plain <= 5


def test_what_os_says_of_its_functions_stays():
    """shutil and pathlib choose their ways by these sets, whose members are found by a hash of the C function."""
    program = """
import os, shutil
sets = [getattr(os, name) for name in sorted(vars(os)) if name.startswith('supports_') and name != 'supports_bytes_environ']
functions = [f for _, f in sorted(vars(os).items()) if callable(f)]
print([[f.__name__ for f in functions if isinstance(f, type(os.stat)) and f in one] for one in sets], shutil.rmtree.avoids_symlink_attacks)
"""
    plain = protected.run(program, attach="plain").stdout
    assert "'stat'" in plain
    for attach in ("import", "wrapper"):
        result = protected.run(program, DENY_TMP, attach=attach)
        assert result.stdout == plain, result.about()


def test_status():
    program = "import json, trend_app_protect\nprint(json.dumps(trend_app_protect.status()))\n"
    status = protected.run(program, DENY_TMP).value
    assert status["state"] == "enforcing" and status["policy"]["group"] == "orders" and status["policy"]["version"] == 3


def test_the_secret_is_gone():
    program = """
import os, posix
print('TREND_AP_SECRET' in os.environ, os.environ.get('TREND_AP_KEY'), b'TREND_AP_SECRET' in posix.environ, b'hush' in open('/proc/self/environ', 'rb').read())
print(os.popen('echo $TREND_AP_SECRET').read().strip() == '')
"""
    env = {"TREND_AP_KEY": "4b1c2d3e-0000-4000-8000-000000000000", "TREND_AP_SECRET": "hush-hush"}
    assert protected.run(program, attach="plain", env=env).stdout.split()[::2] == ["True", "True", "False"]
    result = protected.run(program, DENY_TMP, env=env)
    assert result.stdout.split() == ["False", env["TREND_AP_KEY"], "False", "False", "True"], result.about()


def test_switched_off():
    result = protected.run(REPORT, DENY_TMP, env={"TREND_AP_AGENT_ENABLED": "false"})
    assert result.stdout == "unprotected\n" and result.status == 0, result.about()
    assert len(result.stderr.splitlines()) == 1, result.about()


BROKEN = {
    "json": '{"schema": 1,',
    "key": '{"schema": 1, "outbund": {}}',
    "type": '{"schema": 1, "files": 7}',
    "duplicate": '{"schema": 1, "schema": 1}',
}


@pytest.mark.parametrize("attach", ["import", "wrapper"])
@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN)
def test_an_unusable_policy_fails_the_start(attach, text):
    result = protected.run(REPORT, text, attach=attach)
    assert result.status != 0 and result.stdout == "", result.about()
    assert "TREND_AP_POLICY" in result.stderr and result.events == [], result.about()
    if attach == "import":
        assert "trend_app_protect.exceptions.ConfigError" in result.stderr, result.about()
    else:
        assert "Traceback" not in result.stderr, result.about()


@pytest.mark.parametrize("path", ["/nowhere/policy.json", "/dev/null", "/proc/self"])
def test_a_policy_file_that_is_none(path):
    result = protected.run(REPORT, None, env={"TREND_AP_POLICY_FILE": path})
    assert result.status != 0 and result.stdout == "" and path in result.stderr, result.about()


def test_edits_of_the_environment_change_nothing():
    program = """
import os, subprocess, sys
os.environ['TREND_AP_POLICY'] = '{"schema": 1}'
os.environ['TREND_AP_AGENT_ENABLED'] = 'false'
for name in [n for n in os.environ if n.startswith(('TREND_AP_', 'LD_', 'PYTHON'))]:
    del os.environ[name]
os.environ.clear()
"""
    child = "import subprocess\nprint(subprocess.run([sys.executable, '-c', child], env={}, stdout=subprocess.PIPE).stdout.decode().strip())\n"
    result = protected.run(program + REPORT + f"child = {REPORT!r}\n" + child, DENY_TMP)
    assert result.stdout.split() == ["TrendAppProtectDenied", "PermissionError"], result.about()
    assert len(result.events) == 2, result.about()


# --- the exec wrapper ----------------------------------------------------------------------------------------------------

SHOWN = """
import json, os, sys
own = sys.path[0]
print(json.dumps([__name__, globals().get('__file__'), sys.argv, own, sorted(globals()), __doc__, getattr(__spec__, 'name', None), type(__loader__).__name__,
                  'boot.py' in str(getattr(sys, 'orig_argv', '')), os.environ.get('_HANDLER'), len(sys.meta_path)]))
"""


def both(arguments, place, stdin=None, policy=DENY_TMP, **env):
    """The same command line plain and through the wrapper: (stdout, exit status) of each, and the wrapper's stderr."""
    found = []
    for command in ([], [WRAPPER]):
        done = subprocess.run(
            [*command, sys.executable, *arguments],
            cwd=place,
            env=protected.environment(policy, place / "events", env),
            input=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            timeout=protected.LIMIT_SEC,
        )
        found.append((done.stdout.decode(), done.returncode, done.stderr.decode()))
    return found


@pytest.mark.parametrize(
    "arguments",
    [
        ["main.py", "a", "-b", "--c"],
        ["-u", "main.py", "-m"],
        ["-m", "main", "a"],
        ["-um", "main", "a"],
        ["-mmain", "a"],
        ["-X", "utf8", "-Wignore", "main.py"],
        ["-W", "ignore", "-m", "main"],
        ["-uXutf8", "main.py"],
        ["-I", "main.py"],
        ["-c", SHOWN, "a"],
        ["-uc", SHOWN, "a"],
        ["folder", "a"],
        ["-"],
        [],
        ["-", "a"],
    ],
    ids=lambda value: " ".join(value).replace(SHOWN, "TEXT") or "stdin",
)
def test_wrapper_runs_what_it_was_given(arguments):
    with protected.Folder() as place:
        (place / "main.py").write_text(f'"""doc"""{SHOWN}')
        (place / "folder").mkdir()
        (place / "folder" / "__main__.py").write_text(SHOWN)
        plain, wrapped = both(arguments, place, stdin=SHOWN.encode(), _HANDLER="app.handler")
        assert plain[1] == wrapped[1] == 0, plain[2] + wrapped[2]
        assert json.loads(plain[0]) == json.loads(wrapped[0])
        assert "enforcing" in wrapped[2] and "enforcing" not in plain[2]


@pytest.mark.parametrize(
    "text", ["raise SystemExit(3)", "import sys; sys.exit('words')", "1/0", "import os; os._exit(5)", "syntax error"]
)
def test_wrapper_keeps_the_end(text):
    with protected.Folder() as place:
        (place / "main.py").write_text(text)
        plain, wrapped = both(["main.py"], place)
        assert plain[1] == wrapped[1] != 0
        assert (
            plain[2].splitlines()[-1:] == [line for line in wrapped[2].splitlines() if "[app_protect]" not in line][-1:]
        )


def test_wrapper_of_a_missing_program():
    with protected.Folder() as place:
        plain, wrapped = both(["nothing.py"], place)
        assert plain[1] == wrapped[1] == 2 and "can't open file" in wrapped[2]


def test_wrapper_enforces():
    result = protected.run(REPORT, DENY_TMP, attach="wrapper")
    assert result.stdout == "TrendAppProtectDenied\n" and len(result.events) == 1, result.about()
    assert protected.run(REPORT, DENY_TMP, attach="wrapper", options=["-I"]).stdout == "TrendAppProtectDenied\n"


def test_wrapper_by_its_other_name_and_by_a_link():
    with protected.Folder() as place:
        (place / "link").symlink_to(protected.STAGE / "extrinsec-appdefender.sh")
        (place / "main.py").write_text(REPORT)
        for script in (protected.STAGE / "extrinsec-appdefender.sh", place / "link"):
            result = protected.run(
                "", DENY_TMP, attach="plain", command=[str(script), sys.executable, str(place / "main.py")]
            )
            assert result.stdout == "TrendAppProtectDenied\n", result.about()


def test_wrapper_chains():
    with protected.Folder() as place:
        next_wrapper = place / "next"
        next_wrapper.write_text('#!/bin/bash\necho "next $#"\nexec "$@"\n')
        next_wrapper.chmod(0o755)
        result = protected.run(REPORT, DENY_TMP, attach="wrapper", env={"TREND_AP_NEXT_WRAPPER": str(next_wrapper)})
        assert result.stdout == "next 3\nTrendAppProtectDenied\n", result.about()
        result = protected.run(REPORT, DENY_TMP, attach="wrapper", env={"TREND_AP_NEXT_WRAPPER": str(place / "none")})
        assert result.stdout == "TrendAppProtectDenied\n" and str(place / "none") in result.stderr, result.about()


@pytest.mark.parametrize("closed", [False, True])
@pytest.mark.parametrize("missing", ["boot.py", "natives", "library"])
def test_wrapper_without_our_files(missing, closed):
    """Said in one line; the function starts all the same, unless it must not."""
    with protected.Folder() as place:
        subprocess.run(["cp", "-r", str(protected.STAGE), str(place / "opt")], check=True)
        ours = place / "opt" / "app_protect"
        for file in {
            "boot.py": [ours / "python" / "boot.py"],
            "natives": (ours / "python").glob("_native*"),
            "library": [ours / "lib" / "libapp_protect.so"],
        }[missing]:
            file.unlink()
        (place / "main.py").write_text(REPORT)
        env = {"TREND_AP_FAIL_CLOSED": "true"} if closed else {}
        command = [str(place / "opt" / "trend_app_protect"), sys.executable, str(place / "main.py")]
        result = protected.run("", DENY_TMP, attach="plain", command=command, env=env)
        if closed:
            assert result.status == 1 and result.stdout == "" and "[ERROR] [app_protect]" in result.stderr, (
                result.about()
            )
        else:
            assert result.stdout == "unprotected\n" and len(result.stderr.splitlines()) == 1, result.about()
            assert "[WARN] [app_protect] not enforcing" in result.stderr, result.about()


def test_wrapper_of_another_runtime():
    result = protected.run("", DENY_TMP, attach="plain", command=[WRAPPER, "/bin/echo", "hello"])
    assert result.stdout == "hello\n" and result.status == 0 and len(result.stderr.splitlines()) == 1, result.about()


# --- the runtime client: handler swap and wrapper, against a stand-in with awslambdaric's loader and its error texts ------

CLIENT = """
import importlib, sys
class FaultException(Exception):
    MALFORMED_HANDLER_NAME = "Runtime.MalformedHandlerName"
    def __init__(self, exception_type, msg, trace=None):
        self.msg, self.exception_type, self.trace = msg, exception_type, trace
def _get_handler(handler):
    try:
        modname, fname = handler.rsplit(".", 1)
    except ValueError as e:
        raise FaultException("Runtime.MalformedHandlerName", "Bad handler '{}': {}".format(handler, str(e)))
    try:
        if modname.split(".")[0] in sys.builtin_module_names:
            raise FaultException("Runtime.BuiltInModuleConflict", "Cannot use built-in module {} as a handler module".format(modname))
        m = importlib.import_module(modname.replace("/", "."))
    except ImportError as e:
        raise FaultException("Runtime.ImportModuleError", "Unable to import module '{}': {}".format(modname, str(e)))
    except SyntaxError as e:
        raise FaultException("Runtime.UserCodeSyntaxError", "Syntax error in module '{}': {}".format(modname, str(e)))
    try:
        return getattr(m, fname)
    except AttributeError:
        raise FaultException("Runtime.HandlerNotFound", "Handler '{}' missing on module '{}'".format(fname, modname))
"""
BOOTSTRAP = """
import json, os, sys, traceback
from awslambdaric import bootstrap
class Context:
    aws_request_id = "request-1"
    invoked_function_arn = "arn:aws:lambda:eu-central-1:123456789012:function:orders"
    _epoch_deadline_time_in_ms = 4102444800000
try:
    handler = bootstrap._get_handler(os.environ["_HANDLER"])
    out = ["ok", handler({"n": 1}, Context())]
except bootstrap.FaultException as error:
    out = [error.exception_type, error.msg]
except BaseException as error:
    frames = [frame.name for frame in traceback.extract_tb(error.__traceback__)][1:]
    out = [type(error).__name__, str(error), frames]
print(json.dumps(out))
"""
HANDLER = "def handler(event, context):\n    return [event, context.aws_request_id, tried()]\n" + TRY
BAD_HANDLERS = {
    "missing-module": ("nothing.handler", {}),
    "missing-function": ("app.other", {"app.py": HANDLER}),
    "no-dot": ("app", {"app.py": HANDLER}),
    "built-in": ("sys.handler", {}),
    "syntax": ("app.handler", {"app.py": "def handler(:\n"}),
    "import-error": ("app.handler", {"app.py": "import nothing_here\n"}),
    "raises": ("app.handler", {"app.py": "def f():\n    raise LookupError('at import')\nf()\n"}),
}
GOOD_HANDLERS = {
    "module": ("app.handler", {"app.py": HANDLER}),
    "folder": ("src/app.handler", {"src/app.py": HANDLER}),
    "package": ("a.b.handler", {"a/__init__.py": "", "a/b.py": HANDLER}),
    "raising": (
        "app.handler",
        {"app.py": "def inner():\n    raise LookupError('mine')\ndef handler(event, context):\n    inner()\n"},
    ),
    "lambda": ("app.handler", {"app.py": "handler = lambda event, context: event\n"}),
    "callable": (
        "app.handler",
        {"app.py": "class H:\n    def __call__(self, event, context):\n        return event\nhandler = H()\n"},
    ),
}


def invoke(attach, handler, files):
    """What the runtime client gets, plain or attached."""
    files = {"awslambdaric/__init__.py": "", "awslambdaric/bootstrap.py": CLIENT, "bootstrap.py": BOOTSTRAP, **files}
    env = {"_HANDLER": handler, "AWS_LAMBDA_RUNTIME_API": "127.0.0.1:9", "AWS_LAMBDA_FUNCTION_NAME": "orders"}
    if attach == "handler":
        env.update(_HANDLER="trend_app_protect_handler.handler", TREND_AP_HANDLER=handler)
    with protected.Folder() as place:
        env["LAMBDA_TASK_ROOT"] = str(place)
        command = [sys.executable, str(place / "bootstrap.py")]
        return protected.run(
            "",
            None if attach == "plain" else DENY_TMP,
            attach="plain",
            files=files,
            folder=place,
            env=env,
            command=[WRAPPER, *command] if attach == "wrapper" else command,
        )


@pytest.mark.parametrize("attach", ["wrapper", "handler"])
@pytest.mark.parametrize("case", GOOD_HANDLERS)
def test_handlers(attach, case):
    plain, attached = invoke("plain", *GOOD_HANDLERS[case]), invoke(attach, *GOOD_HANDLERS[case])
    expected = json.loads(plain.stdout)
    if expected[0] == "ok" and isinstance(expected[1], list):
        assert expected[1][2] == "unprotected"
        expected[1][2] = "TrendAppProtectDenied"
        assert [event["request_id"] for event in attached.events] == ["request-1"], attached.about()
    assert attached.value == expected, attached.about()


@pytest.mark.parametrize("attach", ["wrapper", "handler"])
@pytest.mark.parametrize("case", BAD_HANDLERS)
def test_bad_handlers_are_reported_as_the_runtime_does(attach, case):
    plain, attached = invoke("plain", *BAD_HANDLERS[case]), invoke(attach, *BAD_HANDLERS[case])
    assert attached.value[:2] == plain.value[:2], attached.about()
    if case == "raises":
        frames = plain.value[2]
        assert attached.value[2][-2:] == frames[-2:] and (attach == "handler" or attached.value[2] == frames), (
            attached.about()
        )


@pytest.mark.parametrize("name", ["", "trend_app_protect_handler.handler"])
def test_handler_swap_without_a_handler(name):
    result = invoke("handler", name, {})
    assert result.value[0] == "Runtime.MalformedHandlerName" and "TREND_AP_HANDLER" in result.value[1], result.about()


@pytest.mark.parametrize("attach", ["wrapper", "handler"])
def test_an_unusable_policy_is_an_init_error(attach):
    with protected.Folder() as place:
        files = {
            "awslambdaric/__init__.py": "",
            "awslambdaric/bootstrap.py": CLIENT,
            "bootstrap.py": BOOTSTRAP,
            "app.py": HANDLER,
        }
        env = {"_HANDLER": "app.handler", "AWS_LAMBDA_RUNTIME_API": "127.0.0.1:9", "LAMBDA_TASK_ROOT": str(place)}
        command = [WRAPPER, sys.executable, str(place / "bootstrap.py")]
        if attach == "handler":
            env.update(_HANDLER="trend_app_protect_handler.handler", TREND_AP_HANDLER="app.handler")
            command = command[1:]
        result = protected.run("", BROKEN["key"], attach="plain", files=files, folder=place, env=env, command=command)
        assert result.value[0] == "ConfigError" and "outbund" in result.value[1], result.about()
