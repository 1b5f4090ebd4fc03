# SPDX-License-Identifier: Apache-2.0
"""How the test run counts: what a suite printed, and what it is worth when it printed nothing."""

import sys

import pytest


@pytest.mark.parametrize(
    "text, expected",
    [
        ("12 passed, 0 failed\n", (12, 0, 0)),
        ("lambda: 3 passed, 1 failed, 2 skipped\n", (3, 1, 2)),
        ("1 passed, 0 failed\nmore\n2 passed, 1 failed\n", (2, 1, 0)),
        ("it says 3 passed, 1 failed in the middle\n", None),
        ("", None),
    ],
)
def test_count_line(tool, tmp_path, text, expected):
    log = tmp_path / "log"
    log.write_text(text)
    assert tool("run_tests").read_count_line(log) == expected


def test_tap(tool, tmp_path):
    log = tmp_path / "log"
    log.write_text("ok 1 - a\n# tests 9\n# suites 2\n# pass 5\n# fail 1\n# cancelled 1\n# skipped 1\n# todo 1\n")
    assert tool("run_tests").read_tap(log) == (5, 2, 2)


def test_junit_counts_the_tests_inside_a_program(tool, tmp_path):
    report = tmp_path / "report.xml"
    report.write_text(
        "<testsuite><testcase/><testcase><skipped/></testcase><testcase><failure/></testcase>"
        "<testcase><system-out>[  PASSED  ] 40 tests.\n[  SKIPPED ] 3 tests, listed below:</system-out></testcase>"
        "<testcase><failure/><system-out>[  PASSED  ] 7 tests.\n[  FAILED  ] 2 tests, listed below:</system-out>"
        "</testcase></testsuite>"
    )
    assert tool("run_tests").read_junit(report)(None) == (1 + 40 + 7, 1 + 2, 1 + 3)


@pytest.mark.parametrize(
    "program, expected",
    [
        ("print('2 passed, 0 failed')", (2, 0, 0)),
        ("print('2 passed, 1 failed'); raise SystemExit(1)", (2, 1, 0)),
        ("print('2 passed, 0 failed'); raise SystemExit(3)", (2, 1, 0)),
        ("print('0 passed, 0 failed')", (0, 1, 0)),
        ("import os; os.abort()", (0, 1, 0)),
    ],
)
def test_a_suite_that_dies_is_a_failure(tool, tmp_path, monkeypatch, program, expected):
    tests = tool("run_tests")
    monkeypatch.setattr(tests, "LOGS", tmp_path)
    monkeypatch.setattr(tests, "ROOT", tmp_path)
    suite = tests.Suite("one", [sys.executable, "-c", program], tests.read_count_line)
    assert tests.run(suite, tmp_path, tests.Screen()) == expected
