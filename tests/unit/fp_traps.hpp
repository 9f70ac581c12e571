/// For the few test cases that make a NaN or an infinity on purpose.
#pragma once

#include <cfenv>

namespace repoquake::test {

/// No floating-point exception traps while it lives; flags it raised are cleared when it goes.
class FpTrapsOff {
 public:
  FpTrapsOff() noexcept { std::feholdexcept(&environment_); }
  ~FpTrapsOff() { std::fesetenv(&environment_); }
  FpTrapsOff(const FpTrapsOff&) = delete;
  FpTrapsOff& operator=(const FpTrapsOff&) = delete;

 private:
  std::fenv_t environment_{};
};

}  // namespace repoquake::test
