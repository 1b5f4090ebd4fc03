# SPDX-License-Identifier: Apache-2.0
"""Another name of trend_app_protect: `import appdefender` starts the agent."""

import trend_app_protect.start  # noqa: F401
from trend_app_protect import status

__all__ = ["status"]
