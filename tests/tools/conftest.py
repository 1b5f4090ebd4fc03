# SPDX-License-Identifier: Apache-2.0
"""Loads a script of tools/ as a module, with or without a suffix."""

import importlib.machinery
import importlib.util
import pathlib

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture
def tool():
    def load(name):
        loader = importlib.machinery.SourceFileLoader(name.replace(".", "_"), str(ROOT / "tools" / name))
        module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
        loader.exec_module(module)
        return module

    return load
