#include "io/chunk_encoder.hpp"

#include <algorithm>
#include <cstring>
#include <random>
#include <string>

#include <catch2/catch.hpp>

#include "repoquake/core/error.hpp"
#include "repoquake/io/result_reader.hpp"
#include "synthetic_run.hpp"

using namespace repoquake;
using Catch::Contains;
using io::ChunkEncoder;
using test::TemporaryFolder;

namespace {

/// The definition, word by word.
std::uint32_t slow_fletcher32(std::span<const std::byte> bytes) {
  std::uint32_t sum = 0;
  std::uint32_t sum_of_sums = 0;
  const auto fold = [](std::uint32_t value) { return (value & 0xFFFFU) + (value >> 16U); };
  for (std::size_t i = 0; i < bytes.size(); i += 2) {
    const auto high = std::to_integer<std::uint32_t>(bytes[i]);
    const auto low = i + 1 < bytes.size() ? std::to_integer<std::uint32_t>(bytes[i + 1]) : 0U;
    sum = fold(sum + (high << 8U | low));
    sum_of_sums = fold(sum_of_sums + sum);
  }
  return sum_of_sums << 16U | sum;
}

/// Noise, largest words, zeros, a few ones.
std::vector<std::byte> some_bytes(std::size_t size, unsigned kind) {
  std::mt19937 generator(static_cast<unsigned>(size) + kind);
  std::vector<std::byte> bytes(size);
  for (std::byte& byte : bytes) {
    const auto noise = static_cast<std::uint32_t>(generator());
    byte = static_cast<std::byte>(kind == 0 ? noise : kind == 1 ? 255U : kind == 2 ? 0U : noise % 97 == 0 ? 1U : 0U);
  }
  return bytes;
}

}  // namespace

TEST_CASE("the fast checksum is the definition's", "[io]") {
  for (const unsigned size :
       {0U, 1U, 2U, 3U, 126U, 127U, 128U, 129U, 1000U, 46207U, 46208U, 46209U, 46210U, 139264U, 300001U})
    for (const unsigned kind : {0U, 1U, 2U, 3U}) {
      INFO(size << " bytes of kind " << kind);
      std::vector<std::byte> bytes = some_bytes(size, kind);
      CHECK(io::fletcher32(bytes) == slow_fletcher32(bytes));
      if (size < 1000 || kind == 1) continue;
      std::swap(bytes[size / 2], bytes[size / 2 + 2]);  // the order counts
      const std::uint32_t swapped = io::fletcher32(bytes);
      std::swap(bytes[size / 2], bytes[size / 2 + 2]);
      CHECK((swapped == io::fletcher32(bytes)) == (bytes[size / 2] == bytes[size / 2 + 2]));
    }
}

TEST_CASE("a plain chunk stands in the file as HDF5's own filter would have put it there", "[io]") {
  const TemporaryFolder folder;
  const std::uint64_t rows = 1024;
  const std::uint64_t width = GENERATE(1U, 17U, 252U);
  const unsigned kind = GENERATE(0U, 1U, 2U, 3U);
  std::vector<std::uint32_t> words(rows * width);
  std::memcpy(words.data(), some_bytes(words.size() * 4, kind).data(), words.size() * 4);
  const io::Layout layout{.shape = {rows, width}, .chunk = {rows, width}, .checksum = true};
  const std::vector<std::byte> ours = ChunkEncoder(rows, false)(std::span<const std::uint32_t>(words), width, 0U);
  {
    io::File file = io::File::create(folder / "a.h5");
    file.root().create_dataset<std::uint32_t>("theirs", layout).write(std::span<const std::uint32_t>(words));
    file.root().create_dataset<std::uint32_t>("ours", layout).write_chunk(io::Extent{0, 0}, ours);
    file.close();
  }
  const io::File file = io::File::open(folder / "a.h5");
  CHECK(file.root().open_dataset("theirs").read_chunk(io::Extent{0, 0}) == ours);
  CHECK(file.root().open_dataset("ours").read_numbers(0, rows) ==
        file.root().open_dataset("theirs").read_numbers(0, rows));
}

TEST_CASE("missing rows of a plain chunk are filled, and under the checksum", "[io]") {
  const std::vector<std::uint16_t> words{1, 2, 3};
  const std::vector<std::uint16_t> padded{1, 2, 3, 7, 7, 7, 7, 7};
  const ChunkEncoder encoder(4, false);
  const auto stored = encoder(std::span<const std::uint16_t>(words), 2, std::uint16_t{7});
  CHECK(stored.size() == 8 * 2 + 4);
  CHECK(stored == encoder(std::span<const std::uint16_t>(padded), 2, std::uint16_t{7}));
  CHECK(encoder(std::span<const std::uint16_t>(), 0, std::uint16_t{7}).empty());
}

