# SPDX-License-Identifier: Apache-2.0
"""trend_app_protect.api.aws_lambda under its older name."""

from trend_app_protect.api.aws_lambda import protect_handler

__all__ = ["protect_handler"]
