# How our own targets compute, check and instrument.
#
# The same source must give the same bits on every instruction set and at every optimisation level, so a
# multiplication and an addition are never fused and -ffast-math is never used. errno is not read after a math
# function. Whether floating-point exceptions are exact does not change results; giving that up (release) lets
# loops with conditions vectorise, keeping it (REPOQUAKE_FP_TRAPS) lets tests trap at the faulting line. Nobody replaces
# our functions when the program starts, so position-independent code may inline them.

set(REPOQUAKE_NUMERIC_FLAGS -ffp-contract=off -fno-math-errno -fno-semantic-interposition)
if(NOT REPOQUAKE_FP_TRAPS)
  list(APPEND REPOQUAKE_NUMERIC_FLAGS -fno-trapping-math)
endif()

set(REPOQUAKE_SANITIZE_FLAGS "")
if(REPOQUAKE_SANITIZE)
  list(APPEND REPOQUAKE_SANITIZE_FLAGS
    -fsanitize=${REPOQUAKE_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
endif()
if(REPOQUAKE_FUZZ)  # coverage for libFuzzer; its main comes with the targets of tests/fuzz
  list(APPEND REPOQUAKE_SANITIZE_FLAGS -fsanitize=fuzzer-no-link)
endif()

add_library(repoquake_numerics INTERFACE)
target_compile_options(repoquake_numerics INTERFACE ${REPOQUAKE_NUMERIC_FLAGS} ${REPOQUAKE_SANITIZE_FLAGS})
target_link_options(repoquake_numerics INTERFACE ${REPOQUAKE_SANITIZE_FLAGS})
target_compile_definitions(repoquake_numerics INTERFACE
  $<$<BOOL:${REPOQUAKE_CONTRACTS}>:REPOQUAKE_CONTRACTS=1>
  $<$<BOOL:${REPOQUAKE_FP_TRAPS}>:REPOQUAKE_FP_TRAPS=1>)