TEST_CASE("a damaged chunk is a DataError that names its dataset, compressed or not", "[io]") {
  const bool compress = GENERATE(true, false);
  const TemporaryFolder folder;
  const std::string path = folder / "a.h5";
  test::write_small(path, false, compress);
  const std::string whole = test::slurp(path);
  const std::vector<std::byte> chunk =
      io::File::open(path).root().open_dataset("/paths/spread").read_chunk(io::Extent{4, 0});
  const std::string stored(reinterpret_cast<const char*>(chunk.data()), chunk.size());
  const std::size_t at = whole.find(stored);
  REQUIRE(at != std::string::npos);
  REQUIRE(whole.find(stored, at + 1) == std::string::npos);
  for (const std::size_t byte : {chunk.size() / 2, chunk.size() - 5, chunk.size() - 1}) {
    INFO("byte " << byte << " of " << chunk.size());
    std::string damaged = whole;
    damaged[at + byte] = static_cast<char>(damaged[at + byte] ^ 1);
    test::spill(path, damaged);
    CHECK_THROWS_AS(io::read_table(path, "/paths/spread"), DataError);
    CHECK_THROWS_WITH(io::read_table(path, "/paths/spread"), Contains("a.h5: damaged, cannot read /paths/spread: "));
    CHECK_NOTHROW(io::read_table(path, "/paths/reserves"));
  }
  test::spill(path, whole);
  CHECK_NOTHROW(io::read_table(path, "/paths/spread"));
}

TEST_CASE("columns of one value are compressed as their values and sizes say, whatever came before", "[io]") {
  const TemporaryFolder folder;
  const std::uint64_t rows = 64;
  const ChunkEncoder encoder(rows, true);
  struct Column {
    std::uint64_t width;
    std::uint32_t value;
  };
  const std::vector<Column> columns{{3, 0}, {3, 0}, {3, 7}, {5, 7}, {3, 0}, {6, 7}, {6, 0}, {3, 7}};
  {
    io::File file = io::File::create(folder / "a.h5");
    for (std::size_t i = 0; i < columns.size(); ++i) {
      const auto [width, value] = columns[i];
      const io::Layout layout{.shape = {rows, width}, .chunk = {rows, width}, .deflate_level = 1};
      const std::vector<std::uint32_t> words(rows * width, value);
      file.root()
          .create_dataset<std::uint32_t>("short" + std::to_string(i), layout)
          .write_chunk(io::Extent{0, 0}, encoder(std::span<const std::uint32_t>(words), width, 9U));
      const std::vector<std::uint64_t> long_words(rows * width, value);
      file.root()
          .create_dataset<std::uint64_t>("long" + std::to_string(i), layout)
          .write_chunk(io::Extent{0, 0}, encoder(std::span<const std::uint64_t>(long_words), width, std::uint64_t{9}));
    }
    file.close();
  }
  const io::File file = io::File::open(folder / "a.h5");
  for (std::size_t i = 0; i < columns.size(); ++i)
    for (const char* name : {"short", "long"}) {
      INFO(name << i);
      CHECK(file.root().open_dataset(name + std::to_string(i)).read_numbers(0, rows) ==
            std::vector<double>(rows * columns[i].width, columns[i].value));
    }
}

TEST_CASE("a longer search makes other bytes of the same values", "[io]") {
  const TemporaryFolder folder;
  const std::uint64_t rows = 1024;
  std::vector<std::uint32_t> words(rows * 17);
  std::mt19937 generator(1);
  for (std::uint32_t& word : words) word = static_cast<std::uint32_t>(generator()) % 5000U;
  const ChunkEncoder encoder(rows, true);
  const auto brief = encoder(std::span<const std::uint32_t>(words), 17, 0U);
  const auto longer = encoder(std::span<const std::uint32_t>(words), 17, 0U, io::Search::longer);
  CHECK(brief != longer);
  CHECK(brief == encoder(std::span<const std::uint32_t>(words), 17, 0U, io::Search::brief));
  const io::Layout layout{.shape = {rows, 17}, .chunk = {rows, 17}, .deflate_level = 1};
  {
    io::File file = io::File::create(folder / "a.h5");
    file.root().create_dataset<std::uint32_t>("brief", layout).write_chunk(io::Extent{0, 0}, brief);
    file.root().create_dataset<std::uint32_t>("longer", layout).write_chunk(io::Extent{0, 0}, longer);
    file.close();
  }
  const io::File file = io::File::open(folder / "a.h5");
  const std::vector<double> values(words.begin(), words.end());
  CHECK(file.root().open_dataset("brief").read_numbers(0, rows) == values);
  CHECK(file.root().open_dataset("longer").read_numbers(0, rows) == values);
}
