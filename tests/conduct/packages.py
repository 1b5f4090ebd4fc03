# SPDX-License-Identifier: Apache-2.0
"""Popular packages at work, offline: the same output without us, observed, and under a policy that denies what they do not need.

They stand in the application directory (build/cache/conduct/<runtime>, made by ./setup), beside a copy of the smoke/ program.
"""

import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

from cpython import OBSERVE

HERE = pathlib.Path(__file__).resolve().parent
PYTHONS, NODES = ("3.8", "3.11", "3.13"), ("18", "22", "24")
# What a careful user would write: loopback and /tmp are needed, nothing else.
DENY = {
    "schema": 1,
    "name": "conduct_deny",
    "outbound": {"action": "deny", "local": "grant", "allowed_domains": ["=nothing.example"]},
    "files": {
        "tmp": {"read": "grant", "write": "grant"},
        "application": {"read": "grant", "write": "deny"},
        "elsewhere": {"read": "grant", "write": "deny"},
    },
    "child_processes": "deny",
    "native_code": "deny",
}
# esbuild's work is done by a static program of its own.
FOR = {
    "esbuild": {
        "child_processes": {
            "action": "deny",
            "rules": [{"command": "/bin/esbuild ", "action": "grant"}],
            "unguarded": "grant",
        }
    }
}
# The policy is in force: each of these works without us and is refused under DENY.
PROBE = {
    "python": """import os, socket, subprocess
def told(name, call):
    try:
        call()
        print(name, "went")
    except PermissionError:
        print(name, "refused")
told("application", lambda: open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "probe.out"), "w").close())
told("elsewhere", lambda: open("/var/tmp/ap-conduct-probe", "w").close())
told("child", lambda: subprocess.run(["/bin/true"]))
told("outbound", lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect(("192.0.2.1", 9)))
import shutil, ctypes
shutil.copy(LIBRARY, "/tmp/ap-conduct-probe.so")
try:
    ctypes.CDLL("/tmp/ap-conduct-probe.so")
    print("native went")
except OSError:
    print("native refused")
""",
    "node": """const fs = require('fs'), path = require('path'), {execFileSync} = require('child_process'), dgram = require('dgram');
function told(name, call) {
  try { call(); console.log(name, 'went'); } catch (error) { console.log(name, error.code === 'EPERM' ? 'refused' : error); }
}
told('application', () => fs.writeFileSync(path.join(__dirname, 'probe.out'), ''));
told('elsewhere', () => fs.writeFileSync('/var/tmp/ap-conduct-probe', ''));
told('child', () => execFileSync('/bin/true'));
const socket = dgram.createSocket('udp4');
socket.connect(9, '192.0.2.1', (error) => { console.log('outbound', error ? (error.code === 'EPERM' ? 'refused' : error) : 'went'); socket.close(); });
""",
}


