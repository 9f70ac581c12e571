/// What the system says of an error number (errno).
#pragma once

#include <string>
#include <system_error>

namespace repoquake::io {

[[nodiscard]] inline std::string system_text(int error_number) { return std::generic_category().message(error_number); }

}  // namespace repoquake::io
