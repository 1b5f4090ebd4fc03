# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: E501, UP022, F541 (programs as text, one per line)
"""Reading the application is denied: code is still imported, everything else is refused."""

import operations
import protected
import pytest

DENY = {"schema": 1, "name": "t", "files": {"application": {"read": "deny", "write": "deny"}}}
OBSERVE = {"schema": 1, "name": "t", "files": {"application": "observe"}}
FILES = {
    "plain_module.py": "value = 1\n",
    "package/__init__.py": "from . import inner\n",
    "package/inner.py": "value = 2\n",
    "package/data.json": "secret",
    "namespace/leaf.py": "value = 3\n",
    "data.json": "secret",
    "secret.py": "password = 'secret'\n",
}
IMPORTS = """
import importlib, plain_module, package, namespace.leaf
assert (plain_module.value, package.inner.value, namespace.leaf.value) == (1, 2, 3)
importlib.reload(plain_module)
try:
    import nothing_here
except ModuleNotFoundError as error:
    assert str(error) == "No module named 'nothing_here'"
"""


def run(program, policy=DENY, **options):
    return protected.run(program, policy, files=FILES, **options)


@pytest.mark.parametrize("policy", [DENY, OBSERVE], ids=["deny", "observe"])
@pytest.mark.parametrize("bytecode", ["1", None], ids=["no-bytecode", "bytecode"])
def test_imports_go_on_and_are_silent(policy, bytecode):
    result = run(IMPORTS + "print('done')\n", policy, env={"PYTHONDONTWRITEBYTECODE": bytecode})
    assert result.stdout == "done\n" and result.events == [], result.about()


def test_imports_from_an_archive():
    import io
    import zipfile

    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("zipped.py", "value = 4\n")
    program = (
        "import os, sys\nsys.path.insert(0, os.path.join(sys.path[0], 'lib.zip'))\nimport zipped\nprint(zipped.value)\n"
    )
    result = protected.run(program, DENY, files={"lib.zip": archive.getvalue()})
    assert result.stdout == "4\n" and result.events == [], result.about()


def test_imports_of_bytecode_alone():
    with protected.Folder() as place:
        (place / "compiled.py").write_text("value = 5\n")
        program = "import compiled\nprint(compiled.value)\n"
        assert (
            protected.run(program, None, attach="plain", folder=place, env={"PYTHONDONTWRITEBYTECODE": None}).stdout
            == "5\n"
        )
        (cached,) = (place / "__pycache__").iterdir()
        cached.rename(place / "compiled.pyc")
        (place / "compiled.py").unlink()
        result = protected.run(program, DENY, folder=place)
        assert result.stdout == "5\n" and result.events == [], result.about()


READS = {
    "data": "open(here + '/data.json').read()",
    "package-data": "__import__('pkgutil').get_data('package', 'data.json')",
    "source-as-data": "open(here + '/secret.py').read()",
    "loader-get_data": "__import__('importlib.machinery').machinery.SourceFileLoader('x', here + '/secret.py').get_data(here + '/secret.py')",
    "loader-get_data-json": "__import__('importlib.machinery').machinery.SourceFileLoader('x', here + '/data.json').get_data(here + '/data.json')",
    "own-function-with-its-code": "type(lambda: 0)(sys.modules['_frozen_importlib_external'].FileLoader.get_data.__code__, vars(sys.modules['_frozen_importlib_external']))(L(), here + '/data.json')",
    "same-names": "forged()",
    "listdir": "os.listdir(here)",
    "stat": "os.stat(here + '/data.json').st_size",
    "path_stat": "sys.modules['_frozen_importlib_external']._path_stat(here + '/data.json').st_size",
    "open_code": "__import__('io').open_code(here + '/secret.py').read()",
}
FORGED = """
class L(sys.modules['_frozen_importlib_external'].SourceFileLoader):
    def __init__(self):
        self.path = ''
text = '''
def get_data(self, path):
    return open(path).read()
def get_code(self, path):
    return self.get_data(path)
'''
scope = {}
exec(compile(text, '<frozen importlib._bootstrap_external>', 'exec'), scope)
class F:
    get_data = scope['get_data']
def forged():
    return scope['get_code'](F(), here + '/secret.py')
"""


@pytest.mark.parametrize("read", READS.values(), ids=READS)
def test_data_is_refused(read):
    if "open_code" in read and not operations.has("io.open_code"):
        pytest.skip("this Python has no io.open_code")
    program = f"import os, sys\nhere = sys.path[0]\n{FORGED}\nimport package\ntry:\n    print('got', {read})\nexcept PermissionError:\n    print('refused')\n"
    assert "got" in protected.run(program, None, attach="plain", files=FILES).stdout
    result = run(program)
    assert result.stdout == "refused\n" and len(result.events) == 1, result.about()


def test_no_bytecode_is_written_under_deny():
    with protected.Folder() as place:
        result = protected.run(IMPORTS, DENY, files=FILES, folder=place, env={"PYTHONDONTWRITEBYTECODE": None})
        assert result.status == 0 and result.events == [], result.about()
        assert not list(place.rglob("*.pyc"))


def test_tracebacks_still_come():
    result = run("def f():\n    1/0\nf()\n")
    assert "ZeroDivisionError" in result.stderr and result.status == 1, result.about()


@operations.with_interpreters
def test_imports_in_a_sub_interpreter():
    program = """
try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters
import sys
i = interpreters.create()
text = f'''
import sys
sys.path.insert(0, {sys.path[0]!r})
import plain_module, package
try:
    open({sys.path[0] + "/data.json"!r})
except PermissionError as error:
    print("refused", type(error).__name__, flush=True)
'''
print(getattr(interpreters, 'run_string')(i, text))
"""
    result = run(program)
    assert result.stdout.startswith("refused TrendAppProtectDenied"), result.about()
    assert len(result.events) == 1, result.about()
