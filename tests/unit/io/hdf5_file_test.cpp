#include "repoquake/io/hdf5_file.hpp"

#include <array>
#include <chrono>
#include <cstring>
#include <limits>
#include <new>
#include <thread>

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "repoquake/core/error.hpp"
#include "repoquake/io/address_space.hpp"
#include "synthetic_run.hpp"

using namespace repoquake;
using Catch::Contains;
using io::File;
using test::TemporaryFolder;

TEST_CASE("what is written to an HDF5 file is read back", "[io]") {
  const TemporaryFolder folder;
  const std::string path = folder / "a.h5";
  {
    File file = File::create(path);
    const io::Group root = file.root();
    root.attributes().set("text", "first");
    root.attributes().set("text", "a longer text, ü and ✓");
    root.attributes().set("empty", "");
    root.attributes().set("seed", ~std::uint64_t{0});
    root.attributes().set("integer", std::int64_t{-5});
    root.attributes().set("number", 0.1);
    const std::array<std::uint32_t, 2> masks{1, 2};
    root.attributes().set("masks", std::span<const std::uint32_t>(masks));

    const io::Group group = root.create_group("zebra").create_group("inner");
    const std::vector<double> values{1.5, -2.5, 1e300};
    const io::Dataset column = group.create_dataset("column", std::span<const double>(values));
    static_cast<void>(root.create_group("ant"));
    const std::vector<std::string> names{"one", "", "drei ✓"};
    static_cast<void>(root.create_texts("names", names));
    static_cast<void>(root.create_text("yaml", "a: 1\n"));
    const std::vector<std::int16_t> table{1, 2, 3, 4, 5, 6};
    root.create_dataset<std::int16_t>("table", {.shape = {3, 2}, .chunk = {}})
        .write(std::span<const std::int16_t>(table));
    file.close(true);
    CHECK_FALSE(file.is_open());
  }  // handles that outlive their file are harmless

  const File file = File::open(path);
  const io::Group root = file.root();
  const io::Attributes about = root.attributes();
  CHECK(about.text("text") == "a longer text, ü and ✓");
  CHECK(about.text("empty") == "");
  CHECK(about.natural("seed") == ~std::uint64_t{0});
  CHECK(about.integer("integer") == -5);
  CHECK(about.number("number") == 0.1);
  CHECK_FALSE(about.text("missing"));
  CHECK_FALSE(about.text("seed"));
  CHECK_FALSE(about.number("text"));
  CHECK_FALSE(about.number("masks"));

  const auto children = root.children();  // in the order of creation, not of the alphabet
  REQUIRE(children.size() == 5);
  CHECK(children[0].name == "zebra");
  CHECK(children[0].is_group);
  CHECK(children[1].name == "ant");
  CHECK(children[2].name == "names");
  CHECK_FALSE(children[2].is_group);
  CHECK(root.open_dataset("zebra/inner/column").read_numbers(0, 3) == std::vector<double>{1.5, -2.5, 1e300});
  CHECK(root.open_dataset("/zebra/inner/column").read_numbers(1, 1) == std::vector<double>{-2.5});
  CHECK(root.open_dataset("names").read_texts() == std::vector<std::string>{"one", "", "drei ✓"});
  CHECK(root.open_dataset("yaml").read_texts() == std::vector<std::string>{"a: 1\n"});
  CHECK(root.open_dataset("yaml").shape().empty());
  CHECK(root.open_dataset("names").type() == io::ElementType::text);
  const io::Dataset table = root.open_dataset("table");
  CHECK(table.type() == io::ElementType::int16);
  CHECK(table.shape() == io::Extent{3, 2});
  CHECK(table.read_numbers(1, 2) == std::vector<double>{3, 4, 5, 6});
  CHECK_THROWS_AS(table.read_numbers(1, 3), DataError);
  CHECK_THROWS_AS(table.read_numbers(4, ~std::uint64_t{0}), DataError);
  CHECK_THROWS_AS(table.read_texts(), DataError);
  CHECK_THROWS_AS(root.open_dataset("names").read_numbers(0, 1), DataError);
  CHECK_THROWS_AS(root.open_dataset("nowhere"), DataError);
  CHECK_THROWS_AS(root.open_group("nowhere"), DataError);
}

TEST_CASE("dimension scales name the dimensions of other datasets", "[io]") {
  const TemporaryFolder folder;
  const std::string path = folder / "a.h5";
  {
    File file = File::create(path);
    const io::Group group = file.root().create_group("g");
    const std::vector<double> days{0, 1, 4};
    const io::Dataset time = group.create_dataset("time", std::span<const double>(days));
    time.make_scale("time");
    const io::Dataset table = group.create_dataset<double>("v", {.shape = {2, 3}, .chunk = {}}, 7.0);
    table.attach_scale(1, time);
    file.close();
  }
  const File file = File::open(path);
  CHECK(file.root().open_dataset("g/v").dimensions() == std::vector<std::string>{"", "time"});
  CHECK(file.root().open_dataset("g/time").dimensions() == std::vector<std::string>{"time"});
  CHECK(file.root().open_dataset("g/v").read_numbers(0, 2) == std::vector<double>(6, 7.0));  // fill value
}

