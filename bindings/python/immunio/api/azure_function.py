# SPDX-License-Identifier: Apache-2.0
"""trend_app_protect.api.azure_function under its older name."""

from trend_app_protect.api.azure_function import protect_function

__all__ = ["protect_function"]
