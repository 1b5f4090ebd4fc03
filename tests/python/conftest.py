# SPDX-License-Identifier: Apache-2.0
"""The tests need the staged product: `make build` (target `stage`)."""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import protected  # noqa: E402


def pytest_sessionstart(session):
    if not protected.LIBRARY.exists():
        pytest.exit(f"{protected.LIBRARY} is not there: run `make build` first", returncode=3)
