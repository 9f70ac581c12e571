/// Versions of the libraries the program runs with, for `version` and provenance.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace repoquake::io {

/// Name and version: hdf5, openssl.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> library_versions();

}  // namespace repoquake::io
