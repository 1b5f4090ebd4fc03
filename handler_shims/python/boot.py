# SPDX-License-Identifier: Apache-2.0
# Stands before the program on the command line that the exec wrapper makes: `python [options] boot.py SCRIPT ...`.
# As small as can be: a script's bytecode is not cached, so the work is in the module beside it.
import sys
import time

_started, _folder = time.monotonic_ns(), __file__.rpartition("/")[0]
if sys.path[:1] != [_folder]:
    sys.path.insert(0, _folder)
import _app_protect_boot as _boot  # noqa: E402

_boot.run(sys.argv[1:], __file__, _started)
