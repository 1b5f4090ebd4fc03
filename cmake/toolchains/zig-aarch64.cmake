# SPDX-License-Identifier: Apache-2.0
set(APP_PROTECT_MACHINE aarch64)
include(${CMAKE_CURRENT_LIST_DIR}/zig.cmake)
