/// The group /provenance of any file that the program writes.
#pragma once

#include "repoquake/io/hdf5_file.hpp"
#include "repoquake/io/result_writer.hpp"

namespace repoquake::io {

/// Command line, overrides, inputs, build, machine. Lists that would be empty are left out; the resolved scenario is the
/// caller's.
void write_provenance(const Group& group, const Provenance& provenance, int threads, double seconds);

}  // namespace repoquake::io
