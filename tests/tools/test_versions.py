# SPDX-License-Identifier: Apache-2.0
"""One version, wherever it has to be repeated."""

import json
import pathlib

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("file", ["package.json", "bindings/node/package/package.json"])
def test_package_says_what_version_says(file):
    assert json.loads((ROOT / file).read_text())["version"] == (ROOT / "version").read_text().strip()
