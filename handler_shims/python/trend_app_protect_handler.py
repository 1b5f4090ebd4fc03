# SPDX-License-Identifier: Apache-2.0
"""Handler swap: the function's Handler is `trend_app_protect_handler.handler`, its own is named by TREND_AP_HANDLER.

The agent starts before any of the function's code is imported. The function's handler is loaded by the runtime
client's own loader where there is one, so that a handler which is missing, misspelt or broken is reported in the
runtime's own words.
"""

import os
import sys

__all__ = ["handler"]


def _start():
    try:
        import trend_app_protect

        trend_app_protect._start(trend_app_protect._HANDLER)
        return trend_app_protect._native
    except Exception as error:
        closed = os.environ.get("TREND_AP_FAIL_CLOSED", "").strip().lower() in ("1", "true", "yes", "on")
        if closed or type(error).__name__ == "ConfigError":
            raise
        print(f"[WARN] [app_protect] not enforcing: {error}", file=sys.stderr)
        return None


def _load(name):
    """The function that a handler string names, found as the runtime client finds it."""
    client = sys.modules.get("awslambdaric.bootstrap")
    if not name or name.rpartition(".")[0] == __name__:
        text = f"TREND_AP_HANDLER is {name!r}: set it to the function's own handler, for example `app.handler`"
        fault = getattr(client, "FaultException", None)
        raise fault(fault.MALFORMED_HANDLER_NAME, f"Bad handler: {text}") if fault else ImportError(text)
    if hasattr(client, "_get_handler"):
        return client._get_handler(name)

    import importlib

    module_name, dot, function_name = name.rpartition(".")
    if not dot:
        raise ImportError(f"Bad handler '{name}': not enough values to unpack (expected 2, got 1)")
    if module_name.split(".")[0] in sys.builtin_module_names:
        raise ImportError(f"Cannot use built-in module {module_name} as a handler module")
    module = importlib.import_module(module_name.replace("/", "."))
    if not hasattr(module, function_name):
        raise ImportError(f"Handler '{function_name}' missing on module '{module_name}'")
    return getattr(module, function_name)


_native = _start()
if _native is not None:
    _native.handler_loading()
handler = _load(os.environ.get("TREND_AP_HANDLER", ""))
if _native is not None:
    handler = _native.protect(handler)
