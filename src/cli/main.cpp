#include <csignal>
#include <cstddef>
#include <exception>
#include <iostream>
#include <new>
#include <string>
#include <vector>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

#include "cli/dispatch.hpp"
#include "cli/exit_codes.hpp"
#include "repoquake/core/error.hpp"
#include "repoquake/io/address_space.hpp"

namespace {

constexpr std::size_t kStack = std::size_t{1} << 20, kPage = 4096;

/// Takes the stack that a run will need while there is memory: where a stack cannot grow there is no error to catch. Its
/// first instructions touch all of it.
[[gnu::noinline]] void touch_stack() {
  [[maybe_unused]] volatile char room[kStack];  // NOLINT(modernize-avoid-c-arrays): a volatile std::array has no []
  for (std::size_t i = 0; i < kStack; i += kPage) room[kStack - 1 - i] = 0;
}

void take_stack() {
  repoquake::io::require_address_space(2 * kStack);
  touch_stack();
}

}  // namespace

int main(int argc, char** argv) {
  using namespace repoquake;
#if defined(__GLIBC__)
  // Statistics grow in the hands of whichever thread is next, and with a heap for each thread they grow in each of them.
  mallopt(M_ARENA_MAX, 1);  // nobody waits for it: a chunk allocates, a day step does not
#endif
  (void)std::signal(SIGXFSZ, SIG_IGN);  // a write beyond the file-size limit then fails like any other, with EFBIG
  try {
    take_stack();
    const int code = cli::dispatch({argv + 1, argv + argc}, std::cout, std::cerr);
    std::cout.flush();
    if (!std::cout) throw IoError("standard output: cannot be written");
    return code;
  } catch (const ScenarioError& error) {
    std::cerr << error.what() << '\n';
    return cli::kBadInput;
  } catch (const DataError& error) {
    std::cerr << "repoquake: " << error.what() << '\n';
    return cli::kBadInput;
  } catch (const IoError& error) {
    std::cerr << "repoquake: " << error.what() << '\n';
    return cli::kInputOutput;
  } catch (const std::bad_alloc&) {
    std::cerr << "repoquake: out of memory; fewer threads or `output: {paths: none}` need less\n";
    return cli::kInternal;
  } catch (const std::exception& error) {
    std::cerr << "repoquake: internal error: " << error.what() << '\n';
    return cli::kInternal;
  }
}
