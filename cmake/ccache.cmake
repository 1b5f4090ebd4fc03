# SPDX-License-Identifier: Apache-2.0
# Compiles through ccache where it is installed; a launcher set by the caller stays.
find_program(APP_PROTECT_CCACHE ccache)
mark_as_advanced(APP_PROTECT_CCACHE)
if(APP_PROTECT_CCACHE)
  foreach(language C CXX)
    if(NOT CMAKE_${language}_COMPILER_LAUNCHER)
      set(CMAKE_${language}_COMPILER_LAUNCHER ${APP_PROTECT_CCACHE})
    endif()
  endforeach()
endif()
