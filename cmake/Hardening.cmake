# What the optimised program is hardened with: checked libc calls, stack protector, no stack clash, control-flow marks,
# a position-independent executable whose relocations are read-only. Checked by tests/python/test_hardening.py on the
# release program. The sanitizers bring checks of their own, and _FORTIFY_SOURCE hides calls from them.

include(CheckPIESupported)
check_pie_supported()
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

add_library(repoquake_hardening INTERFACE)
if(NOT REPOQUAKE_SANITIZE AND NOT REPOQUAKE_FUZZ AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  target_compile_options(repoquake_hardening INTERFACE
    $<$<CONFIG:Release>:-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2>
    -fstack-protector-strong
    -fstack-clash-protection
    $<$<STREQUAL:${CMAKE_SYSTEM_PROCESSOR},x86_64>:-fcf-protection>)
  target_link_options(repoquake_hardening INTERFACE -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack)
endif()
