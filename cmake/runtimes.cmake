# SPDX-License-Identifier: Apache-2.0
# The Pythons that extensions are built for, as a list of minor versions and one include folder each:
#
#   foreach(minor IN LISTS APP_PROTECT_PYTHONS)            # 3.8 3.9 ...
#     target_include_directories(... ${APP_PROTECT_PYTHON_INCLUDE_${minor}})
#
# They are those tools/setup found; -DAPP_PROTECT_PYTHON=/path/to/python (pip install) means that one alone.
set(APP_PROTECT_PYTHON "" CACHE FILEPATH "Build the extension for this interpreter only")
set(APP_PROTECT_PYTHONS "")

if(APP_PROTECT_PYTHON)
  execute_process(
    COMMAND ${APP_PROTECT_PYTHON} -c "import sys, sysconfig; print('%d.%d;%s' % (sys.version_info[0], sys.version_info[1], sysconfig.get_paths()['include']))"
    OUTPUT_VARIABLE found OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  list(GET found 0 minor)
  list(GET found 1 APP_PROTECT_PYTHON_INCLUDE_${minor})
  set(APP_PROTECT_PYTHONS ${minor})
elseif(EXISTS ${APP_PROTECT_CACHE}/runtimes.json)
  set_property(DIRECTORY ${CMAKE_SOURCE_DIR} APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${APP_PROTECT_CACHE}/runtimes.json)
  file(READ ${APP_PROTECT_CACHE}/runtimes.json runtimes)
  string(JSON count LENGTH "${runtimes}" python)
  set(index 0)
  while(index LESS count)
    string(JSON minor GET "${runtimes}" python ${index} minor)
    string(JSON APP_PROTECT_PYTHON_INCLUDE_${minor} GET "${runtimes}" python ${index} include)
    list(APPEND APP_PROTECT_PYTHONS ${minor})
    math(EXPR index "${index} + 1")
  endwhile()
endif()
