/// The state of a run between two chunks, as bytes: what a checkpoint keeps of statistics and paths, so that a run goes on
/// as if it had never stopped.
///
/// Bytes    Numbers as they stand in memory, little endian: the same bits come back. Counts are base-128.
/// Members  Each type says its state once, for both directions, in `visit_state`: a structured binding names every member,
///          so that a new one does not compile until somebody has decided whether it is state.
/// Errors   DataError where bytes are missing, left over, or do not fit the run.
#pragma once

#include <array>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "repoquake/core/error.hpp"
#include "repoquake/engine/path_rows.hpp"
#include "repoquake/engine/sink.hpp"

namespace repoquake::engine {

static_assert(std::endian::native == std::endian::little);

template <class T>
concept PlainNumber = std::is_arithmetic_v<T>;

/// A type that has visit_state as a member; others have it as a function beside this.
template <class T, class Archive>
concept VisitsItself = requires(Archive& archive, T& value) {
  std::remove_const_t<T>::visit_state(archive, value);
};

/// Takes a state down.
class StateWriter {
 public:
  /// Keeps all bytes for `take`.
  StateWriter() = default;
  /// Hands them on piece by piece, so that memory does not grow with the state; `finish` hands on the last.
  explicit StateWriter(std::function<void(std::string_view)> hand_on) : hand_on_(std::move(hand_on)) {}

  template <class... T>
  void operator()(const T&... parts) {
    (put(parts), ...);
  }
  void finish() {
    hand_on_(bytes_);
    bytes_.clear();
  }
  /// Lists whose lengths follow from the manifest.
  template <class... List>
  void fixed(const List&... lists) {
    (put(lists), ...);
  }
  [[nodiscard]] std::string take() noexcept { return std::move(bytes_); }

 private:
  static constexpr std::size_t kPiece = 65536;

  void put_bytes(const void* from, std::size_t size) {
    bytes_.append(static_cast<const char*>(from), size);
    if (hand_on_ && bytes_.size() >= kPiece) finish();
  }
  void put_count(std::uint64_t count) {
    for (; count >= 0x80; count >>= 7) bytes_ += static_cast<char>(0x80 | (count & 0x7F));
    const char last = static_cast<char>(count);
    put_bytes(&last, 1);
  }
  template <PlainNumber T>
  void put(const T& number) {
    put_bytes(&number, sizeof number);
  }
  void put(const std::string& text) {
    put_count(text.size());
    put_bytes(text.data(), text.size());
  }
  template <PlainNumber T, std::size_t N>
  void put(const std::array<T, N>& numbers) {
    put_bytes(numbers.data(), sizeof numbers);
  }
  template <class T>
  void put(const std::vector<T>& list) {
    put_count(list.size());
    if constexpr (PlainNumber<T>)
      put_bytes(list.data(), list.size() * sizeof(T));
    else
      for (const T& element : list) put(element);
  }
  void put(const stats::QuantileSketch& sketch) {
    const auto bins = sketch.occupied();
    put_count(bins.size());
    std::uint32_t last = 0;
    for (const stats::BinCount& bin : bins) {
      put_count(bin.bin - std::exchange(last, bin.bin));
      put_count(bin.count);
    }
  }
  template <class T>
  void put(const T& value) {
    if constexpr (VisitsItself<const T, StateWriter>)
      T::visit_state(*this, value);
    else
      visit_state(*this, value);
  }

  std::function<void(std::string_view)> hand_on_;
  std::string bytes_;
};

/// Puts a state back.
class StateReader {
 public:
  explicit StateReader(std::string_view bytes) noexcept : rest_(bytes) {}

  template <class... T>
  void operator()(T&... parts) {
    (get(parts), ...);
  }
  template <class... List>
  void fixed(List&... lists) {
    (get_fixed(lists), ...);
  }
  /// What has not been read; nothing is left.
  [[nodiscard]] std::string_view take_rest() noexcept { return std::exchange(rest_, {}); }
  /// All has been read.
  void finish() const { check(rest_.empty(), "has bytes left over"); }

