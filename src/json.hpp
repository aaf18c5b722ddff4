#pragma once

// The one door to nlohmann/json. Its exceptions are off (the core has none), so every call that would
// throw aborts instead: read fields only through the checked accessors below, and write through dump().
#define JSON_NOEXCEPTION 1
#define JSON_USE_IMPLICIT_CONVERSIONS 0
#define JSON_NO_IO 1

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace candor::json {

using Value = nlohmann::json;

/// What a text may be before it is parsed at all. Depth counts nested arrays and objects.
struct Limits {
  std::size_t max_bytes = 16U << 20U;
  std::size_t max_depth = 64;
};

/// Parses outside text. Empty when it is too large, too deep, or not JSON.
std::optional<Value> parse(std::string_view text, const Limits& limits = {});

/// Compact text. Broken UTF-8 is written as U+FFFD, never an error.
std::string dump(const Value& value);

/// The member `key` of an object; nullptr when `value` is no object or has no such member.
const Value* find(const Value& value, std::string_view key);

/// Typed reads of a member; empty when it is missing or of another type.
std::optional<std::string> string_at(const Value& object, std::string_view key);
/// Any finite number.
std::optional<double> number_at(const Value& object, std::string_view key);
/// A whole number from 0 to 2^53 - 1 (also when written as 1.0 or 1e3).
std::optional<std::uint64_t> uint_at(const Value& object, std::string_view key);
std::optional<bool> bool_at(const Value& object, std::string_view key);

/// The same for a value in hand.
std::optional<double> as_number(const Value& value);
std::optional<std::uint64_t> as_uint(const Value& value);

}  // namespace candor::json
