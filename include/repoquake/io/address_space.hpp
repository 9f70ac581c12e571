/// Whether there is memory for what cannot report that there is none.
///
/// Purpose  A stack that cannot grow and a library that cleans up after a failed allocation (HDF5 1.10.8) end the process;
///          an allocation of our own does not. So it is asked for first.
/// Units    bytes
/// Errors   std::bad_alloc
/// Limits   The next moment another thread may have it: the fault becomes rare, not impossible.
#pragma once

#include <cstddef>

namespace repoquake::io {

/// Reserves so many bytes of address space and gives them back; touches none. Throws where the system refuses.
void require_address_space(std::size_t bytes);

}  // namespace repoquake::io
