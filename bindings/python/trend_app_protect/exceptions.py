# SPDX-License-Identifier: Apache-2.0
"""What App Protect raises.

A denied operation raises `TrendAppProtectDenied`, an ordinary `PermissionError`. The others are about the agent itself.
"""

from . import _native

__all__ = [
    "AgentError",
    "ConfigError",
    "TrendAppProtectBlocked",
    "TrendAppProtectDenied",
    "TrendAppProtectOverrideResponse",
    "UnknownEngineError",
]

TrendAppProtectDenied, TrendAppProtectOverrideResponse, TrendAppProtectBlocked, AgentError = _native.exception_types()


class ConfigError(AgentError):
    """A policy or a setting is named but unusable; the message says what, where and what to write instead."""


class UnknownEngineError(AgentError):
    """Kept as a name for functions that catch it; nothing raises it."""
