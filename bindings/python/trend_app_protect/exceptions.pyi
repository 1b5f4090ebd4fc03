# SPDX-License-Identifier: Apache-2.0
from typing import Optional

class TrendAppProtectDenied(PermissionError):
    """An operation that the policy denies."""

    rule: Optional[str]
    host: Optional[str]
    port: Optional[int]
    command: Optional[str]

class TrendAppProtectOverrideResponse(BaseException):
    """Unwinds user code when the policy ends an invocation."""

class TrendAppProtectBlocked(Exception):
    """The invocation was ended by the policy."""

class AgentError(RuntimeError): ...
class ConfigError(AgentError): ...
class UnknownEngineError(AgentError): ...
