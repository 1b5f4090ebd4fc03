# SPDX-License-Identifier: Apache-2.0
"""CPython's own tests, test by test, without us and under both lines with a policy that observes everything.

A test whose outcome differs is run again, alone, several times both ways, and where that does not show the difference, its whole
module once more: only what then still differs is a difference. What is known and accepted stands in expected.json with its reason.
"""

import collections
import concurrent.futures
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
MODULES = """test_os test_posix test_subprocess test_socket test_ssl test_asyncio test_multiprocessing_spawn
  test_multiprocessing_fork test_io test_fileio test_tempfile test_shutil test_pathlib test_threading test_import test_zipimport
  test_sqlite3 test_mmap test_ctypes test_socketserver test_httplib test_signal test_fork1 test_posixpath test_glob
  test_multiprocessing_forkserver test_venv""".split()
OLD_NAMES = {"test_sqlite3": "test_sqlite"}  # before 3.11
OBSERVE = {
    "schema": 1,
    "name": "conduct",
    "outbound": {"action": "observe", "local": "observe"},
    "files": {"tmp": "observe", "application": "observe", "elsewhere": "observe"},
    "child_processes": {"action": "observe", "unguarded": "observe"},
    "native_code": "observe",
}
LIMIT_SEC = 1800  # of one module; a hang is then an outcome like any other
AGAIN = 5
MODES = ("plain", "observed")


class Outcomes:
    """What one run of a module did: test id -> outcome, the worst where there are several."""

    WORST = ("died", "error", "fail", "unexpected", "expected", "skip", "pass")

    def __init__(self, record, ended):
        self.of, running = {}, None
        for line in record.read_text("utf-8").splitlines() if record.exists() else []:
            outcome, _, test = line.partition("\t")
            if outcome == "start":
                running = test
            elif outcome == "end":
                ended, running = "", None
            else:
                self._add(test, outcome)
                running = None if test == running else running
        if ended:
            self._add(running or "(the whole module)", "died")

    def _add(self, test, outcome):
        had = self.of.get(test, outcome)
        self.of[test] = min(had, outcome, key=self.WORST.index)


