# SPDX-License-Identifier: Apache-2.0
"""The exceptions of trend_app_protect under their older names."""

from trend_app_protect.exceptions import AgentError, ConfigError, UnknownEngineError
from trend_app_protect.exceptions import TrendAppProtectBlocked as ImmunioBlocked
from trend_app_protect.exceptions import TrendAppProtectDenied as ImmunioDenied
from trend_app_protect.exceptions import TrendAppProtectOverrideResponse as ImmunioOverrideResponse

__all__ = [
    "AgentError",
    "ConfigError",
    "ImmunioBlocked",
    "ImmunioDenied",
    "ImmunioOverrideResponse",
    "UnknownEngineError",
]
