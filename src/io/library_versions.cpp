#include "repoquake/io/library_versions.hpp"

#include <hdf5.h>
#include <openssl/crypto.h>

namespace repoquake::io {

std::vector<std::pair<std::string, std::string>> library_versions() {
  unsigned major = 0, minor = 0, release = 0;
  H5get_libversion(&major, &minor, &release);
  return {{"hdf5", std::to_string(major) + '.' + std::to_string(minor) + '.' + std::to_string(release)},
          {"openssl", OpenSSL_version(OPENSSL_VERSION_STRING)}};
}

}  // namespace repoquake::io
