# SPDX-License-Identifier: Apache-2.0
"""Stands before the program on the command line the exec wrapper makes: `python [options] boot.py SCRIPT ...`.

As small as can be, because a script's bytecode is not cached; the work is in trend_app_protect._boot.
"""

import sys
import time

_started = time.monotonic_ns()
_folder = __file__.rpartition("/")[0]
_own = sys.path[0] if sys.path and sys.path[0] == _folder else None  # absent with -I and -P
sys.path.insert(0, _folder.rpartition("/")[0].rpartition("/")[0] + "/python")
try:
    from trend_app_protect import _boot as _b
finally:
    del sys.path[0]
_b.run(sys.argv[1:], __file__, _own, _started)
