/// Contracts between our own functions: a broken one is our bug, never the user's.
///
/// On where REPOQUAKE_CONTRACTS is 1 (dev, asan, tsan), compiled out in release.
#pragma once

#include <stdexcept>
#include <string>

namespace repoquake {

/// A contract of the code was broken. Errors: exit code 70.
class LogicError : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

[[noreturn]] inline void broken_contract(const char* kind, const char* condition, const char* file, int line) {
  throw LogicError(std::string(kind) + " broken: " + condition + " at " + file + ":" + std::to_string(line));
}

}  // namespace repoquake

#if defined(REPOQUAKE_CONTRACTS) && REPOQUAKE_CONTRACTS
#define RQ_EXPECT(condition) \
  ((condition) ? void(0) : ::repoquake::broken_contract("precondition", #condition, __FILE__, __LINE__))
#define RQ_ENSURE(condition) \
  ((condition) ? void(0) : ::repoquake::broken_contract("postcondition", #condition, __FILE__, __LINE__))
#else
#define RQ_EXPECT(condition) void(0)
#define RQ_ENSURE(condition) void(0)
#endif
