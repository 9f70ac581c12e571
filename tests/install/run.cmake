# Installs the current build into an empty prefix, then configures, builds and runs the project beside this file
# against it. Run by ctest with -DBUILD_DIR -DWORK_DIR -DGENERATOR -DC_COMPILER -DCXX_COMPILER -DBUILD_TYPE.

function(step)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT status EQUAL 0)
    string(JOIN " " command ${ARGN})
    message(FATAL_ERROR "${command}\nended with ${status}:\n${output}")
  endif()
endfunction()

set(prefix "${WORK_DIR}/prefix")
file(REMOVE_RECURSE "${WORK_DIR}")

step("${CMAKE_COMMAND}" --install "${BUILD_DIR}" --prefix "${prefix}")
step("${CMAKE_COMMAND}" -S "${CMAKE_CURRENT_LIST_DIR}" -B "${WORK_DIR}/build" -G "${GENERATOR}"
  "-DCMAKE_PREFIX_PATH=${prefix}"
  "-DCMAKE_C_COMPILER=${C_COMPILER}"
  "-DCMAKE_CXX_COMPILER=${CXX_COMPILER}"
  "-DCMAKE_BUILD_TYPE=${BUILD_TYPE}")
step("${CMAKE_COMMAND}" --build "${WORK_DIR}/build")
step("${WORK_DIR}/build/downstream")

file(GLOB scenarios "${prefix}/share/repoquake/scenarios/*.yaml")
if(NOT scenarios)
  message(FATAL_ERROR "no scenario was installed under share/repoquake/scenarios")
endif()
step("${prefix}/bin/repoquake" version)
