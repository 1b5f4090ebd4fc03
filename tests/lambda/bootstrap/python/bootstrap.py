# SPDX-License-Identifier: Apache-2.0
"""Stands for /var/runtime/bootstrap.py of AWS's managed Python runtimes: import paths, then the real client.

Layers are on the import path only when the function has no PYTHONPATH of its own; `addsitedir` runs the `.pth`
files of a layer before the handler's module is imported.
"""

import os
import site
import sys

opt = "/opt"

runtime_folder = os.environ["LAMBDA_RUNTIME_DIR"]
task_root = os.environ["LAMBDA_TASK_ROOT"]
layers = [f"{opt}/python/lib/python{sys.version_info[0]}.{sys.version_info[1]}/site-packages", f"{opt}/python"]

if "PYTHONPATH" not in os.environ:
    sys.path[0:0] = layers
    os.environ["PYTHONPATH"] = runtime_folder
    for folder in layers:
        site.addsitedir(folder)
sys.path.insert(0, task_root)
site.addsitedir(task_root)

from awslambdaric.__main__ import main  # noqa: E402

if __name__ == "__main__":
    main([task_root, os.environ["_HANDLER"]])
