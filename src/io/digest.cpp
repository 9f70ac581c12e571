#include "repoquake/io/digest.hpp"

#include <array>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <system_error>

#include <openssl/evp.h>

#include "repoquake/core/error.hpp"

namespace repoquake::io {
namespace {

[[noreturn]] void refuse(const std::filesystem::path& path, const std::string& why) {
  throw IoError("cannot read " + path.string() + ": " + why);
}

[[noreturn]] void refuse_errno(const std::filesystem::path& path, int number) {
  refuse(path, std::generic_category().message(number));
}

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
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) refuse(path, "it is a folder");

  errno = 0;
  const std::unique_ptr<std::FILE, Close> file{std::fopen(path.c_str(), "rb")};
  if (!file) refuse_errno(path, errno);

  std::string bytes;
  std::array<char, 1 << 16> chunk{};
  while (const std::size_t got = std::fread(chunk.data(), 1, chunk.size(), file.get())) {
    bytes.append(chunk.data(), got);
    if (bytes.starts_with("\x89HDF"))
      throw DataError(path.string() + ": is a result, not a text; `repoquake run --from` runs its scenario again");
    if (bytes.size() > limit) refuse(path, "larger than " + std::to_string(limit >> 20) + " MB");
  }
  if (std::ferror(file.get()) != 0) refuse_errno(path, errno);
  return bytes;
}

}  // namespace repoquake::io
