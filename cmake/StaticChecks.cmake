# The presets tidy and cppcheck: every source of src/ is judged with the headers it includes, none is compiled. A source is
# judged again when it, a header of ours or the rules change.

set(REPOQUAKE_STATIC_CHECK "" CACHE STRING "Judge the sources: clang-tidy or cppcheck")
if(NOT REPOQUAKE_STATIC_CHECK)
  return()
endif()
find_program(REPOQUAKE_CHECKER "${REPOQUAKE_STATIC_CHECK}" REQUIRED)

if(REPOQUAKE_STATIC_CHECK STREQUAL "clang-tidy")
  set(rules "${PROJECT_SOURCE_DIR}/.clang-tidy")
  set(check "${REPOQUAKE_CHECKER}" --quiet --warnings-as-errors=* "--extra-arg=-Wno-unknown-warning-option" -p "${PROJECT_BINARY_DIR}")
else()
  # Without the headers of libraries: they are not ours to judge, and cppcheck knows the standard one by heart. Contracts
  # are off: one that is broken in a noexcept function is meant to end the program. Columns start uninitialised.
  set(rules "${CMAKE_CURRENT_LIST_FILE}")
  set(check "${REPOQUAKE_CHECKER}" --quiet --language=c++ --std=c++20 --enable=warning,performance,portability
    --inline-suppr --suppress=uninitMemberVar --error-exitcode=1 -UREPOQUAKE_CONTRACTS
    -I "${PROJECT_SOURCE_DIR}/include" -I "${PROJECT_SOURCE_DIR}/src")
endif()

file(GLOB_RECURSE judged CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/src/*.cpp")
file(GLOB_RECURSE our_headers CONFIGURE_DEPENDS
  "${PROJECT_SOURCE_DIR}/include/repoquake/*.hpp" "${PROJECT_SOURCE_DIR}/src/*.hpp")
set(verdicts "")
foreach(source IN LISTS judged)
  cmake_path(RELATIVE_PATH source BASE_DIRECTORY "${PROJECT_SOURCE_DIR}" OUTPUT_VARIABLE name)
  set(verdict "${PROJECT_BINARY_DIR}/verdicts/${name}")
  cmake_path(GET verdict PARENT_PATH folder)
  file(MAKE_DIRECTORY "${folder}")
  add_custom_command(OUTPUT "${verdict}"
    COMMAND ${check} "${source}"
    COMMAND "${CMAKE_COMMAND}" -E touch "${verdict}"
    DEPENDS "${source}" ${our_headers} "${rules}" repoquake_build_info_header
    COMMENT "${REPOQUAKE_STATIC_CHECK} ${name}"
    VERBATIM)
  list(APPEND verdicts "${verdict}")
endforeach()
add_custom_target(static_check DEPENDS ${verdicts})
