# SPDX-License-Identifier: Apache-2.0
"""Runs the tests marked `ahead` side by side.

Most of a Lambda test is waiting for processes. A test marked `ahead` takes parameters only (no fixtures); its body
starts on a thread as soon as the tests are collected, and pytest collects the result in order. The report, the
selection and the failures look as ever.
"""

import concurrent.futures
import os

import pytest

import runtimes

_pool = concurrent.futures.ThreadPoolExecutor(max_workers=max(2, os.cpu_count() or 2))
_results = {}


def pytest_configure(config):
    config.addinivalue_line("markers", "ahead: the body takes parameters only and runs on a thread, ahead of its turn")


def pytest_collection_finish(session):
    if session.config.option.collectonly:
        return
    for item in session.items:
        skipped = any(
            mark.name == "skip" or any(mark.args) for mark in item.iter_markers() if mark.name.startswith("skip")
        )
        if item.get_closest_marker("ahead") and not skipped:
            parameters = item.callspec.params if hasattr(item, "callspec") else {}
            _results[item.nodeid] = _pool.submit(item.obj, **parameters)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    result = _results.pop(pyfuncitem.nodeid, None)
    if result is None:
        return None
    result.result()
    return True


def pytest_sessionfinish(session):
    for result in _results.values():
        result.cancel()
    _pool.shutdown(wait=True)


def pytest_terminal_summary(terminalreporter):
    names = [runtime.name for runtime in runtimes.found() if not runtime.why_missing]
    terminalreporter.write_line(f"lambda runtimes tested: {len(names)} ({', '.join(names)})")
