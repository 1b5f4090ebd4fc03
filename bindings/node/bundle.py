#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes one file of bindings/node/lib: bundle.py <lib folder> <output> <version>.

Each module becomes a function in a table; `require('./x')` finds it there, anything else is Node's own. Comments and
indentation go (they cost a cold start some 0.2 ms of scanning); line breaks stay, so that a stack is still readable
beside the sources.
"""

import pathlib
import posixpath
import re
import sys

HEAD = """// SPDX-License-Identifier: Apache-2.0
// App Protect for Lambda {version}: the Node package in one file. Sources: bindings/node/lib.
'use strict';
const outer = module, requireOutside = require, loaded = {{ __proto__: null }};
function get(name) {{
  let m = loaded[name];
  if (m === undefined) {{
    m = loaded[name] = {{ __proto__: outer, exports: {{}} }};
    table[name](m, m.exports, requireOutside);
  }}
  return m.exports;
}}
const table = {{
__proto__: null,
"""

TAIL = """};
module.exports = get('index.js');
"""

# Not needed in every start.
LATER = {
    "handler.js",
    "loader.js",
    "transactions.js",
    "hooks/workers.js",
    "hooks/network.js",
    "hooks/processes.js",
}

REQUIRE = re.compile(r"""require\('(\.{1,2}/[^']+)'\)""")


def body(path: pathlib.Path, name: str, names: set) -> str:
    lines = []
    for line in path.read_text().splitlines():
        bare = line.strip()
        if not bare or bare.startswith("//") or bare == "'use strict';":
            continue
        lines.append(bare)
    text = "\n".join(lines)

    def local(match):
        target = posixpath.normpath(posixpath.join(posixpath.dirname(name), match.group(1))) + ".js"
        if target not in names:
            sys.exit(f"bundle.py: {path}: {match.group(0)} is not a file of the package")
        return f"get('{target}')"

    return REQUIRE.sub(local, text)


def main() -> None:
    folder, output, version = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3]
    files = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*.js"))}
    with open(output, "w") as bundle:
        bundle.write(HEAD.format(version=version))
        for name, path in files.items():
            text = f"function (module, exports, require) {{\n{body(path, name, set(files))}\n}}"
            # In parentheses V8 compiles a function at once, instead of looking it over first and again when called.
            bundle.write(f"'{name}': {text if name in LATER else f'({text})'},\n")
        bundle.write(TAIL)


main()
