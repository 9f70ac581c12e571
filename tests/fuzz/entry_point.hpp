/// The entry point of libFuzzer around one of the targets; nothing where the target is part of the test program.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#if REPOQUAKE_FUZZ
#define REPOQUAKE_FUZZ_ENTRY(answer)                                                       \
  extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {      \
    answer(std::string_view(reinterpret_cast<const char*>(data), size)); /* as C has it */ \
    return 0;                                                                              \
  }
#else
#define REPOQUAKE_FUZZ_ENTRY(answer)
#endif
