// SPDX-License-Identifier: Apache-2.0
//
// Files: every function of `posix` that takes a path, and every open that Python itself does (the audit event `open`).
//
// Hooked: open, stat, lstat, access, readlink, statvfs, pathconf, getxattr, listxattr, listdir, scandir, mkdir, mkfifo,
// mknod, rmdir, remove, unlink, rename, replace, link, symlink, truncate, chmod, lchmod, chown, lchown, utime,
// setxattr, removexattr; FileIO and all that is built on it (open, io, pathlib, tempfile, shutil, zipfile, ...);
// sqlite3.connect. Left to line 2, which sees the descriptor's or the final path: calls on descriptors (fchmod,
// ftruncate, ...), mmap, sendfile, ATTACH. Not guarded: chdir (it reads nothing), DirEntry.stat (the listing was
// judged).
#pragma once
#include "python.hpp"

namespace ap::python::files {

void install();
// Hooks the module `_sqlite3`, loaded now or later, where there are no audit events (3.7).
void install_sqlite(PyObject* module);

// Audit events. -1: denied, the exception is set.
int on_open(PyObject* args);
int on_sqlite3_connect(PyObject* args);

}  // namespace ap::python::files
