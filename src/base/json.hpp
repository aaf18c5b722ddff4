#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// JSON, read by nlohmann/json into a value of our own, and written straight into text: nlohmann/json's
/// document type and its writer would take more of the page's bytes than all else here.
namespace candor::json {

/// A value as read. Only the fields of its kind mean something.
struct Value {
  enum class Kind { kNull, kBoolean, kNumber, kString, kArray, kObject };

  Kind kind = Kind::kNull;
  double number = 0;         ///< finite; of a boolean 0 or 1
  std::string text;          ///< of a string
  std::string name;          ///< of a member of an object
  std::vector<Value> items;  ///< of an array, or the members of an object, in the order of the text

  bool is(Kind other) const { return kind == other; }
};

/// What a text may be. Depth counts nested arrays and objects.
struct Limits {
  std::size_t max_bytes = 16U << 20U;
  std::size_t max_depth = 64;
  /// Each takes about 60 bytes of memory, and the text of a few megabytes can hold millions.
  std::size_t max_values = 500'000;
};

/// Parses outside text. Empty when it is too large, too deep, or not JSON.
std::optional<Value> parse(std::string_view text, const Limits& limits = {});

/// One value, behind a text. Broken UTF-8 is written as U+FFFD, a number that is not finite as null, never an
/// error. Fractions have twelve decimals.
void append_text(std::string& json, std::string_view value);
void append_number(std::string& json, double value);
void append_number(std::string& json, std::uint64_t value);
void append_bool(std::string& json, bool value);

/// JSON text that is written already.
struct Text {
  std::string json;
};
Text text_of(std::uint64_t value);

/// An object of no fixed form; see base/fields.hpp for the others.
class Object {
 public:
  Object& add(const char* key, const Text& value);
  Object& add(const char* key, std::string_view value);
  Object& add(const char* key, const std::string& value) { return add(key, std::string_view(value)); }
  Object& add(const char* key, double value);
  Object& add(const char* key, std::uint64_t value);
  // No other type may turn into a bool on its way in.
  template <std::same_as<bool> T>
  Object& add(const char* key, T value) {
    add_key(key);
    append_bool(json_, value);
    return *this;
  }
  /// null where it is empty.
  template <typename T>
  Object& add(const char* key, const std::optional<T>& value) {
    return value ? add(key, *value) : add(key, Text{"null"});
  }
  /// Closes the object; nothing may be added after it.
  Text text();

 private:
  std::string json_ = "{";

  void add_key(const char* key);
};

/// An array, likewise.
class Array {
 public:
  Array& add(const Text& value);
  Text text();

 private:
  std::string json_ = "[";
};

/// The member `key` of an object, the last one of that name; nullptr when `value` is no object or has no such
/// member.
const Value* find(const Value& value, const char* key);
/// The same, and nullptr too when it is null or of another kind.
const Value* find(const Value& value, const char* key, Value::Kind kind);

/// The items of a member that is an array or an object; none when it is missing or of another kind.
std::span<const Value> items_at(const Value& object, const char* key, Value::Kind kind = Value::Kind::kArray);

/// Typed reads of a member; empty when it is missing or of another type.
std::optional<std::string> string_at(const Value& object, const char* key);
/// Likewise, and "" then.
std::string text_at(const Value& object, const char* key);
std::optional<double> number_at(const Value& object, const char* key);
/// Likewise, and empty when it is negative.
std::optional<double> amount_at(const Value& object, const char* key);
/// A whole number from 0 to 2^53 - 1 (also when written as 1.0 or 1e3).
std::optional<std::uint64_t> uint_at(const Value& object, const char* key);
std::optional<bool> bool_at(const Value& object, const char* key);

/// The same for a value in hand.
std::optional<double> as_number(const Value& value);
std::optional<std::uint64_t> as_uint(const Value& value);

}  // namespace candor::json
