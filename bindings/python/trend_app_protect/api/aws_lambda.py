# SPDX-License-Identifier: Apache-2.0
"""AWS Lambda: protects a function in one line of its own code.

    from trend_app_protect.api.aws_lambda import protect_handler

    @protect_handler
    def handler(event, context): ...

Importing this module starts the agent; import it first, so that what follows is policed too.
"""

from .. import _CODE, _native, _start

__all__ = ["protect_handler"]

_start(_CODE)
_native.handler_loading()


def protect_handler(function):
    """Returns the handler with each call of it an invocation; its result and exceptions are untouched.

    Args:
        function: the handler, `f(event, context)`.
    """
    return _native.protect(function)
