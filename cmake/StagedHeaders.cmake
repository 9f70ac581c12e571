# For a cross build of the kernel: the header-only libraries of the machine that compiles, linked into a folder of their
# own, without the C library's headers that lie beside them.
set(staging "${PROJECT_BINARY_DIR}/staging")
file(MAKE_DIRECTORY "${staging}")
foreach(part IN ITEMS Eigen:eigen3/Eigen boost:boost catch2:catch2)
  string(REPLACE ":" ";" part "${part}")
  list(GET part 0 name)
  list(GET part 1 place)
  if(NOT EXISTS "/usr/include/${place}")
    message(FATAL_ERROR "/usr/include/${place} is missing; run scripts/setup.sh")
  endif()
  file(CREATE_LINK "/usr/include/${place}" "${staging}/${name}" SYMBOLIC)
endforeach()

foreach(library IN ITEMS Eigen3::Eigen Boost::headers Catch2::Catch2)
  add_library(${library} INTERFACE IMPORTED)
  set_target_properties(${library} PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "${staging}")
endforeach()
list(APPEND CMAKE_MODULE_PATH /usr/lib/cmake/Catch2)  # catch_discover_tests
