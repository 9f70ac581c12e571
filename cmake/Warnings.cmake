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
  $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>  # g++ 12 sees overlaps in std::string that cannot be (GCC bug 105651)
  $<$<BOOL:${REPOQUAKE_WERROR}>:-Werror>)
