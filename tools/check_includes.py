#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Refuses an include, or a getenv, where the house rules (docs/layout.md) do not allow it.

  * a layer of core/src includes itself and layers to its left
  * public headers (core/include) include only <app_protect/...> and the standard library
  * bindings, shims, command line and console see the engine only through <app_protect/...>
  * the core knows no host language, and leaves the costly standard headers out
  * environment variables are read in one place: core/src/agent/config*.cpp

Prints one line per finding as `file:line: text` and ends with `N passed, N failed` (files).
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
CHAIN = ["base", "match", "policy", "guard", "event", "control"]
ALLOWED = {layer: set(CHAIN[: place + 1]) for place, layer in enumerate(CHAIN)}
ALLOWED["interpose"] = ALLOWED["event"] | {"interpose"}
ALLOWED["agent"] = set(CHAIN) | {"interpose", "agent"}

OUTSIDE = ["bindings", "handler_shims", "cli", "console"]
HOST_LANGUAGE = re.compile(r"^(Python\.h|pybind11/|napi|node_api|node\.h|v8)")
COSTLY = {"filesystem", "format", "iostream", "regex"}
THIRD_PARTY = re.compile(r"^(re2/|rapidjson/|ares|google/|sodium)")
SOURCE = {".c", ".cc", ".cpp", ".h", ".hpp", ".inc", ".S"}
INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]')
GETENV = re.compile(r"\b(?:secure_)?getenv\s*\(")
COMMENT = re.compile(r'//[^\n]*|/\*.*?\*/|("(?:\\.|[^"\\\n])*")', re.DOTALL)


def without_comments(text):
    """The text with comments blanked (line numbers kept) and string literals left as they are."""
    return COMMENT.sub(lambda m: m.group(1) or re.sub(r"[^\n]", " ", m.group(0)), text)


def judge_include(place, quote, name):
    """Why the file at `place` (parts relative to the root) may not include `name`, or None."""
    first = name.split("/")[0]
    if place[0] == "core":
        if HOST_LANGUAGE.match(name):
            return f"the core knows no host language: <{name}>"
        if name in COSTLY:
            return f"<{name}> costs too much start-up and size in the agent"
        if place[1] == "include":
            if THIRD_PARTY.match(name) or (quote == '"' and first != "app_protect") or first in ALLOWED:
                return f"a public header includes only <app_protect/...> and the standard library: `{name}`"
        elif first in ALLOWED and "/" in name and first not in ALLOWED[place[2]]:
            return f"layer {place[2]} may not include {first}: `{name}`"
        return None
    if "/" in name and (first in ALLOWED or name.startswith("core/")) and not own_file(place, name):
        return f"{place[0]} sees the engine only through <app_protect/...>: `{name}`"
    return None


def own_file(place, name):
    """Whether `name` is a file of the including part itself."""
    folder = ROOT.joinpath(*place[:-1])
    return any((base / name).exists() for base in [folder, *folder.parents] if ROOT in base.parents)


def judge(path):
    """The findings of one file, as (line, text)."""
    place = path.relative_to(ROOT).parts
    if place[:2] == ("core", "src"):
        if len(place) < 4:
            return [(1, "a source file lies beside the layers")]
        if place[2] not in ALLOWED:
            return [(1, f"`{place[2]}` is not a layer")]
    found = []
    for number, line in enumerate(without_comments(path.read_text("utf-8", "replace")).split("\n"), 1):
        include = INCLUDE.match(line)
        reason = judge_include(place, *include.groups()) if include else None
        if not reason and GETENV.search(line) and place[0] in ("core", "bindings"):
            if place[:3] != ("core", "src", "agent") or not place[3].startswith("config"):
                reason = "environment variables are read in core/src/agent/config*.cpp alone"
        if reason:
            found.append((number, reason))
    return found


def main():
    files = [
        path
        for part in ["core/include", "core/src", *OUTSIDE]
        for path in sorted((ROOT / part).rglob("*"))
        if path.suffix in SOURCE and "node_modules" not in path.parts
    ]
    failed = 0
    for path in files:
        found = judge(path)
        failed += bool(found)
        for number, text in found:
            print(f"{path.relative_to(ROOT)}:{number}: {text}")
    if failed or "--quiet" not in sys.argv:
        print(f"{len(files) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