class Runner:
    """Runs modules on the given interpreters; `stage` is the staged product, `kept` takes outputs and event logs."""

    def __init__(self, stage, kept, jobs=2, say=print):
        self.stage, self.kept, self.jobs, self.say = stage, kept, jobs, say
        with open(HERE / "expected.json", encoding="utf-8") as file:
            lists = json.load(file)
        self.expected, self.left_out = lists["cpython"], lists["left_out"]

    def once(self, python, module, mode, tests=(), label=""):
        """One run in a folder of its own."""
        folder = pathlib.Path(tempfile.mkdtemp(prefix="apc", dir="/var/tmp")).resolve()
        (folder / "work").mkdir()
        name = f"{python['minor']}-{module}-{mode}{label}"
        environment = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith(
                ("TREND_AP_", "ES_", "IMMUNIO_", "PYTHON", "AWS_", "LAMBDA_", "SSL_CERT_", "APP_PROTECT_")
            )
        }
        environment.update(TMPDIR=str(folder / "work"))
        environment["APP_PROTECT_CONDUCT_LEFT_OUT"] = " ".join(each["test"] for each in self.left_out)
        log = self.kept / f"{name}.events"
        log.unlink(missing_ok=True)
        if mode == "observed":
            environment.update(
                APP_PROTECT_CONDUCT_STAGE=str(self.stage / "python"),
                TREND_AP_POLICY=json.dumps(OBSERVE),
                TREND_AP_EVENT_LOG_FILE=str(log),
            )
        words = [python["path"], "-B", str(HERE / "recorder.py"), str(folder / "record"), module, *tests]
        ended = ""
        with open(self.kept / f"{name}.out", "wb") as output:
            process = subprocess.Popen(
                words,
                cwd=folder / "work",
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
            try:
                ended = f"status {process.wait(LIMIT_SEC)}"
            except subprocess.TimeoutExpired:
                ended = "hung"
        try:
            os.killpg(process.pid, signal.SIGKILL)  # what a test left running
        except ProcessLookupError:
            pass
        process.wait()
        outcomes = Outcomes(folder / "record", ended).of
        if mode == "observed" and not (log.exists() and log.stat().st_size):
            outcomes["(the whole module)"] = "died"  # not observed at all: no evidence
        shutil.rmtree(folder, ignore_errors=True)
        return outcomes

    def both(self, python, module, tests=(), label=""):
        return [self.once(python, module, mode, tests, label) for mode in MODES]

    def reason(self, python, module, test):
        """Why this difference is expected, or None."""
        for entry in self.expected:
            if entry["module"] == module and entry["test"] in (test, "*") and python["minor"] in entry["python"]:
                return entry["reason"]
        return None

    def module(self, python, module):
        """(tests, passed, [(test, plain, observed, expected reason)], flaky, seconds) of one module."""
        began = time.monotonic()
        if python["minor"] in ("3.8", "3.9", "3.10"):
            module = OLD_NAMES.get(module, module)
        plain, observed = self.both(python, module)
        differing = self.differing(plain, observed)
        certain, flaky = [], []
        if differing:
            certain, flaky = self.settle(python, module, differing, plain, observed)
        both = set(plain) | set(observed)
        passed = sum(plain.get(test) == observed.get(test) for test in both)
        differences = [(*each, self.reason(python, module, each[0])) for each in certain]
        summary = collections.Counter(plain.values())
        return module, len(both), passed, summary, differences, flaky, time.monotonic() - began

    @staticmethod
    def differing(plain, observed):
        return sorted(test for test in set(plain) | set(observed) if plain.get(test) != observed.get(test))

    def settle(self, python, module, differing, plain, observed):
        """What of the differing tests differs again: alone (most of several runs), else with its whole module."""
        alone = sorted({test.partition(" ")[0] for test in differing if not test.startswith("(")})
        seen = {test: ([], []) for test in differing}
        for number in range(AGAIN if alone else 0):
            for which, outcomes in enumerate(self.both(python, module, alone, f"-alone{number}")):
                for test in differing:
                    seen[test][which].append(outcomes.get(test))
        certain = []
        for test in differing:
            unlike = [outcome for outcome in seen[test][1] if outcome not in seen[test][0]]
            if alone and 2 * len(unlike) > AGAIN:
                certain.append((test, seen[test][0][0], unlike[0]))
        left = [test for test in differing if test not in [each[0] for each in certain]]
        if left:
            again = self.both(python, module, (), "-again")
            for test in left:
                if again[0].get(test) == plain.get(test) and again[1].get(test) == observed.get(test):
                    certain.append((test, plain.get(test), observed.get(test)))
        flaky = [
            (test, [plain.get(test), *seen[test][0]], [observed.get(test), *seen[test][1]])
            for test in left
            if test not in [each[0] for each in certain]
        ]
        return certain, flaky

    def run(self, pythons, modules):
        """All of it; returns (passed, failed)."""
        good = bad = 0
        with concurrent.futures.ThreadPoolExecutor(self.jobs) as pool:
            waiting = {pool.submit(self.module, python, module): python for python in pythons for module in modules}
            for done in concurrent.futures.as_completed(waiting):
                minor = waiting[done]["minor"]
                module, tests, same, summary, differences, flaky, seconds = done.result()
                unexpected = [each for each in differences if not each[3]]
                kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(summary.items()))
                self.say(
                    f"python-{minor} {module}: {tests} tests ({kinds}), {same} the same, {len(differences)} differ, {len(flaky)} unsteady, {seconds:.0f} s"
                )
                for test, before, after, reason in differences:
                    self.say(
                        f"  {'expected' if reason else 'DIFFERS'} {test}: {before} became {after}{': ' + reason if reason else ''}"
                    )
                for test, before, after in flaky:
                    self.say(
                        f"  unsteady {test}: {' '.join(map(str, before))} without us, {' '.join(map(str, after))} with us"
                    )
                bad += len(unexpected)
                good += tests - len(unexpected)
        return good, bad
