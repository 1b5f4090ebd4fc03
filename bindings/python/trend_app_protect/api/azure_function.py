# SPDX-License-Identifier: Apache-2.0
"""Azure Functions: protects a function in one line of its own code.

    from trend_app_protect.api.azure_function import protect_function

    @protect_function
    def main(req: func.HttpRequest) -> func.HttpResponse: ...

The worker binds arguments by name and asks whether the function is a coroutine function, so what comes back is a
function of the same kind and signature.
"""

import functools

from .. import _CODE, _native, _start

__all__ = ["protect_function"]

_start(_CODE)
_native.handler_loading()

_COROUTINE = 0x80  # inspect.CO_COROUTINE


def protect_function(function):
    """Returns the function with each call of it an invocation.

    Args:
        function: the entry point, plain or `async def`.
    """
    if getattr(getattr(function, "__code__", None), "co_flags", 0) & _COROUTINE:

        @functools.wraps(function)
        async def protected(*args, **kwargs):
            return await function(*args, **kwargs)

        return protected

    call = _native.protect(function)

    @functools.wraps(function)
    def protected(*args, **kwargs):
        return call(*args, **kwargs)

    return protected
