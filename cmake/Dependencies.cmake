# Everything we did not write. Each library is used by one floor (Eigen by two): see scripts/check_floors.py.
# Versions are those of Debian 12, the oldest we build on.

if(REPOQUAKE_KERNEL_ONLY)  # core ... plan link nothing of others
  include(StagedHeaders)
else()
  find_package(Eigen3 3.4 REQUIRED NO_MODULE)            # random, plan
  find_package(Boost 1.74 REQUIRED)                      # random; headers only
  find_package(TBB 2021.8 REQUIRED)                      # engine
  find_package(HDF5 1.10 REQUIRED COMPONENTS C HL)       # io; HL: dimension scales
  find_package(yaml-cpp 0.7 REQUIRED)                    # io
  find_package(OpenSSL 3.0 REQUIRED COMPONENTS Crypto)   # io; SHA-256 of input files
  find_package(Libdeflate REQUIRED)                      # io; chunks of result files
  find_package(fmt 9 REQUIRED)                           # io, report, cli
  find_package(CLI11 2.1 REQUIRED)                       # cli
  find_package(nlohmann_json 3.11 REQUIRED)              # cli; `version`

  if(NOT TARGET yaml-cpp::yaml-cpp)  # 0.7 exports a bare `yaml-cpp`, 0.8 the name with its namespace
    add_library(yaml-cpp::yaml-cpp ALIAS yaml-cpp)
  endif()

  if(REPOQUAKE_TESTS)
    find_package(Catch2 2.13 REQUIRED)
  endif()
endif()

# ccache, if there is one and nobody chose otherwise.
if(PROJECT_IS_TOP_LEVEL AND NOT DEFINED CMAKE_CXX_COMPILER_LAUNCHER)
  find_program(REPOQUAKE_CCACHE ccache)
  mark_as_advanced(REPOQUAKE_CCACHE)
  if(REPOQUAKE_CCACHE)
    set(CMAKE_CXX_COMPILER_LAUNCHER "${REPOQUAKE_CCACHE}")
  endif()
endif()
