/// An allocator that leaves new numbers as the memory has them: for large tables whose elements are all written before one
/// is read, so that nothing is spent on zeros.
#pragma once

#include <memory>
#include <new>
#include <type_traits>

namespace repoquake {

template <class T>
struct Uninitialized : std::allocator<T> {
  static_assert(std::is_trivially_default_constructible_v<T>);
  template <class Other>
  struct rebind {  // NOLINT(readability-identifier-naming): the name that the standard looks for
    using other = Uninitialized<Other>;
  };
  void construct(T* place) noexcept { ::new (static_cast<void*>(place)) T; }
};

}  // namespace repoquake
