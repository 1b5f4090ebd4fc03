# SPDX-License-Identifier: Apache-2.0
"""One version, wherever it has to be repeated."""

import json
import pathlib

ROOT = pathlib.Path(__file__).resolve().parents[2]


def test_package_json_says_what_version_says():
    assert json.loads((ROOT / "package.json").read_text())["version"] == (ROOT / "version").read_text().strip()
