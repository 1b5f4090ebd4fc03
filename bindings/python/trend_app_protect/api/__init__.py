# SPDX-License-Identifier: Apache-2.0
"""One module per function host: `aws_lambda`, `azure_function`."""