 private:
  static void check(bool holds, const char* fault) {
    if (!holds) throw DataError(std::string("the state of the run ") + fault);
  }
  void get_bytes(void* to, std::size_t size) {
    check(size <= rest_.size(), "ends too early");
    if (size > 0) std::memcpy(to, rest_.data(), size);
    rest_.remove_prefix(size);
  }
  [[nodiscard]] std::uint64_t get_count() {
    std::uint64_t count = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      unsigned char byte = 0;
      get_bytes(&byte, 1);
      count |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
      if (byte < 0x80) return count;
    }
    throw DataError("the state of the run has a count without an end");
  }
  /// Of elements of at least so many bytes.
  [[nodiscard]] std::size_t get_length(std::size_t element_bytes) {
    const std::uint64_t length = get_count();
    check(length <= rest_.size() / element_bytes, "ends too early");
    return length;
  }
  template <PlainNumber T>
  void get(T& number) {
    get_bytes(&number, sizeof number);
  }
  void get(std::string& text) {
    text.resize(get_length(1));
    get_bytes(text.data(), text.size());
  }
  template <PlainNumber T, std::size_t N>
  void get(std::array<T, N>& numbers) {
    get_bytes(numbers.data(), sizeof numbers);
  }
  template <class T>
  void get(std::vector<T>& list) {
    list.resize(get_length(PlainNumber<T> ? sizeof(T) : 1));
    get_elements(list);
  }
  template <class T>
  void get_fixed(std::vector<T>& list) {
    check(get_count() == list.size(), "has a list of another length than this run's");
    get_elements(list);
  }
  template <class T>
  void get_elements(std::vector<T>& list) {
    if constexpr (PlainNumber<T>)
      get_bytes(list.data(), list.size() * sizeof(T));
    else
      for (T& element : list) get(element);
  }
  void get(stats::QuantileSketch& sketch) {
    sketch = stats::QuantileSketch(sketch.scale());
    std::uint64_t bin = 0;
    for (std::size_t left = get_length(2); left > 0; --left) {
      bin += get_count();
      const std::uint64_t count = get_count();
      check(bin < sketch.scale().bin_count() && count <= ~std::uint32_t{0} - sketch.count(), "counts what cannot be");
      sketch.add(static_cast<std::uint32_t>(bin), static_cast<std::uint32_t>(count));
    }
  }
  template <class T>
  void get(T& value) {
    if constexpr (VisitsItself<T, StateReader>)
      T::visit_state(*this, value);
    else
      visit_state(*this, value);
  }

  std::string_view rest_;
};

/// T or const T.
template <class T, class Of>
concept StateOf = std::same_as<std::remove_const_t<T>, Of>;

template <class Archive, StateOf<stats::Moments> T>
void visit_state(Archive& archive, T& moments) {
  auto& [n, mean, m2, min, max] = moments;
  archive(n, mean, m2, min, max);
}

template <class Archive, StateOf<stats::HighMoments> T>
void visit_state(Archive& archive, T& moments) {
  auto& [low, m3, m4] = moments;
  archive(low, m3, m4);
}

template <class Archive, StateOf<stats::Estimate> T>
void visit_state(Archive& archive, T& estimate) {
  auto& [value, standard_error, lo, hi, n] = estimate;
  archive(value, standard_error, lo, hi, n);
}

template <class Archive, StateOf<MetricPart> T>
void visit_state(Archive& archive, T& part) {
  auto& [moments, hits] = part;
  archive(moments, hits);
}

template <class Archive, StateOf<PathRow> T>
void visit_state(Archive& archive, T& row) {
  auto& [path, rank, values, features, days_above, flags, events] = row;
  archive(path, rank, values, features, days_above, flags, events);
}

/// The manifest follows from the plan; why and by how many threads is the next run's own affair.
template <class Archive, StateOf<RunSummary> T>
void visit_state(Archive& archive, T& summary) {
  auto& [manifest, stats, convergence, stop_reason, seconds, threads] = summary;
  archive(stats, convergence, seconds);
}

}  // namespace repoquake::engine
