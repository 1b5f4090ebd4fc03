# SPDX-License-Identifier: Apache-2.0
"""Another name of trend_app_protect, for functions that were written for it: `import immunio.start`."""
