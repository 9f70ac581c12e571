/// What the fuzzer and the replay test feed: any bytes are answered, with a result or with complaints, never with an
/// exception, a crash or a long wait. A broken promise throws std::logic_error.
#pragma once

#include <stdexcept>
#include <string_view>

namespace repoquake::fuzz {

void answer_scenario(std::string_view bytes);
void answer_expression(std::string_view bytes);
void answer_series(std::string_view bytes);
void answer_result(std::string_view bytes);

inline void require(bool holds, const char* promise) {
  if (!holds) throw std::logic_error(promise);
}

}  // namespace repoquake::fuzz
