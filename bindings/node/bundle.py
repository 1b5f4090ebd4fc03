#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes two files of bindings/node/lib: bundle.py <lib folder> <output> <later output> <version>.

Each module becomes a function in a table; `require('./x')` finds it there, anything else is Node's own. What a start
does not always need is in the second file, which is read and compiled when the first of its modules is asked for: text
that is not there costs a cold start nothing. Comments and indentation go (some 0.2 ms of scanning). Line breaks stay: a
stack is still readable beside the sources, and an error does not print one endless line of them.
"""

import pathlib
import posixpath
import re
import sys

# Called in the middle of user code as well: only what was taken before user code ran.
LICENCE = "// SPDX-License-Identifier: Apache-2.0\n// App Protect for Lambda {}. Sources: bindings/node/lib.\n"

HEAD = """'use strict';
const outer = module, requireOutside = require, loaded = { __proto__: null };
const { apply, ownKeys } = Reflect, { readFileSync } = require('fs'), { Script } = require('vm');
const importOutside = (specifier) => import(specifier); // a vm.Script has no import() of its own
const { runInThisContext } = Script.prototype, laterFile = `${__dirname}/LATER_NAME`;
function get(name) {
  let m = loaded[name];
  if (m === undefined) {
    if (table[name] === undefined) addLater();
    m = loaded[name] = { __proto__: outer, exports: {} };
    table[name](m, m.exports, requireOutside);
  }
  return m.exports;
}
function addLater() {
  const native = loaded['binding.js'] && loaded['binding.js'].exports.readSmallFile;
  const text = native === undefined ? readFileSync(laterFile, 'utf8') : native(laterFile);
  const script = new Script(text, { __proto__: null, filename: laterFile });
  const more = apply(runInThisContext, script, [])(get, importOutside);
  const names = ownKeys(more);
  for (let i = 0; i < names.length; i++) table[names[i]] = more[names[i]];
}
const table = {
__proto__: null,
"""

TAIL = """};
module.exports = get('index.js');
"""

LATER_HEAD = """(function (get, importOutside) {
'use strict';
return {
__proto__: null,
"""

LATER_TAIL = """};
})
"""

LATER = {
    "handler.js",
    "loader.js",
    "transactions.js",
    "hooks/network.js",
    "hooks/processes.js",
    "hooks/workers.js",
}

IMPORT = re.compile(r"\bimport\(")
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
    folder, output, later_output, version = pathlib.Path(sys.argv[1]), *map(pathlib.Path, sys.argv[2:4]), sys.argv[4]
    files = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*.js"))}
    first, later = [HEAD.replace("LATER_NAME", later_output.name)], [LATER_HEAD]
    for name, path in files.items():
        text = f"function (module, exports, require) {{\n{body(path, name, set(files))}\n}}"
        if name in LATER:
            later.append(f"'{name}': {IMPORT.sub('importOutside(', text)},\n")
        else:  # in parentheses V8 compiles it at once, instead of looking it over first and again when it is called
            first.append(f"'{name}': ({text}),\n")
    output.write_text(LICENCE.format(version) + "".join([*first, TAIL]))
    later_output.write_text(LICENCE.format(version) + "".join([*later, LATER_TAIL]))


main()
