/// What this program is: shown by `version`, stored with every result.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace repoquake::cli {

/// Name and value, in a fixed order: version, git, compiler, flags, libraries.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> build_facts();

/// The instruction set that the simulation runs on here.
[[nodiscard]] std::string instruction_set();

}  // namespace repoquake::cli
