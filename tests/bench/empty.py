# SPDX-License-Identifier: Apache-2.0
# The start-up workload: what an empty function costs. Prints how many modules are loaded, and the resident pages.
# (ru_maxrss of a child counts what its parent had before exec.)
import sys

modules = len(sys.modules)
with open("/proc/self/statm") as f:
    print(modules, f.read().split()[1])
