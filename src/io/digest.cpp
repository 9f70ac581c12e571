#include "repoquake/io/digest.hpp"

#include <array>
#include <cerrno>
#include <span>

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/system_text.hpp"
#include "repoquake/core/error.hpp"

namespace repoquake::io {
namespace {

[[noreturn]] void refuse(const std::filesystem::path& path, const std::string& why) {
  throw IoError("cannot read " + path.string() + ": " + why);
}

[[noreturn]] void refuse_errno(const std::filesystem::path& path, int number) { refuse(path, system_text(number)); }

std::string kind_of(mode_t mode) {
  if (S_ISFIFO(mode)) return "a pipe";
  if (S_ISSOCK(mode)) return "a socket";
  return "a device";
}

/// A regular file, open for reading. Without O_NONBLOCK the mere opening of a pipe waits for its writer.
class Descriptor {
 public:
  explicit Descriptor(const std::filesystem::path& path) : path_(path) {
    do id_ = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    while (id_ < 0 && errno == EINTR);
    if (id_ < 0) refuse_errno(path, errno);
    struct stat status {};
    const bool is_known = ::fstat(id_, &status) == 0;
    if (is_known && S_ISREG(status.st_mode)) return;
    const int number = errno;
    ::close(id_);
    if (!is_known) refuse_errno(path, number);
    refuse(path, S_ISDIR(status.st_mode) ? "it is a folder"
                                         : "it is " + kind_of(status.st_mode) + ", and only regular files are read");
  }
  ~Descriptor() { ::close(id_); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  /// Bytes read; 0 at the end.
  [[nodiscard]] std::size_t read(std::span<char> into) const {
    ssize_t got = 0;
    do got = ::read(id_, into.data(), into.size());
    while (got < 0 && errno == EINTR);
    if (got < 0) refuse_errno(path_, errno);
    return static_cast<std::size_t>(got);
  }

 private:
  const std::filesystem::path& path_;
  int id_ = -1;
};

}  // namespace

std::string sha256_hex(std::string_view bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int length = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), digest.data(), &length, EVP_sha256(), nullptr) != 1)
    throw std::runtime_error("SHA-256 is not available");

  constexpr std::string_view kHex = "0123456789abcdef";
  std::string text;
  for (unsigned int i = 0; i < length; ++i) {
    text += kHex[digest[i] >> 4];
    text += kHex[digest[i] & 15U];
  }
  return text;
}

std::string read_file(const std::filesystem::path& path, std::size_t limit) {
  const Descriptor file(path);
  std::string bytes;
  std::array<char, 1 << 16> chunk{};
  while (const std::size_t got = file.read(chunk)) {
    bytes.append(chunk.data(), got);
    if (bytes.starts_with("\x89HDF"))
      throw DataError(path.string() + ": is a result, not a text; `repoquake run --from` runs its scenario again");
    if (bytes.size() > limit) refuse(path, "larger than " + std::to_string(limit >> 20) + " MB");
  }
  return bytes;
}

}  // namespace repoquake::io
