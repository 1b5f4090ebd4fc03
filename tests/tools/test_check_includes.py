# SPDX-License-Identifier: Apache-2.0
"""What the include check lets through and what it refuses."""

import pytest


@pytest.mark.parametrize(
    "file, line, refused",
    [
        ("core/src/guard/guard.cpp", '#include "match/domain.hpp"', False),
        ("core/src/guard/guard.cpp", '#include "guard/guard.hpp"', False),
        ("core/src/guard/guard.cpp", '#include "event/line.hpp"', True),
        ("core/src/match/domain.cpp", '#include "policy/model.hpp"', True),
        ("core/src/match/domain.cpp", '// #include "policy/model.hpp"', False),
        ("core/src/interpose/patch.cpp", '#include "event/line.hpp"', False),
        ("core/src/interpose/patch.cpp", '#include "control/client.hpp"', True),
        ("core/src/agent/api.cpp", '#include "interpose/patch.hpp"', False),
        ("core/src/base/log.cpp", "#include <Python.h>", True),
        ("core/src/base/log.cpp", "#include <napi.h>", True),
        ("core/src/base/log.cpp", "#include <filesystem>", True),
        ("core/src/base/log.cpp", 'auto v = getenv("TREND_AP_KEY");', True),
        ("core/src/agent/configuration.cpp", 'auto v = getenv("TREND_AP_KEY");', False),
        ("core/src/loose.cpp", "", True),
        ("core/src/helpers/x.cpp", "", True),
        ("core/include/app_protect/guard.hpp", "#include <app_protect/api.h>", False),
        ("core/include/app_protect/guard.hpp", '#include "guard/guard.hpp"', True),
        ("core/include/app_protect/guard.hpp", "#include <re2/re2.h>", True),
        ("bindings/python/guard.cpp", "#include <app_protect/guard.hpp>", False),
        ("bindings/python/guard.cpp", "#include <pybind11/pybind11.h>", False),
        ("bindings/python/guard.cpp", '#include "guard/guard.hpp"', True),
        ("cli/main.cpp", '#include "policy/model.hpp"', True),
    ],
)
def test_include(tool, tmp_path, monkeypatch, file, line, refused):
    check = tool("check_includes.py")
    monkeypatch.setattr(check, "ROOT", tmp_path)
    path = tmp_path / file
    path.parent.mkdir(parents=True)
    path.write_text(f"{line}\n")
    assert bool(check.judge(path)) == refused
