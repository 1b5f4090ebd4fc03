# SPDX-License-Identifier: Apache-2.0
"""A user and a mount namespace with all ids mapped: what is mounted and registered in it nobody else sees."""

import os
import subprocess
import sys


def run(command, take):
    """Runs `command` inside, shows what it says and gives each line to `take`; its exit status. Needs root."""
    process = subprocess.Popen(
        ["unshare", "--user", "--mount", "--propagation", "private", "sh", "-c", 'echo; read _; exec "$@"', "sh"]
        + command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    process.stdout.readline()  # it is in its namespace now
    for ids in ("uid_map", "gid_map"):
        with open(f"/proc/{process.pid}/{ids}", "w") as file:
            file.write("0 0 65536\n")
    process.stdin.write(b"\n")
    process.stdin.close()
    for line in process.stdout:
        take(line.decode("utf-8", "replace"))
        sys.stdout.buffer.write(line)
        sys.stdout.flush()
    return process.wait()


def possible():
    """Why it is not possible here, or None."""
    if os.geteuid() != 0:
        return "needs root, for a namespace with more than one user"
    probe = subprocess.run(["unshare", "--user", "--mount", "true"], capture_output=True, text=True)
    return probe.stderr.strip() if probe.returncode else None
