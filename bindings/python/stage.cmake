# SPDX-License-Identifier: Apache-2.0
# Lays the Python parts out under STAGE as a layer would have them under /opt (run by the target stage_python).
foreach(package trend_app_protect appdefender immunio)
  file(COPY ${SOURCE}/${package} DESTINATION ${STAGE}/python PATTERN "__pycache__" EXCLUDE PATTERN "*.so" EXCLUDE)
endforeach()
file(COPY ${SHIMS}/python/trend_app_protect_handler.py DESTINATION ${STAGE}/python)
file(COPY ${SHIMS}/python/boot.py ${SHIMS}/python/_app_protect_boot.py ${NATIVES} DESTINATION ${STAGE}/app_protect/python)
file(COPY ${SHIMS}/trend_app_protect DESTINATION ${STAGE})
configure_file(${SHIMS}/trend_app_protect ${STAGE}/extrinsec-appdefender.sh COPYONLY)

# Bytecode for each interpreter: /opt is read-only, so without it every cold start would compile. It must hold whatever the times
# of the files become in a zip, hence unchecked hashes.
if(EXISTS ${RUNTIMES})
  file(READ ${RUNTIMES} runtimes)
  string(JSON count LENGTH "${runtimes}" python)
  set(index 0)
  while(index LESS count)
    string(JSON python GET "${runtimes}" python ${index} path)
    execute_process(COMMAND ${python} -m compileall -q --invalidation-mode unchecked-hash ${STAGE}/python ${STAGE}/app_protect/python
      ERROR_VARIABLE error RESULT_VARIABLE status)
    if(NOT status EQUAL 0)
      message(FATAL_ERROR "cannot compile the staged Python files with ${python}: ${error}")
    endif()
    math(EXPR index "${index} + 1")
  endwhile()
endif()
