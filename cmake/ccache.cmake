# SPDX-License-Identifier: Apache-2.0
# Compiles through ccache where it is installed; a launcher set by the caller stays. Paths below the checkout count as
# relative, so that a second clone on the same machine (CI) hits what the first one compiled.
find_program(APP_PROTECT_CCACHE ccache)
mark_as_advanced(APP_PROTECT_CCACHE)
if(APP_PROTECT_CCACHE)
  foreach(language C CXX)
    if(NOT CMAKE_${language}_COMPILER_LAUNCHER)
      set(CMAKE_${language}_COMPILER_LAUNCHER
        ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1 ${APP_PROTECT_CCACHE})
    endif()
  endforeach()
endif()
