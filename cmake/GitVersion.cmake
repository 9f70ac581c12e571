# What was built, from which sources, how: the generated header build_info.hpp, for src/io and src/cli only.
#
# Included by CMakeLists.txt it defines the target repoquake_build_info; run with `cmake -P` on every build it asks
# git and rewrites the header only if something changed, so an unchanged tree compiles and links nothing.
# Sources without git (a tarball) are "unknown".

if(CMAKE_SCRIPT_MODE_FILE)
  set(GIT_DESCRIBE "")
  if(GIT_EXECUTABLE)
    set(ENV{GIT_OPTIONAL_LOCKS} 0)
    execute_process(
      COMMAND "${GIT_EXECUTABLE}" rev-parse --show-cdup
      WORKING_DIRECTORY "${SOURCE_DIR}"
      RESULT_VARIABLE status OUTPUT_VARIABLE up ERROR_QUIET OUTPUT_STRIP_TRAILING_WHITESPACE)
    if(status EQUAL 0 AND up STREQUAL "")  # our own repository, not one around an unpacked tarball
      execute_process(
        COMMAND "${GIT_EXECUTABLE}" describe --always --tags --dirty
        WORKING_DIRECTORY "${SOURCE_DIR}"
        OUTPUT_VARIABLE GIT_DESCRIBE ERROR_QUIET OUTPUT_STRIP_TRAILING_WHITESPACE)
    endif()
  endif()
  if(GIT_DESCRIBE STREQUAL "")
    set(GIT_DESCRIBE "unknown")
  endif()
  configure_file("${CMAKE_CURRENT_LIST_DIR}/build_info.hpp.in" "${OUTPUT}" @ONLY)
  return()
endif()

find_package(Git QUIET)

string(TOUPPER "${CMAKE_BUILD_TYPE}" build_type)
string(JOIN " " flags
  ${CMAKE_CXX_FLAGS} ${CMAKE_CXX_FLAGS_${build_type}} ${REPOQUAKE_NUMERIC_FLAGS} ${REPOQUAKE_SANITIZE_FLAGS})
set(build_info_dir "${PROJECT_BINARY_DIR}/generated")

add_custom_target(repoquake_build_info_header
  COMMAND "${CMAKE_COMMAND}"
    "-DGIT_EXECUTABLE=${GIT_EXECUTABLE}"
    "-DSOURCE_DIR=${PROJECT_SOURCE_DIR}"
    "-DOUTPUT=${build_info_dir}/build_info.hpp"
    "-DVERSION=${PROJECT_VERSION}"
    "-DCOMPILER=${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION}"
    "-DFLAGS=${flags}"
    "-DBUILD_TYPE=${CMAKE_BUILD_TYPE}"
    -P "${CMAKE_CURRENT_LIST_FILE}"
  BYPRODUCTS "${build_info_dir}/build_info.hpp"
  COMMENT "Asking git for the version"
  VERBATIM)

add_library(repoquake_build_info INTERFACE)
target_include_directories(repoquake_build_info INTERFACE "${build_info_dir}")
add_dependencies(repoquake_build_info repoquake_build_info_header)
