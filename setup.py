# SPDX-License-Identifier: Apache-2.0
"""`pip install .`: the package for the running interpreter, its extension and libapp_protect.so built by CMake."""

import pathlib
import shutil
import subprocess
import sys

from setuptools import Extension, find_packages, setup
from setuptools.command.build_ext import build_ext

ROOT = pathlib.Path(__file__).resolve().parent
SOURCES = ["bindings/python", "handler_shims/python"]
PACKAGES = ["trend_app_protect*", "trend_app_protect_handler*", "appdefender*", "immunio*"]


class CMakeBuild(build_ext):
    """Builds the release preset for this interpreter alone and puts both binaries into the package."""

    def build_extension(self, ext):
        package = pathlib.Path(self.get_ext_fullpath(ext.name)).resolve().parent
        work = pathlib.Path(self.build_temp).resolve()
        options = [f"-DAPP_PROTECT_BUILD_{part}=OFF" for part in ("NODE", "CLI", "BENCH")]
        subprocess.run([ROOT / "tools/setup", "build"], check=True)
        subprocess.run(
            ["cmake", "--preset", "release", "-B", work, f"-DAPP_PROTECT_PYTHON={sys.executable}", *options],
            cwd=ROOT,
            check=True,
        )
        subprocess.run(["cmake", "--build", work, "-j2", "--target", "product"], check=True)
        package.mkdir(parents=True, exist_ok=True)
        shutil.copy(work / "lib/libapp_protect.so", package)
        (native,) = (work / "bindings/python").rglob(f"{ext.name.rpartition('.')[2]}*.so")
        shutil.copy(native, self.get_ext_fullpath(ext.name))


package_dir, py_modules = {}, []
for source in SOURCES:
    for package in find_packages(source, include=PACKAGES):
        package_dir[package] = f"{source}/{package.replace('.', '/')}"
    py_modules += [path.stem for path in (ROOT / source).glob("trend_app_protect*.py")]
package_dir.setdefault("", SOURCES[1])

setup(
    name="trend_app_protect",
    version=(ROOT / "version").read_text().strip(),
    description="A least-privilege runtime firewall for functions",
    long_description=(ROOT / "README.md").read_text(),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    python_requires=">=3.7",
    packages=[package for package in package_dir if package],
    package_dir=package_dir,
    py_modules=py_modules,
    package_data={"": ["*.pyi", "py.typed", "*.json"]},
    ext_modules=[Extension("trend_app_protect._native", sources=[])],
    cmdclass={"build_ext": CMakeBuild},
    zip_safe=False,
)
