#include "io/rehearsal.hpp"

#include <csignal>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <functional>
#include <new>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "repoquake/core/error.hpp"
#include "unit/io/synthetic_run.hpp"

using namespace repoquake;
using Catch::Matchers::Contains;

TEST_CASE("what comes back is read again, whatever it said", "[io]") {
  CHECK_NOTHROW(io::rehearse("a.h5", [] {}));
  CHECK_NOTHROW(io::rehearse("a.h5", [] { throw DataError("torn"); }));
  int touched = 0;
  io::rehearse("a.h5", [&] { touched = 1; });
  CHECK(touched == 0);  // it was another process
}

TEST_CASE("what does not come back is a DataError that names the file and the cause", "[io]") {
  const auto rehearse = [](const std::function<void()>& reading) {
    io::rehearse("folder/a.h5", reading, {.seconds = 1});
  };
  CHECK_THROWS_AS(rehearse([] { std::abort(); }), DataError);
  CHECK_THROWS_WITH(rehearse([] { std::abort(); }), "folder/a.h5: is damaged: reading it crashed the HDF5 library");
  CHECK_THROWS_WITH(rehearse([] { std::raise(SIGSEGV); }), Contains("crashed"));
  CHECK_THROWS_WITH(rehearse([] { std::_Exit(1); }), Contains("crashed"));  // how a sanitizer ends
  CHECK_THROWS_WITH(rehearse([] { throw std::bad_alloc(); }), Contains("takes more memory"));
  const auto go_on = [] {
    while (std::clock() >= 0) {
    }
  };
  CHECK_THROWS_WITH(rehearse(go_on), Contains("does not come to an end"));
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST_CASE("a reading gets the memory it was promised, and no more", "[io]") {
  const auto take = [](std::size_t megabytes) {
    return [megabytes] {
      const std::vector<char> bytes(megabytes << 20, 'x');
      if (bytes.back() != 'x') std::abort();
    };
  };
  CHECK_NOTHROW(io::rehearse("a.h5", take(50), {.more_megabytes = 200}));
  CHECK_THROWS_WITH(io::rehearse("a.h5", take(400), {.more_megabytes = 200}), Contains("takes more memory"));
}
#endif

TEST_CASE("a reading can write no file", "[io]") {
  const test::TemporaryFolder folder;
  const std::string path = folder / "written";
  try {
    io::rehearse("a.h5", [&] { std::ofstream(path) << "word" << std::flush; });
  } catch (const DataError&) {  // SIGXFSZ
  }
  CHECK(test::slurp(path).empty());
}
