# The program, its scenarios, the libraries with their headers, and a package that find_package(repoquake) finds.

include(CMakePackageConfigHelpers)

set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/repoquake")

install(TARGETS repoquake)
install(TARGETS repoquake_kernel repoquake_engine repoquake_io EXPORT repoquakeTargets)
install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/repoquake" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
  FILES_MATCHING PATTERN "*.hpp")
install(DIRECTORY "${PROJECT_SOURCE_DIR}/scenarios" DESTINATION "${CMAKE_INSTALL_DATADIR}/repoquake")
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" DESTINATION "${CMAKE_INSTALL_DOCDIR}")

install(EXPORT repoquakeTargets NAMESPACE repoquake:: DESTINATION "${package_dir}")
configure_package_config_file("${PROJECT_SOURCE_DIR}/cmake/repoquakeConfig.cmake.in"
  "${PROJECT_BINARY_DIR}/generated/repoquakeConfig.cmake"
  INSTALL_DESTINATION "${package_dir}")
write_basic_package_version_file("${PROJECT_BINARY_DIR}/generated/repoquakeConfigVersion.cmake"
  COMPATIBILITY SameMinorVersion)
install(FILES
  "${PROJECT_SOURCE_DIR}/cmake/FindLibdeflate.cmake"
  "${PROJECT_BINARY_DIR}/generated/repoquakeConfig.cmake"
  "${PROJECT_BINARY_DIR}/generated/repoquakeConfigVersion.cmake"
  DESTINATION "${package_dir}")