TEST_CASE("chunks go into the file as they are given", "[io]") {
  const TemporaryFolder folder;
  const std::string path = folder / "a.h5";
  const std::array<double, 6> rows{1, 2, 3, 4, 5, 6};
  std::vector<std::byte> bytes(sizeof(rows));
  std::memcpy(bytes.data(), rows.data(), sizeof(rows));
  {
    File file = File::create(path);
    const io::Dataset dataset = file.root().create_dataset<double>("v", {.shape = {7, 2}, .chunk = {3, 2}}, -1.0);
    dataset.write_chunk(io::Extent{3, 0}, bytes);
    dataset.resize({6, 2});
    file.close();
  }
  const File file = File::open(path);
  const io::Dataset dataset = file.root().open_dataset("v");
  CHECK(dataset.shape() == io::Extent{6, 2});
  CHECK(dataset.read_numbers(2, 3) == std::vector<double>{-1, -1, 1, 2, 3, 4});
  CHECK(dataset.read_chunk(io::Extent{3, 0}) == bytes);
  CHECK_THROWS_AS(dataset.read_chunk(io::Extent{0, 0}), DataError);
}

TEST_CASE("a file that cannot be opened is named with the cause", "[io]") {
  const TemporaryFolder folder;
  CHECK_THROWS_WITH(File::open(folder / "missing.h5"), Contains("missing.h5: cannot open: No such file"));
  CHECK_THROWS_AS(File::open(folder / "missing.h5"), IoError);
  CHECK_THROWS_AS(File::open(folder.name()), IoError);
  CHECK_THROWS_WITH(File::open("/dev/null"), Contains("not a regular file"));
  test::spill(folder / "text.h5", "paths,spread\n1,2\n");
  CHECK_THROWS_WITH(File::open(folder / "text.h5"), Contains("text.h5: not a repoquake result: not an HDF5 file"));
  CHECK_THROWS_AS(File::open(folder / "text.h5"), DataError);
  test::spill(folder / "empty.h5", "");
  CHECK_THROWS_WITH(File::open(folder / "empty.h5"), Contains("not a repoquake result: empty"));
  CHECK_THROWS_AS(File::create(folder / "text.h5"), IoError);
  CHECK_THROWS_AS(File::create(folder / "no/folder.h5"), IoError);
}

TEST_CASE("a file being written is refused to readers", "[io]") {
  const TemporaryFolder folder;
  File file = File::create(folder / "a.h5");
  file.flush();
  CHECK_THROWS_WITH(File::open(folder / "a.h5"), Contains("is being written by a running process"));
  file.close();
  CHECK_NOTHROW(File::open(folder / "a.h5"));
}

TEST_CASE("who writes a file waits for its readers, and not for another who writes it", "[io]") {
  const TemporaryFolder folder;
  const std::string path = folder / "a.h5";
  test::spill(path, "anything");
  const auto locked = [&](int how) {
    const int descriptor = ::open(path.c_str(), O_RDONLY);
    REQUIRE(::flock(descriptor, how | LOCK_NB) == 0);
    return descriptor;
  };
  {
    std::jthread reader([descriptor = locked(LOCK_SH)] {
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
      ::close(descriptor);
    });
    CHECK_NOTHROW(io::FileLock::take(path));
  }
  const io::FileLock writer(locked(LOCK_EX));
  CHECK_THROWS_WITH(io::FileLock::take(path), Contains("is being written by a running process"));
}

TEST_CASE("equal calls give equal bytes", "[io]") {
  const TemporaryFolder folder;
  for (const char* name : {"a.h5", "b.h5"}) {
    File file = File::create(folder / name);
    const std::vector<double> values{1, 2, 3};
    const io::Dataset x = file.root().create_dataset("x", std::span<const double>(values));
    x.make_scale("x");
    const io::Dataset y = file.root().create_group("g").create_dataset("y", std::span<const double>(values));
    y.attach_scale(0, x);
    y.attributes().set("units", "bp");
    file.close();
  }
  CHECK(test::slurp(folder / "a.h5") == test::slurp(folder / "b.h5"));
  CHECK(test::slurp(folder / "a.h5").size() > 500);
}

TEST_CASE("address space that the system has not is an error", "[address_space]") {
  CHECK_NOTHROW(io::require_address_space(std::size_t{4} << 20));
  CHECK_THROWS_AS(io::require_address_space(std::numeric_limits<std::size_t>::max() / 2), std::bad_alloc);
}
