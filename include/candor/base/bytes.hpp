#pragma once

#include <cstdint>
#include <limits>
#include <optional>

namespace candor {

/// The largest byte count that JavaScript can carry exactly: 2^53 - 1.
inline constexpr std::uint64_t kMaxSafeBytes = 9'007'199'254'740'991ULL;

/// A byte count from a JavaScript number. Empty when it cannot be one: NaN, infinite, negative or not
/// exactly representable (above 2^53 - 1). A fraction of a byte is dropped.
constexpr std::optional<std::uint64_t> bytes_from_double(double value) {
  // Written so that NaN fails the test.
  if (!(value >= 0 && value <= static_cast<double>(kMaxSafeBytes))) return std::nullopt;
  return static_cast<std::uint64_t>(value);
}

/// `a + b`, or the largest value where that overflows.
constexpr std::uint64_t saturating_add(std::uint64_t a, std::uint64_t b) {
  constexpr std::uint64_t max = std::numeric_limits<std::uint64_t>::max();
  return a > max - b ? max : a + b;
}

/// `a - b`, or 0 where that would be negative.
constexpr std::uint64_t saturating_sub(std::uint64_t a, std::uint64_t b) { return a > b ? a - b : 0; }

}  // namespace candor
