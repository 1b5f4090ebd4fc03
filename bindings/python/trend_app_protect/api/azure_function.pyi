# SPDX-License-Identifier: Apache-2.0
from typing import Any, Callable, TypeVar

F = TypeVar("F", bound=Callable[..., Any])

def protect_function(function: F) -> F: ...
