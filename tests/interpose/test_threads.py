# SPDX-License-Identifier: Apache-2.0
"""Patched while three threads run the very functions: no process may die of it."""

import os

from harness import Fixture, Run, Tools, check

PROCESSES = int(os.environ.get("AP_HAMMER", "150"))


def test():
    fixture = Fixture()
    under = fixture.policy("deny", outbound="observe", native_code="deny")
    wrong = []
    for _ in range(PROCESSES):
        run = Run("hammer", fixture.protected, fixture.open, under=under, program=Tools.attack)
        if run.status != 0 or run.out != "done":
            wrong.append(run)
    check(f"threads: {PROCESSES} processes patched under load", not wrong, f"{len(wrong)}: {wrong[0] if wrong else ''}")
    fixture.remove()
