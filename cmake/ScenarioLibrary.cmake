# repoquake_scenario_library(<target>): puts scenarios/**.yaml and scenarios/data/*.csv into the program as raw strings,
# so that it can list and print them wherever it was copied to.
set(REPOQUAKE_SCENARIO_LIBRARY_SCRIPT "${CMAKE_CURRENT_LIST_FILE}")

if(CMAKE_SCRIPT_MODE_FILE)  # cmake -DROOT=… -DOUTPUT=… -P this file
  file(GLOB files RELATIVE "${ROOT}" "${ROOT}/*.yaml" "${ROOT}/*/*.yaml" "${ROOT}/data/*.csv")
  list(SORT files)
  set(entries "")
  foreach(file IN LISTS files)
    file(READ "${ROOT}/${file}" hex HEX)  # bytes as they are: no string of the language is long or clean enough
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "'\\\\x\\1'," bytes "${hex}")
    string(MAKE_C_IDENTIFIER "${file}" symbol)
    string(APPEND arrays "constexpr char k_${symbol}[] = {${bytes}'\\0'};\n")
    string(APPEND entries "    {\"${file}\", {k_${symbol}, sizeof(k_${symbol}) - 1}},\n")
  endforeach()
  file(WRITE "${OUTPUT}"
    "// Generated from scenarios/ by cmake/ScenarioLibrary.cmake.\n"
    "#include \"cli/scenario_library.hpp\"\n\n#include <array>\n\nnamespace repoquake::cli {\nnamespace {\n\n"
    "${arrays}\nconstexpr auto kLibrary = std::to_array<LibraryFile>({\n${entries}});\n\n}  // namespace\n\n"
    "std::span<const LibraryFile> scenario_library() noexcept { return kLibrary; }\n\n}  // namespace repoquake::cli\n")
  return()
endif()

function(repoquake_scenario_library target)
  set(root "${PROJECT_SOURCE_DIR}/scenarios")
  file(GLOB_RECURSE files CONFIGURE_DEPENDS "${root}/*.yaml" "${root}/*.csv")
  set(output "${PROJECT_BINARY_DIR}/generated/scenario_library.cpp")
  add_custom_command(OUTPUT "${output}"
    COMMAND "${CMAKE_COMMAND}" "-DROOT=${root}" "-DOUTPUT=${output}" -P "${REPOQUAKE_SCENARIO_LIBRARY_SCRIPT}"
    DEPENDS ${files} "${REPOQUAKE_SCENARIO_LIBRARY_SCRIPT}"
    COMMENT "Scenario library"
    VERBATIM)
  target_sources(${target} PRIVATE "${output}")
endfunction()
