// SPDX-License-Identifier: Apache-2.0
//
// Child processes: every way of Python's own to start one, each a single operation.
//
// Hooked: _posixsubprocess.fork_exec (subprocess, os.popen, multiprocessing's spawn), posix.system, posix_spawn,
// posix_spawnp, execv, execve, fork, forkpty. posix._exit flushes what was counted. The forks and execs below such a
// call are parts of it. Not an operation of its own: preexec_fn (it runs in the child, where files and network are
// judged as everywhere).
#pragma once
#include "python.hpp"

namespace ap::python::processes {

void install();
// Hooks the module `_posixsubprocess`, loaded now or later.
void install_subprocess(PyObject* module);
// posix._exit, which ends a forked child without an exit handler. Always hooked.
void install_exit();

}  // namespace ap::python::processes
