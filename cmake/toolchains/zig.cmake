# SPDX-License-Identifier: Apache-2.0
# What ships is compiled by zig: one compiler for both machines, its C++ library inside, nothing newer than glibc 2.17.
# Included by zig-<machine>.cmake; the compiler and its wrappers are tools/setup's (level layers).
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR ${APP_PROTECT_MACHINE})
set(tools ${CMAKE_CURRENT_LIST_DIR}/../../build/cache/zig/bin)
get_filename_component(tools ${tools} REALPATH)
set(CMAKE_C_COMPILER ${tools}/${APP_PROTECT_MACHINE}-cc)
set(CMAKE_CXX_COMPILER ${tools}/${APP_PROTECT_MACHINE}-c++)
set(CMAKE_AR ${tools}/ar CACHE FILEPATH "")
set(CMAKE_RANLIB ${tools}/ranlib CACHE FILEPATH "")

# Nothing of this machine's /usr is the target's.
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)

# One level of optimisation everywhere: zig compiles its C++ library once for each, and turns sanitizers on without one.
set(CMAKE_C_FLAGS_INIT "-Os -fno-sanitize=all")
set(CMAKE_CXX_FLAGS_INIT "-Os -fno-sanitize=all")

# Headers that others include and zig does not have; searched last.
set(APP_PROTECT_MISSING_HEADERS ${CMAKE_CURRENT_LIST_DIR}/include)
