/// What is read of files that others made: values in the file itself, as our own layouts have them, and no more of them
/// than the file can hold. Soft and external links, virtual datasets and external storage lead to other files.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include <hdf5.h>

#include "io/hdf5_driver.hpp"

namespace repoquake::io {

// Of one dataset.
inline constexpr std::uint64_t kMostTextBytes = std::uint64_t{1} << 28;
inline constexpr hsize_t kMostTexts = hsize_t{1} << 20;

/// Every step of the path is a hard link.
void require_hard_links(Hid from, const std::string& path, const FileState& file);

void require_own_storage(Hid dataset, const FileState& file, const std::string& name);

/// Product, or the largest number where it is too large.
[[nodiscard]] std::uint64_t product_of(std::span<const hsize_t> sizes, std::uint64_t start = 1);

/// Before rows of a dataset are read: nothing of them asks for more than the file holds. Pre: start and size have the
/// rank of the dataset, and lie in it.
void check_storage(Hid dataset, std::span<const hsize_t> start, std::span<const hsize_t> size, const FileState& file);

}  // namespace repoquake::io
