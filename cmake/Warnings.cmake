# Warnings for our own targets only; no library's header is ours to judge.

add_library(repoquake_warnings INTERFACE)
target_compile_options(repoquake_warnings INTERFACE
  -Wall
  -Wextra
  -Wpedantic
  -Wshadow
  -Wconversion
  -Wsign-conversion
  -Wold-style-cast
  -Wnon-virtual-dtor
  $<$<BOOL:${REPOQUAKE_WERROR}>:-Werror>)
