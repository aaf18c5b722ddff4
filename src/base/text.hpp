#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "candor/base/bytes.hpp"

/// Small helpers for text from outside, independent of any locale.
namespace candor::text {

void append(std::string& text, const char* part);
void append(std::string& text, std::string_view part);
void append(std::string& text, const std::string& part);
/// Decimal digits, with zeros in front of them to make so many.
void append(std::string& text, std::uint64_t value, int digits = 1);

/// All the parts, one behind the other: less code than operator+, which makes a string of each step.
template <typename... Parts>
std::string joined(const Parts&... parts) {
  std::string text;
  (append(text, parts), ...);
  return text;
}

/// A path from outside as part of a sentence: as it is where it is plain and short, else "file".
std::string_view file_name(std::string_view path);

/// So many hexadecimal digits, lower case.
std::string in_hex(std::uint64_t value, int digits);

/// A letter or digit of ASCII, a hyphen or an underscore.
constexpr bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

inline std::string to_lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = lower(c);
  return result;
}

constexpr bool equals_ignoring_case(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (lower(a[i]) != lower(b[i])) return false;
  return true;
}

constexpr std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

/// Decimal digits and nothing else, up to the largest count that JavaScript carries exactly.
constexpr std::optional<std::uint64_t> parse_uint(std::string_view text) {
  if (text.empty() || text.size() > 16) return std::nullopt;
  std::uint64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + static_cast<std::uint64_t>(c - '0');
  }
  if (value > kMaxSafeBytes) return std::nullopt;
  return value;
}

/// Exactly `digits` hexadecimal digits.
constexpr bool is_hex(std::string_view text, std::size_t digits) {
  if (text.size() != digits) return false;
  for (const char c : text)
    if (!((c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'f'))) return false;
  return true;
}

}  // namespace candor::text
