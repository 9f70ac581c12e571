/// The main of every test program. Where floating-point exceptions are exact (REPOQUAKE_FP_TRAPS), those of our own
/// numerical floors trap: the first NaN, division by zero or overflow fails the test case in which it is made.
#define CATCH_CONFIG_RUNNER
#include <cfenv>

#include <catch2/catch.hpp>

int main(int argc, char** argv) {
#if REPOQUAKE_TRAP_IN_TESTS
  feenableexcept(FE_INVALID | FE_DIVBYZERO | FE_OVERFLOW);
#endif
  return Catch::Session().run(argc, argv);
}
