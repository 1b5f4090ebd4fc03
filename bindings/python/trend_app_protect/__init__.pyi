# SPDX-License-Identifier: Apache-2.0
from typing import Any, Dict

def status() -> Dict[str, Any]: ...
