# SPDX-License-Identifier: Apache-2.0
# app_protect_layer(NAME match SOURCES domain.cpp path.cpp DEPENDS base app_protect_dep::re2)
#
# Makes the OBJECT library app_protect_<name> (alias app_protect::<name>) of one layer of core/src. A word in DEPENDS is a
# layer to the left, a word with `::` any target. Objects, not archives: the shared library must keep constructors that
# nothing refers to. Tests link app_protect::core, the archive of all layers. HOT: what every checked operation runs through
# is compiled for speed also where the rest is compiled for size.
function(app_protect_layer)
  cmake_parse_arguments(PARSE_ARGV 0 arg "HOT" "NAME" "SOURCES;DEPENDS")
  if(NOT arg_NAME OR NOT arg_SOURCES OR arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "app_protect_layer(NAME <name> [HOT] SOURCES <file>... [DEPENDS <layer or target>...])")
  endif()
  set(target app_protect_${arg_NAME})
  add_library(${target} OBJECT ${arg_SOURCES})
  add_library(app_protect::${arg_NAME} ALIAS ${target})
  target_include_directories(${target} PUBLIC ${CMAKE_SOURCE_DIR}/core/include ${CMAKE_SOURCE_DIR}/core/src)
  target_link_libraries(${target} PRIVATE app_protect_core_flags)
  if(arg_HOT)
    target_compile_options(${target} PRIVATE $<$<CONFIG:MinSizeRel>:-O2>)
  endif()
  foreach(dependency IN LISTS arg_DEPENDS)
    if(dependency MATCHES "::")
      target_link_libraries(${target} PUBLIC ${dependency})
      set_property(GLOBAL APPEND PROPERTY APP_PROTECT_LAYER_LIBRARIES ${dependency})
    else()
      target_link_libraries(${target} PUBLIC app_protect::${dependency})
    endif()
  endforeach()
  set_property(GLOBAL APPEND PROPERTY APP_PROTECT_LAYERS ${target})
endfunction()
