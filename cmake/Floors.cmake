# repoquake_add_library(<name> <floor>...): static library repoquake_<name> (exported as repoquake::<name>) from
# src/<floor>/*.cpp. A new file needs no edit here or anywhere.
function(repoquake_add_library name)
  list(TRANSFORM ARGN PREPEND "${PROJECT_SOURCE_DIR}/src/" OUTPUT_VARIABLE patterns)
  list(TRANSFORM patterns APPEND "/*.cpp")
  file(GLOB sources CONFIGURE_DEPENDS ${patterns})

  add_library(repoquake_${name} STATIC ${sources})
  add_library(repoquake::${name} ALIAS repoquake_${name})
  set_target_properties(repoquake_${name} PROPERTIES EXPORT_NAME ${name})
  target_compile_features(repoquake_${name} PUBLIC cxx_std_20)
  target_include_directories(repoquake_${name}
    PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>
    PRIVATE "${PROJECT_SOURCE_DIR}/src")
  target_link_libraries(repoquake_${name}
    PRIVATE $<BUILD_INTERFACE:repoquake_numerics> $<BUILD_INTERFACE:repoquake_hardening>
            $<BUILD_INTERFACE:repoquake_warnings>)
endfunction()
