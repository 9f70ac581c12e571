#include "io/rehearsal.hpp"

#include <cerrno>
#include <csignal>
#include <fstream>
#include <new>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/system_text.hpp"
#include "repoquake/core/error.hpp"

namespace repoquake::io {
namespace {

constexpr int kCameBack = 0;
constexpr int kOutOfMemory = 42;  // no sanitizer ends a program with it

void limit(int resource, rlim_t most) {
  rlimit now{};
  const bool is_known = ::getrlimit(static_cast<__rlimit_resource>(resource), &now) == 0;
  const rlim_t least = is_known && now.rlim_max < most ? now.rlim_max : most;  // RLIM_INFINITY is the largest
  const rlimit both{least, least};
  static_cast<void>(::setrlimit(static_cast<__rlimit_resource>(resource), &both));  // what cannot be limited is not
}

void limit_memory([[maybe_unused]] const RehearsalLimits& limits) {
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  std::ifstream statm("/proc/self/statm");
  rlim_t pages = 0;
  if (!(statm >> pages)) return;
  const auto page = static_cast<rlim_t>(::sysconf(_SC_PAGESIZE));
  limit(RLIMIT_AS, pages * page + (static_cast<rlim_t>(limits.more_megabytes) << 20));
#endif
}

/// The child: silent, harmless, soon over.
[[noreturn]] void perform(const std::function<void()>& reading, const RehearsalLimits& limits) {
  if (const int nowhere = ::open("/dev/null", O_WRONLY | O_CLOEXEC); nowhere >= 0) {
    ::dup2(nowhere, STDOUT_FILENO);
    ::dup2(nowhere, STDERR_FILENO);
  }
  for (const int number : {SIGALRM, SIGXCPU, SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTERM})
    (void)std::signal(number, SIG_DFL);
  limit(RLIMIT_CORE, 0);
  limit(RLIMIT_FSIZE, 0);
  limit(RLIMIT_CPU, static_cast<rlim_t>(limits.seconds));
  ::alarm(static_cast<unsigned>(15 * limits.seconds));  // a busy machine
  limit_memory(limits);
  try {
    reading();
  } catch (const std::bad_alloc&) {
    ::_exit(kOutOfMemory);
  } catch (...) {  // will come again
  }
  ::_exit(kCameBack);
}

int wait_for(pid_t child, const std::string& path) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0)
    if (errno != EINTR) throw IoError(path + ": cannot wait for its reader: " + system_text(errno));
  return status;
}

}  // namespace

void rehearse(const std::string& path, const std::function<void()>& reading, const RehearsalLimits& limits) {
  const pid_t child = ::fork();
  if (child < 0) throw IoError(path + ": cannot be tried before it is read: " + system_text(errno));
  if (child == 0) perform(reading, limits);
  const int status = wait_for(child, path);
  if (WIFEXITED(status) && WEXITSTATUS(status) == kCameBack) return;
  if (WIFEXITED(status) && WEXITSTATUS(status) == kOutOfMemory)
    throw DataError(path + ": is damaged: reading it takes more memory than any result needs");
  const bool is_late = WIFSIGNALED(status) &&
                       (WTERMSIG(status) == SIGXCPU || WTERMSIG(status) == SIGALRM || WTERMSIG(status) == SIGKILL);
  if (is_late) throw DataError(path + ": is damaged: reading it does not come to an end");
  throw DataError(path + ": is damaged: reading it crashed the HDF5 library");
}

}  // namespace repoquake::io
