# SPDX-License-Identifier: Apache-2.0
"""Importing this module starts the agent: `import trend_app_protect.start`, before anything else."""

from . import _IMPORT, _native, _start

_start(_IMPORT)
_native.handler_loading()
