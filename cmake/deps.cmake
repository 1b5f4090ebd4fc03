# SPDX-License-Identifier: Apache-2.0
# Third-party code as imported targets app_protect_dep::<name>.
#
# Static libraries come from the one recipe in tools/deps (Debian source packages, PIC, this build's compiler), cached in
# build/cache/deps under a key of recipe, compiler and toolchain file. Header-only ones are put into the cache by
# tools/setup. A target whose files are missing is not made, so that a part which needs it can say so or stay out.
set(APP_PROTECT_DEPS re2 CACHE STRING "Static libraries to build: re2, c-ares, protobuf")
set(APP_PROTECT_CACHE ${CMAKE_SOURCE_DIR}/build/cache)

set_property(DIRECTORY ${CMAKE_SOURCE_DIR} APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tools/deps)

function(app_protect_static_dep name target archive)
  file(SHA256 ${CMAKE_SOURCE_DIR}/tools/deps recipe)
  set(toolchain "")
  if(CMAKE_TOOLCHAIN_FILE)
    file(SHA256 ${CMAKE_TOOLCHAIN_FILE} toolchain)
  endif()
  string(SHA256 key "${recipe}|${CMAKE_CXX_COMPILER_ID}|${CMAKE_CXX_COMPILER_VERSION}|${CMAKE_CXX_COMPILER}|${toolchain}")
  string(SUBSTRING ${key} 0 12 key)
  set(prefix ${APP_PROTECT_CACHE}/deps/${name}-${key})
  if(NOT EXISTS ${prefix}/.done)
    message(STATUS "Building ${name} once for this compiler (${prefix})")
    execute_process(
      COMMAND ${CMAKE_SOURCE_DIR}/tools/deps ${name} ${prefix}
        -DCMAKE_C_COMPILER=${CMAKE_C_COMPILER} -DCMAKE_CXX_COMPILER=${CMAKE_CXX_COMPILER}
        -DCMAKE_TOOLCHAIN_FILE=${CMAKE_TOOLCHAIN_FILE}
      RESULT_VARIABLE status)
    if(NOT status EQUAL 0)
      message(FATAL_ERROR "tools/deps could not build ${name}; see ${prefix}.log")
    endif()
  endif()
  add_library(app_protect_dep::${target} STATIC IMPORTED GLOBAL)
  set_target_properties(app_protect_dep::${target} PROPERTIES
    IMPORTED_LOCATION ${prefix}/lib/${archive}
    INTERFACE_INCLUDE_DIRECTORIES ${prefix}/include)
endfunction()

foreach(name IN LISTS APP_PROTECT_DEPS)
  if(name STREQUAL "re2")
    app_protect_static_dep(re2 re2 libre2.a)
    target_link_libraries(app_protect_dep::re2 INTERFACE pthread)
  elseif(name STREQUAL "c-ares")
    app_protect_static_dep(c-ares cares libcares.a)
    target_compile_definitions(app_protect_dep::cares INTERFACE CARES_STATICLIB)
  elseif(name STREQUAL "protobuf")
    app_protect_static_dep(protobuf protobuf_lite libprotobuf-lite.a)
    target_link_libraries(app_protect_dep::protobuf_lite INTERFACE pthread)
  else()
    message(FATAL_ERROR "no recipe for `${name}` in APP_PROTECT_DEPS")
  endif()
endforeach()

function(app_protect_header_dep target)
  add_library(app_protect_dep::${target} INTERFACE IMPORTED GLOBAL)
  set_target_properties(app_protect_dep::${target} PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "${ARGN}")
endfunction()

# RapidJSON is Debian's, seen through a folder of our own: a cross build must not look into /usr/include.
find_path(APP_PROTECT_RAPIDJSON rapidjson/document.h PATHS /usr/include NO_CMAKE_FIND_ROOT_PATH REQUIRED)
file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/third_party)
file(CREATE_LINK ${APP_PROTECT_RAPIDJSON}/rapidjson ${CMAKE_BINARY_DIR}/third_party/rapidjson SYMBOLIC)
app_protect_header_dep(rapidjson ${CMAKE_BINARY_DIR}/third_party)

if(EXISTS ${APP_PROTECT_CACHE}/pybind11/include/pybind11/pybind11.h)
  app_protect_header_dep(pybind11 ${APP_PROTECT_CACHE}/pybind11/include)
endif()
if(EXISTS ${APP_PROTECT_CACHE}/node_api/include/node/node_api.h)
  app_protect_header_dep(node_api ${APP_PROTECT_CACHE}/node_api/include/node-addon-api ${APP_PROTECT_CACHE}/node_api/include/node)
endif()
