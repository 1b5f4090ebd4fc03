# SPDX-License-Identifier: Apache-2.0
"""Starts the agent."""

import trend_app_protect.start  # noqa: F401
