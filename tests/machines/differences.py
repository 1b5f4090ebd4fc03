# SPDX-License-Identifier: Apache-2.0
"""What a machine of tests/machines does otherwise than the tests expect, and why: (pattern of names, reason)."""

OF = {"arm64": [], "glibc-2.31": []}