class Packages:
    """All smoke programs on all runtimes."""

    def __init__(self, stage, runtimes, cache, kept, say=print):
        self.stage, self.cache, self.kept, self.say = stage, cache / "conduct", kept, say
        self.runtimes = [
            ("python", each["minor"], each["path"]) for each in runtimes["python"] if each["minor"] in PYTHONS
        ]
        self.runtimes += [("node", each["major"], each["path"]) for each in runtimes["node"] if each["major"] in NODES]

    def _run(self, language, path, home, program, policy, log):
        """(status, output, errors) of one program."""
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": "/tmp",
            "LANG": "C.UTF-8",
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        environment["PYTHONDONTWRITEBYTECODE"] = environment["NODE_NO_WARNINGS"] = environment[
            "AWS_SDK_JS_SUPPRESS_MAINTENANCE_MODE_MESSAGE"
        ] = "1"
        words = [path, "-W", "ignore", program] if language == "python" else [path, program]
        if policy:
            log.unlink(missing_ok=True)
            environment.update(
                TREND_AP_POLICY=json.dumps(policy), TREND_AP_EVENT_LOG_FILE=str(log), TREND_AP_LOG_LEVEL="error"
            )
            if language == "node":
                words[1:1] = ["--require", str(self.stage / "app_protect/node.js")]
            else:
                # As a first line of the program, without changing it.
                words = [path, "-W", "ignore", str(home / "attached.py"), program]
                (home / "attached.py").write_text(
                    f"import runpy, sys\nsys.path.insert(0, {str(self.stage / 'python')!r})\nimport trend_app_protect.start\n"
                    "sys.path.pop(0)\nsys.argv.pop(0)\nrunpy.run_path(sys.argv[0], run_name='__main__')\n"
                )
        try:
            done = subprocess.run(
                words,
                cwd=home,
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=300,
                errors="replace",
            )
        except subprocess.TimeoutExpired:
            return "it hangs", "", ""
        return done.returncode, done.stdout, done.stderr

    @staticmethod
    def _counts(log):
        actions = {"observe": 0, "deny": 0}
        for line in log.read_text("utf-8", "replace").splitlines() if log.exists() else []:
            event = json.loads(line)
            if event["policy"] != "agent_health":
                actions[event["action"]] += event["count"]
        return actions

    def run(self, only=()):
        """(passed, failed, skipped)."""
        good = bad = skipped = 0
        for language, version, path in self.runtimes:
            runtime = f"{language}-{version}"
            home = self.cache / (runtime if language == "python" else "node")
            if not (home / ".installed").exists():
                self.say(f"{runtime}: skipped, its packages are not installed: tests/conduct/setup")
                skipped += 1
                continue
            programs = sorted((HERE / "smoke" / language).glob("smoke_*"))
            for file in (HERE / "smoke" / language).iterdir():
                shutil.copy(file, home)
            failed = self._probe(language, runtime, path, home)
            good, bad = good + (not failed), bad + failed
            for program in programs:
                name = re.sub(r"^smoke_|\.(py|js)$", "", program.name)
                if only and name not in only:
                    continue
                here = str(home / program.name)
                plain = self._run(language, path, home, here, None, None)
                if plain[0] != 0:
                    self.say(f"  {runtime} {name}: does not work without us: {plain[2][-300:]}")
                    bad += 1
                    continue
                seen = {}
                for mode, policy in (("observed", OBSERVE), ("denied", {**DENY, **FOR.get(name, {})})):
                    log = self.kept / f"{runtime}-{name}-{mode}.events"
                    done = self._run(language, path, home, here, policy, log)
                    counts = seen[mode] = self._counts(log)
                    same = done == plain and (mode == "denied" or counts["observe"] > 0)
                    good, bad = good + same, bad + (not same)
                    if not same:
                        self.say(
                            f"  DIFFERS {runtime} {name} {mode}: {done[0]} {counts}\n--- without us\n{plain[1][-800:]}\n--- with us\n{done[1][-800:]}\n{done[2][-1500:]}"
                        )
                self.say(
                    f"{runtime} {name}: observed {seen['observed']['observe']}; under deny refused {seen['denied']['deny']}"
                )
        return good, bad, skipped

    def _probe(self, language, runtime, path, home):
        with tempfile.TemporaryDirectory(dir="/var/tmp"):
            probe = home / ("probe.py" if language == "python" else "probe.js")
            some = next(iter(sorted(home.glob("numpy/**/*.so"))), "")
            probe.write_text(PROBE[language].replace("LIBRARY", repr(str(some))))
            plain = self._run(language, path, home, str(probe), None, None)
            denied = self._run(language, path, home, str(probe), DENY, self.kept / f"{runtime}-probe.events")
        for left in (
            home / "probe.out",
            pathlib.Path("/var/tmp/ap-conduct-probe"),
            pathlib.Path("/tmp/ap-conduct-probe.so"),
        ):
            left.unlink(missing_ok=True)
        words = plain[1].split("\n")[:-1]
        went = all(line.endswith(" went") for line in words) and len(words) >= 4
        refused = [line.replace("went", "refused") for line in words] == denied[1].split("\n")[:-1]
        if not (went and refused):
            self.say(f"  {runtime}: the policy is not in force: {plain} {denied}")
        return not (went and refused)
