# SPDX-License-Identifier: Apache-2.0
"""App Protect: a least-privilege runtime firewall for functions.

Importing this package alone changes nothing. To protect a program:

    import trend_app_protect.start                                       # any program
    from trend_app_protect.api.aws_lambda import protect_handler         # a Lambda function, in its code

The policy comes from `TREND_AP_POLICY`, `TREND_AP_POLICY_FILE` or `app_protect.json` beside the application.
"""

import os as _os
import sys as _sys
import time as _time

__all__ = ["status"]

# The binaries lie in this folder (pip), or in the layer's own folder, off the function's import path.
_folder = _os.path.dirname(_os.path.abspath(__file__))
_library = _folder + "/libapp_protect.so"
if not _os.path.exists(_library):
    _folder = _os.path.dirname(_os.path.dirname(_folder)) + "/app_protect/python"
    _library = _folder[: -len("python")] + "lib/libapp_protect.so"


def _load_native():
    """The extension by its path: no search, no list of folders."""
    name = __name__ + "._native"
    if name in _sys.modules:  # the exec wrapper came first
        return _sys.modules[name]
    bootstrap, external = _sys.modules["_frozen_importlib"], _sys.modules["_frozen_importlib_external"]
    path = _folder + "/_native" + external.EXTENSION_SUFFIXES[0]
    return bootstrap._load(bootstrap.ModuleSpec(name, external.ExtensionFileLoader(name, path), origin=path))


try:
    _native = _load_native()
except ImportError as _error:
    _native, _missing = None, f"no binary for Python {_sys.version_info[0]}.{_sys.version_info[1]}: {_error}"
    if "musl" in _sys.modules["_frozen_importlib_external"].EXTENSION_SUFFIXES[0]:
        _missing = "this Python runs on musl (Alpine), this build of App Protect needs glibc"

# How the agent was attached (ap_attach in core/include/app_protect/api.h).
_WRAPPER, _HANDLER, _CODE, _IMPORT = 1, 2, 3, 4
_FAILED = -1


def _start(attach, main_directory=None, started_ns=0):
    """Starts the agent, once per process; later calls change nothing.

    Raises:
        trend_app_protect.exceptions.ConfigError: a policy or a variable is named but unusable.
        trend_app_protect.exceptions.AgentError: the library cannot be loaded.
        ImportError: the package holds no binary for this Python.
    """
    if _native is None:
        raise ImportError(_missing)
    if main_directory is None:
        main = getattr(_sys.modules.get("__main__"), "__file__", None)
        main_directory = _os.path.dirname(_os.path.abspath(main)) if main else _os.getcwd()
    result, message = _native.start(_library, attach, main_directory, started_ns or _time.monotonic_ns())
    if result == _FAILED:
        from .exceptions import ConfigError

        raise ConfigError(message)


def status():
    """What the agent is doing, as a dict: policy, effective actions, hooks, counters."""
    import json

    if _native is None:
        return {"started": False, "reason": _missing}
    return json.loads(_native.status())
