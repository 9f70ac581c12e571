/// The kinds of failure that are not ours. What the market does is data (PathFlag), never an error.
#pragma once

#include <stdexcept>
#include <string>

namespace repoquake {

/// The user's scenario, or a file it names, is wrong. `what()` is the finished text: one
/// "file:line:column: error: key: reason" per complaint and a closing count. Exit code 65.
class ScenarioError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A file that is not what it should be (a result that is foreign, torn or newer). Exit code 65.
class DataError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A path given on the command line cannot be read or written, or writing failed. Exit code 74.
class IoError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// One complaint about a scenario, still without its place in a file: `io` knows where each key was written.
struct Issue {
  enum class Severity { error, warning };
  std::string key;     ///< full path, e.g. "policy.administered_rates[1].iorb"
  std::string reason;  ///< what is wrong, what is allowed
  Severity severity = Severity::error;

  bool operator==(const Issue&) const = default;
};

}  // namespace repoquake
