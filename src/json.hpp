#pragma once

// The one door to nlohmann/json. Its exceptions are off (the core has none), so every call that would
// throw aborts instead: read fields only through the checked accessors below.
#define JSON_NOEXCEPTION 1
#define JSON_USE_IMPLICIT_CONVERSIONS 0
#define JSON_NO_IO 1

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace candor::json {

using Value = nlohmann::json;

/// What a text may be before it is parsed at all. Depth counts nested arrays and objects.
struct Limits {
  std::size_t max_bytes = 16U << 20U;
  std::size_t max_depth = 64;
};

/// Parses outside text. Empty when it is too large, too deep, or not JSON.
std::optional<Value> parse(std::string_view text, const Limits& limits = {});

/// JSON text that is written already.
struct Text {
  std::string json;
};

/// One value as compact text. Broken UTF-8 is written as U+FFFD, a number that is not finite as null, never
/// an error.
Text text_of(std::string_view value);
Text text_of(double value);
Text text_of(std::uint64_t value);

/// An object, written straight into text. Trees of Value are for reading only: built from initialiser lists
/// they cost several times the code, and one is not needed to write.
class Object {
 public:
  Object& add(std::string_view key, const Text& value);
  Object& add(std::string_view key, std::string_view value);
  Object& add(std::string_view key, const char* value) { return add(key, std::string_view(value)); }
  Object& add(std::string_view key, double value);
  Object& add(std::string_view key, std::uint64_t value);
  Object& add(std::string_view key, std::nullptr_t);
  // No other type may turn into a bool on its way in.
  template <std::same_as<bool> T>
  Object& add(std::string_view key, T value) {
    return add_bool(key, value);
  }
  template <std::unsigned_integral T>
  requires(!std::same_as<T, bool>) Object& add(std::string_view key, T value) {
    return add(key, static_cast<std::uint64_t>(value));
  }
  /// null where it is empty.
  template <typename T>
  Object& add(std::string_view key, const std::optional<T>& value) {
    return value ? add(key, *value) : add(key, nullptr);
  }
  /// Closes the object; nothing may be added after it.
  Text text();

 private:
  std::string json_ = "{";

  Object& add_bool(std::string_view key, bool value);
};

/// An array, likewise.
class Array {
 public:
  Array& add(const Text& value);
  Text text();

 private:
  std::string json_ = "[";
};

/// The array of `values`, each written by `write`.
template <typename Range, typename Write>
Text array_of(const Range& values, Write write) {
  Array array;
  for (const auto& value : values) array.add(write(value));
  return array.text();
}
Text array_of(const std::vector<std::string>& values);
Text array_of(const std::vector<double>& values);
Text array_of(const std::vector<std::uint32_t>& values);

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
