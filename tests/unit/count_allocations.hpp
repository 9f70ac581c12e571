/// Replaces the program's operator new by one that counts. Included by one file of a test program.
///
/// All forms that lead to the deletes below are here, since a sanitizer insists on seeing them in pairs. All stay
/// out of line: inlined, g++ 12 takes a free for a mismatch with new.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>

namespace repoquake::test {

inline std::atomic<std::size_t> allocation_count{0};

/// Calls of operator new so far, on any thread.
inline std::size_t allocations() noexcept { return allocation_count.load(); }

inline void* allocate(std::size_t size, std::size_t alignment) noexcept {
  ++allocation_count;
  return std::aligned_alloc(alignment, (size + alignment) / alignment * alignment);  // a whole multiple, and never 0
}

inline void* allocate_or_throw(std::size_t size, std::size_t alignment) {
  if (void* memory = allocate(size, alignment)) return memory;
  throw std::bad_alloc();
}

}  // namespace repoquake::test

[[gnu::noinline]] void* operator new(std::size_t size) {
  return repoquake::test::allocate_or_throw(size, __STDCPP_DEFAULT_NEW_ALIGNMENT__);
}
[[gnu::noinline]] void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return repoquake::test::allocate(size, __STDCPP_DEFAULT_NEW_ALIGNMENT__);
}
[[gnu::noinline]] void* operator new(std::size_t size, std::align_val_t alignment) {
  return repoquake::test::allocate_or_throw(size, static_cast<std::size_t>(alignment));
}
[[gnu::noinline]] void* operator new(std::size_t size, std::align_val_t alignment, const std::nothrow_t&) noexcept {
  return repoquake::test::allocate(size, static_cast<std::size_t>(alignment));
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }
