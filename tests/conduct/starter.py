# SPDX-License-Identifier: Apache-2.0
"""Starts programs one after another: starter.py CASES RESULTS, under us when APP_PROTECT_CONDUCT_STAGE is set."""

import json
import os
import subprocess
import sys

stage = os.environ.pop("APP_PROTECT_CONDUCT_STAGE", None)
if stage:
    sys.path.insert(0, stage)
    import trend_app_protect.start  # noqa: F401

with open(sys.argv[1], encoding="utf-8") as file:
    cases = json.load(file)
for case in cases:
    with open(case["folder"] + ".out", "wb") as out, open(case["folder"] + ".err", "wb") as err:
        try:
            case["status"] = subprocess.call(
                case["words"], cwd=case["folder"], stdin=subprocess.DEVNULL, stdout=out, stderr=err, timeout=60
            )
        except OSError as error:
            case["status"] = str(error)
        except subprocess.TimeoutExpired:
            case["status"] = "it hangs"
with open(sys.argv[2], "w", encoding="utf-8") as file:
    json.dump(cases, file)
