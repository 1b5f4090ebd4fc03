# SPDX-License-Identifier: Apache-2.0
"""Runs one module of CPython's own tests in this interpreter and writes down what each test did.

    recorder.py RECORD MODULE [TEST_ID...]       under us when APP_PROTECT_CONDUCT_STAGE names the staged tree, without the
                                                 tests of APP_PROTECT_CONDUCT_LEFT_OUT

A line of RECORD is `outcome<TAB>test id`: `start` before each test, then pass, skip, fail, error, expected or unexpected;
a failed sub-test is `fail` with its parameters. `end` is written last: without it the interpreter died, or was ended.
Tests start this file again as `__mp_main__` (multiprocessing): what protects stands above the question for the name.
"""

import os
import sys

if os.environ.get("APP_PROTECT_CONDUCT_STAGE"):
    sys.path.insert(0, os.environ["APP_PROTECT_CONDUCT_STAGE"])
    import trend_app_protect.start  # noqa: F401

    sys.path.pop(0)

OUTCOMES = {
    "addSuccess": "pass",
    "addSkip": "skip",
    "addFailure": "fail",
    "addError": "error",
    "addExpectedFailure": "expected",
    "addUnexpectedSuccess": "unexpected",
}


class Record:
    """The file of lines; opened for each, so that a test may do what it likes with descriptors."""

    def __init__(self, path):
        self.path, self.owner = path, os.getpid()

    def write(self, outcome, test, *_):
        if os.getpid() == self.owner:  # not a fork of a test
            with open(self.path, "a", encoding="utf-8") as lines:
                lines.write(f"{outcome}\t{' '.join(str(test).split())}\n")


def name_of(test):
    return test.id() if hasattr(test, "id") else repr(test)


def listen(result_class, record):
    """Every report of a result class goes to the record too."""

    def heard(method, outcome):
        original = getattr(result_class, method)

        def report(self, test, *more):
            record.write(outcome, name_of(test))
            return original(self, test, *more)

        setattr(result_class, method, report)

    heard("startTest", "start")
    for method, outcome in OUTCOMES.items():
        heard(method, outcome)
    original = result_class.addSubTest

    def sub_test(self, test, subtest, err):
        if err is not None:
            record.write("fail", name_of(subtest))
        return original(self, test, subtest, err)

    result_class.addSubTest = sub_test


def choose(suite_class, wanted, left_out):
    """Suites run the tests with the wanted ids alone, all where there are none, without those that begin with a name left out."""
    original = suite_class.run

    def keep(test):
        if hasattr(test, "__iter__"):
            return True
        name = name_of(test)
        return (not wanted or name in wanted) and not name.startswith(left_out)

    def run(self, result, *args, **kwargs):
        self._tests = [test for test in self if keep(test)]
        return original(self, result, *args, **kwargs)

    suite_class.run = run


def module_of(importlib, name):
    try:
        return importlib.import_module(f"test.{name}")
    except ModuleNotFoundError:
        # Some installations of 3.11 and 3.12 leave these three folders out; their content is this line.
        method = name.replace("test_multiprocessing_", "")
        if method == name:
            raise
        folder = os.path.dirname(os.path.abspath(sys.argv[1]))
        with open(f"{folder}/{name}.py", "w", encoding="utf-8") as lines:
            lines.write("from test._test_multiprocessing import install_tests_in_module_dict\n")
            lines.write(f"install_tests_in_module_dict(globals(), {method!r})\n")
        sys.path.append(folder)
        return importlib.import_module(name)


def main(path, module, *wanted):
    import faulthandler
    import importlib
    import unittest

    from test import support

    try:
        from test.support import testresult
    except ImportError:  # 3.11 and newer
        from test.libregrtest import testresult

    faulthandler.enable()
    record = Record(path)
    listen(testresult.RegressionTestResult, record)
    choose(unittest.TestSuite, set(wanted), tuple(os.environ.get("APP_PROTECT_CONDUCT_LEFT_OUT", "/").split()))
    support.use_resources = [
        "subprocess",
        "cpu",
        *(["network"] if module == "test_socketserver" else []),
    ]  # on loopback
    support.verbose = 1
    # As regrtest does it: tests that count these differ otherwise.
    support.PGO = False
    try:
        tests = module_of(importlib, module)
        if hasattr(tests, "test_main"):
            tests.test_main()
        else:
            suite = unittest.defaultTestLoader.loadTestsFromModule(tests)
            testresult.get_test_runner(sys.stdout, 1).run(suite)
    except unittest.SkipTest as why:
        record.write("skip", f"{module}: {why}")
    except support.TestFailed:
        pass  # the lines say what failed
    record.write("end", module)


if __name__ == "__main__":
    main(*sys.argv[1:])
