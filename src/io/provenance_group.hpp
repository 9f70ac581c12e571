/// What is said of its origin in a file that the program writes: the group /provenance, and the root of a study.
#pragma once

#include <cstdint>
#include <string_view>

#include "repoquake/io/hdf5_file.hpp"
#include "repoquake/io/result_writer.hpp"

namespace repoquake::io {

/// Command line, overrides, inputs, build, machine. Lists that would be empty are left out; the resolved scenario is the
/// caller's.
void write_provenance(const Group& group, const Provenance& provenance, int threads, double seconds);

/// What the root of every such file begins with: conventions, format, title (that is empty: the name), and when it was made.
void write_head(const Attributes& about, std::string_view format, std::string_view title, std::string_view name);

/// Of a study that looked at many runs of one scenario: what its root says.
struct StudyHead {
  std::string_view name, title;  ///< of the scenario; a title that is empty is the name
  bool is_conditional = false;   ///< its flows are replayed
  std::uint64_t seed = 0;
  std::uint64_t n_paths = 0;  ///< of all runs together
  std::string_view stop_reason;
};

/// The root's attributes, `status` incomplete until the file is.
void write_study_head(const Attributes& about, const StudyHead& head, const Provenance& provenance);

}  // namespace repoquake::io
