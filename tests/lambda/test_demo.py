# SPDX-License-Identifier: Apache-2.0
"""`make demo`: every effect that it promises shows, and it says so when one does not."""

import os
import re
import subprocess
import sys

import pytest

import cases
import network as networks
import runtimes

DEMO = [sys.executable, str(runtimes.ROOT / "examples" / "demo" / "run")]


def demo(*options, **env):
    done = subprocess.run(
        [*DEMO, *options], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120, env=dict(os.environ, **env)
    )
    return done.returncode, done.stdout.decode()


def test_without_us_everything_happens():
    if networks.shared() is None:
        pytest.skip("needs namespaces (unshare)")
    status, text = demo("--plain-only")
    assert status == 0, text
    assert len(re.findall(r" happened$", text, re.M)) == 14


def test_it_refuses_to_claim_what_is_not_built(tmp_path):
    status, text = demo(APP_PROTECT_BUILD=str(tmp_path))
    assert status != 0 and "not built" in text


@cases.needs_product()
def test_everything_is_as_promised():
    status, text = demo()
    assert status == 0, text
    assert "2 functions, 14 operations: 4 granted, 2 observed, 8 denied" in text


def test_a_product_that_does_nothing_fails_the_demo(tmp_path):
    """A stage whose wrapper only runs the function: the demo must see that nothing is enforced."""
    if networks.shared() is None:
        pytest.skip("needs namespaces (unshare)")
    stage = tmp_path / "stage"
    (stage / "app_protect" / "lib").mkdir(parents=True)
    (stage / "app_protect" / "lib" / "libapp_protect.so").touch()
    (stage / "trend_app_protect").write_text('#!/bin/bash\nexec "$@"\n')
    (stage / "trend_app_protect").chmod(0o755)
    shim = stage / "nodejs" / "node_modules" / "trend_app_protect_handler"
    shim.mkdir(parents=True)
    (shim / "index.js").write_text("exports.handler = require(process.env.LAMBDA_TASK_ROOT + '/index.js').handler;\n")
    status, text = demo(APP_PROTECT_BUILD=str(tmp_path))
    assert status == 1, text
    assert text.count("expected denied") == 8 and text.count("expected observed") == 2
