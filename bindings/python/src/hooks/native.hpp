// SPDX-License-Identifier: Apache-2.0
//
// Native code: loading libraries (ctypes.CDLL, extension modules) and calling into them by a bare address.
//
// Hooked: the audit events ctypes.dlopen, import (of a file) and ctypes.call_function; the call of a ctypes function
// object whose address did not come from a look-up by name. Calls by name end in libc's own entries, which line 2
// guards. Left to line 2: cffi's dlopen, memfd_create, executable memory.
#pragma once
#include "python.hpp"

namespace ap::python::native {

// Hooks the types of `_ctypes`, before `ctypes` derives from them.
void install(PyObject* ctypes_module);

// An extension module's file. False: denied, the exception is set.
bool permitted_import(PyObject* file);

// Audit events. -1: denied, the exception is set.
int on_dlopen(PyObject* args);
int on_import(PyObject* args);
int on_call_function(PyObject* args);

}  // namespace ap::python::native
