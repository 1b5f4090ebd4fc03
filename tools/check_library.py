#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Refuses a libapp_protect.so that would be visible to the function: tools/check_library.py LIBRARY.

It exports app_protect_api and nothing else, needs only libraries of glibc (or musl's one), is never unloaded, and has
neither text relocations nor an executable stack.
"""

import re
import subprocess
import sys

GLIBC = re.compile(r"^(libc|libm|libdl|libpthread|librt|ld-linux-[\w-]+)\.so\.\d+$")


def output_of(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def findings(library):
    exports = [line.split()[-1].split("@")[0] for line in output_of("nm", "-D", "--defined-only", library).splitlines()]
    if exports != ["app_protect_api"]:
        yield f"exports {', '.join(exports) or 'nothing'}, expected app_protect_api alone"
    dynamic = output_of("readelf", "-dW", library)
    needed = re.findall(r"\(NEEDED\).*\[(.*)\]", dynamic)
    for name in needed:
        if not GLIBC.match(name) and needed != ["libc.so"]:
            yield f"needs {name}, which a function may not have or may have in another version"
    if "TEXTREL" in dynamic:
        yield "has text relocations"
    for flag in ("NODELETE", "NOW"):
        if not re.search(rf"\(FLAGS_1\).*\b{flag}\b", dynamic):
            yield f"is not linked with -z {flag.lower()}"
    if re.search(r"GNU_STACK.*\bRWE\b", output_of("readelf", "-lW", library)):
        yield "asks for an executable stack"


def main():
    library = sys.argv[1]
    found = list(findings(library))
    for text in found:
        print(f"{library}: {text}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
