#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes few files of bindings/node/lib: bundle.py <esbuild> <lib folder> <output> <folder for later ones> <version>.

Each module becomes a function in a table; `require('./x')` finds it there, anything else is Node's own. What a start
does not always need has a file of its own, which is read and compiled when it is first asked for: text that is not
there costs a cold start nothing. esbuild shortens all of them: V8 takes some 25 ns for each byte it reads. Lines stay
short, so that an uncaught error does not print an endless one.

The first file is what `--require` names, and the wrapper, a worker's options and the packages all load it. Every Node
since 10 must be able to read it, if only to say no. Its name is short: Node takes every path apart a dozen times, and
V8 compiles what does that anew once it has seen enough of it.
"""

import pathlib
import posixpath
import re
import subprocess
import sys

# Called in the middle of user code as well: only what was taken before user code ran.
LICENCE = "// SPDX-License-Identifier: Apache-2.0\n// App Protect for Lambda {}. Sources: bindings/node/lib.\n"

HEAD = """'use strict';
if (parseInt(process.versions.node, 10) < 10) module.exports = require('./node/unsupported.js');
else {
const __dirname = module.filename.slice(0, -3); // node.js stands beside the folder of the rest
const outer = module, requireOutside = require, loaded = { __proto__: null };
const importOutside = (specifier) => import(specifier); // the other files, run as scripts, have none of their own
function get(name) {
  let m = loaded[name];
  if (m === undefined) {
    const make = table[name] || later(name);
    m = loaded[name] = { __proto__: outer, exports: {} };
    try {
      make(m, m.exports, requireOutside);
    } catch (error) { // user code has used up the stack: the next call tries again
      delete loaded[name];
      throw error;
    }
  }
  return m.exports;
}
function later(name) {
  const file = `${__dirname}/later/${name}`;
  if (loaded['binding.js'] === undefined) {
    try {
      get('binding.js');
    } catch (error) { // no native code here
      return evaluateUnprotected(file)(get, importOutside);
    }
  }
  // From here on nothing but it will do: require() and vm are user code's by now, and would be given all of this.
  const native = loaded['binding.js'].exports;
  native.complete();
  return native.evaluate(file)(get, importOutside);
}
// Without native code there is nothing to protect, but a handler to be found.
function evaluateUnprotected(file) {
  return require('vm').runInThisContext(require('fs').readFileSync(file, 'utf8'), file);
}
const table = {
__proto__: null,
"""

TAIL = """};
module.exports = get('index.js');
if (module.exports.isPreloaded(module)) module.exports.preload();
}
"""

# The call gives esbuild something to keep; what is run is its argument.
LATER_FILE = """later(function (get, importOutside) {{
'use strict';
return {};
}});
"""

LATER = {
    "attribution.js",
    "denied.js",
    "handler.js",
    "loader.js",
    "settle.js",
    "swapped.js",
    "transactions.js",
    "hooks/connections.js",
    "hooks/file_refusals.js",
    "hooks/names.js",
    "hooks/native_refusals.js",
    "hooks/processes.js",
    "hooks/program.js",
    "hooks/workers.js",
}

# Functions that every start calls, once. V8 looks a function over when it compiles the code around it and reads it
# again when it is first called; in parentheses it is compiled at once, 0.3 ms sooner for all of these.
AT_START = {
    "agent.js": {"binding", "builtinOf", "forgetOption", "forgetOwnOption", "installHooks", "loadNative", "start"},
    "binding.js": {"load"},
    "code_loading.js": {"install"},
    "hooks/builtin_loads.js": {"watch"},
    "hooks/files.js": {"hookQuick", "install", "installPublic"},
    "hooks/hook.js": {"expose", "onRefusal", "replace"},
    "hooks/native.js": {"guardCall", "guardClass", "guardFlags", "install"},
    "index.js": {"preload", "publish"},
}

FUNCTION = re.compile(r"^function (\w+)\(.*?\n}\n", re.DOTALL | re.MULTILINE)
IMPORT = re.compile(r"\bimport\(")
REQUIRE = re.compile(r"""require\('(\.{1,2}/[^']+)'\)""")


def at_start(text: str, name: str) -> str:
    """The text with its functions of AT_START in parentheses."""
    wanted = set(AT_START.get(name, ()))

    def eager(match):
        if match.group(1) not in wanted:
            return match.group(0)
        wanted.remove(match.group(1))
        return f"const {match.group(1)} = ({match.group(0).rstrip()});\n"

    text = FUNCTION.sub(eager, text)
    if wanted:
        sys.exit(f"bundle.py: {name} has no function {', '.join(sorted(wanted))} (AT_START)")
    return text


def body(path: pathlib.Path, name: str, names: set) -> str:
    text = at_start(path.read_text().replace("'use strict';\n", "", 1), name)

    def local(match):
        target = posixpath.normpath(posixpath.join(posixpath.dirname(name), match.group(1))) + ".js"
        if target not in names:
            sys.exit(f"bundle.py: {path}: {match.group(0)} is not a file of the package")
        return f"get('{target}')"

    return REQUIRE.sub(local, text)


def shortened(esbuild: str, text: str, begins: str, target: str) -> str:
    command = [esbuild, "--loader=js", "--minify", "--line-limit=120", f"--target={target}"]
    command += ["--supported:dynamic-import=true", "--log-level=warning"]
    out = subprocess.run(command, input=text, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    if not out.startswith(begins):  # a helper for syntax that the target lacks: slower, and open to user code
        sys.exit(f"bundle.py: for {target} esbuild begins with {out[:200]!r}, not with {begins!r}")
    return out


def main() -> None:
    esbuild, folder, output, later, version = sys.argv[1], *map(pathlib.Path, sys.argv[2:5]), sys.argv[5]
    files = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*.js"))}
    licence, first = LICENCE.format(version), [HEAD]
    for name, path in files.items():
        text = f"function (module, exports, require) {{\n{body(path, name, set(files))}\n}}"
        if name in LATER:
            text = LATER_FILE.format(IMPORT.sub("importOutside(", text))
            text = shortened(esbuild, text, "later(", "node10")
            (later / name).parent.mkdir(parents=True, exist_ok=True)
            (later / name).write_text(licence + text[len("later") :].rstrip(";") + "\n")
        else:  # in parentheses V8 compiles it at once, instead of looking it over first and again when it is called
            first.append(f"'{name}': ({text}),\n")
    text = shortened(esbuild, "".join([*first, TAIL]), '"use strict";if(', "node10")
    output.write_text(licence + text + "\n")


main()
