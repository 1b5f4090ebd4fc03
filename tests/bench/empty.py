# SPDX-License-Identifier: Apache-2.0
# The start-up workload: what an empty function costs. Prints how many modules are loaded.
import sys

print(len(sys.modules))
