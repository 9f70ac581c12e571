#include "repoquake/io/address_space.hpp"

#include <new>

#include <sys/mman.h>

namespace repoquake::io {

// Not malloc: a large block that is freed teaches it to take others like it from the heap, where they leave holes.
void require_address_space(std::size_t bytes) {
  void* const room = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (room == MAP_FAILED) throw std::bad_alloc();
  ::munmap(room, bytes);
}

}  // namespace repoquake::io
