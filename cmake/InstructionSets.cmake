# The simulation, compiled once more for each wider instruction set of x86-64; engine/instruction_set.hpp chooses at run
# time. -ffp-contract=off (Numerics.cmake) keeps FMA from changing bits.
#
# Every set becomes one relocatable object of which a single symbol stays global, its table of entry points. Otherwise
# the linker, which keeps one copy of an inline function, might give the AVX-512 copy of std::sort to the whole
# program. (-fno-gnu-unique: unique symbols would stay global.)

set(is_x86_64_elf FALSE)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64)$" AND CMAKE_SYSTEM_NAME STREQUAL "Linux"
    AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_OBJCOPY AND NOT REPOQUAKE_SANITIZE AND NOT REPOQUAKE_FUZZ)
  set(is_x86_64_elf TRUE)
endif()
option(REPOQUAKE_INSTRUCTION_SETS "Compile the simulation for x86-64-v3 and x86-64-v4 as well" ${is_x86_64_elf})

# What a path-day runs through.
file(GLOB simulation_sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/src/model/*.cpp")
list(APPEND simulation_sources
  src/random/normal.cpp src/random/student.cpp
  src/stats/moments.cpp src/stats/influence.cpp src/stats/exceedance.cpp src/stats/quantile.cpp
  src/engine/draw_source.cpp src/engine/dependent_draws.cpp src/engine/path_evaluator.cpp
  src/engine/observe.cpp src/engine/feature_tracker.cpp src/engine/chunk_recorder.cpp
  src/engine/simulate_block.cpp src/engine/simulation_code.cpp)

# repoquake_add_instruction_set(<target> <level>): adds the simulation for x86-64-<level> to the library.
function(repoquake_add_instruction_set target level)
  set(name simulation_x86_64_${level})
  add_library(${name} OBJECT ${simulation_sources})
  target_compile_features(${name} PRIVATE cxx_std_20)
  target_compile_options(${name} PRIVATE -march=x86-64-${level} -mprefer-vector-width=512 -fno-gnu-unique)
  target_compile_definitions(${name} PRIVATE REPOQUAKE_SIMULATION_ENTRY=repoquake_${name})
  target_include_directories(${name} PRIVATE "${PROJECT_SOURCE_DIR}/include" "${PROJECT_SOURCE_DIR}/src")
  target_link_libraries(${name} PRIVATE repoquake_numerics repoquake_hardening repoquake_warnings)

  set(object "${PROJECT_BINARY_DIR}/${name}.o")
  add_custom_command(OUTPUT "${object}"
    COMMAND "${CMAKE_CXX_COMPILER}" -r -nostdlib -Wl,--force-group-allocation -o "${object}" "$<TARGET_OBJECTS:${name}>"
    COMMAND "${CMAKE_OBJCOPY}" --keep-global-symbol=repoquake_${name} "${object}"
    DEPENDS ${name} "$<TARGET_OBJECTS:${name}>"
    COMMENT "Joining ${name}.o"
    COMMAND_EXPAND_LISTS VERBATIM)
  set_source_files_properties("${object}" PROPERTIES EXTERNAL_OBJECT TRUE GENERATED TRUE)
  target_sources(${target} PRIVATE "${object}")
endfunction()

function(repoquake_add_instruction_sets target)
  if(REPOQUAKE_INSTRUCTION_SETS)
    repoquake_add_instruction_set(${target} v3)
    repoquake_add_instruction_set(${target} v4)
    target_compile_definitions(${target} PRIVATE REPOQUAKE_INSTRUCTION_SETS=1)
  endif()
endfunction()
