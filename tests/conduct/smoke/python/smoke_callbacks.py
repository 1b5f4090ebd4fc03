# SPDX-License-Identifier: Apache-2.0
"""Callbacks into Python through libffi, by ctypes and by cffi; libraries by name; memory of one's own."""

import ctypes
import ctypes.util
import mmap
import sqlite3

import cffi

Compare = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_int), ctypes.POINTER(ctypes.c_int))
numbers = (ctypes.c_int * 5)(5, 1, 4, 2, 3)
libc = ctypes.CDLL(None)
libc.qsort(numbers, 5, ctypes.sizeof(ctypes.c_int), Compare(lambda a, b: a[0] - b[0]))
print(list(numbers), ctypes.CDLL(ctypes.util.find_library("m")).abs(-3))

ffi = cffi.FFI()
ffi.cdef(
    "void qsort(void *, size_t, size_t, int (*)(const void *, const void *)); double strtod(const char *, char **);"
)
c = ffi.dlopen(None)
array = ffi.new("int[]", [3, 1, 2])
c.qsort(
    array,
    3,
    4,
    ffi.callback("int(const void *, const void *)", lambda a, b: ffi.cast("int *", a)[0] - ffi.cast("int *", b)[0]),
)
print(list(array), c.strtod(b"2.5", ffi.NULL))

with mmap.mmap(-1, 8192) as memory:
    memory[:5] = b"bytes"
    print(memory[:5])
base = sqlite3.connect(":memory:")
base.create_function("twice", 1, lambda x: 2 * x)
print(base.execute("select twice(21)").fetchall())
