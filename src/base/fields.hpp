#pragma once

#include <algorithm>
#include <array>
#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "base/json.hpp"

/// One list of fields for each thing that crosses a border as JSON. The list is a function template in the
/// namespace of the thing that says which member has which name:
///
///     void fields(auto& f, json::Of<File> auto& file) {
///       f.required("path", file.path);
///       f("size", file.size);
///     }
///
/// A Writer goes through it and makes text, a Reader goes through it and fills the thing; the tests go
/// through it and compare it with bindings.d.ts.
namespace candor::json {

/// T, or a const T.
template <typename T, typename U>
concept Of = std::same_as<std::remove_const_t<T>, U>;

/// How many enumerators an enum has. Their names are to_string's: one table, used both ways.
template <typename E>
inline constexpr std::size_t kEnumerators = 0;

template <typename T>
inline constexpr bool kIsOptional = false;
template <typename T>
inline constexpr bool kIsOptional<std::optional<T>> = true;
template <typename T>
inline constexpr bool kIsVector = false;
template <typename T>
inline constexpr bool kIsVector<std::vector<T>> = true;
template <typename T>
inline constexpr bool kIsArray = false;
template <typename T, std::size_t N>
inline constexpr bool kIsArray<std::array<T, N>> = true;

template <typename T>
inline constexpr bool kIsVariant = false;
template <typename... T>
inline constexpr bool kIsVariant<std::variant<T...>> = true;

/// Appends JSON to a text.
class Writer {
 public:
  explicit Writer(std::string& json) : json_(json) {}

  /// A member of the object that is open.
  template <typename T>
  void operator()(const char* key, const T& value) {
    name(key);
    write(value);
  }
  template <typename T>
  void required(const char* key, const T& value) {
    (*this)(key, value);
  }
  /// An array of objects whose fields are `list`'s: list(f, item).
  template <typename Range, typename List>
  void each(const char* key, const Range& values, List list) {
    name(key);
    json_ += '[';
    for (const auto& one : values) {
      if (json_.back() != '[') json_ += ',';
      json_ += '{';
      list(*this, one);
      json_ += '}';
    }
    json_ += ']';
  }
  /// An item of the array that is open.
  template <typename T>
  void item(const T& value) {
    if (json_.back() != '[') json_ += ',';
    write(value);
  }
  /// What kind of thing the object is.
  void type(const char* value) { (*this)("type", std::string_view(value)); }

  template <typename T>
  void write(const T& value) {
    if constexpr (std::same_as<T, bool>) {
      append_bool(json_, value);
    } else if constexpr (std::unsigned_integral<T>) {
      append_number(json_, std::uint64_t{value});
    } else if constexpr (std::floating_point<T>) {
      append_number(json_, double{value});
    } else if constexpr (std::convertible_to<const T&, std::string_view>) {
      append_text(json_, value);
    } else if constexpr (std::is_enum_v<T>) {
      append_text(json_, to_string(value));
    } else if constexpr (kIsOptional<T>) {
      if (value) {
        write(*value);
      } else {
        json_ += "null";
      }
    } else if constexpr (kIsVector<T> || kIsArray<T>) {
      json_ += '[';
      for (const auto& one : value) item(one);
      json_ += ']';
    } else if constexpr (requires { items(*this, value); }) {
      json_ += '[';
      items(*this, value);
      json_ += ']';
    } else if constexpr (kIsVariant<T>) {
      std::visit([this](const auto& one) { this->write(one); }, value);
    } else {
      json_ += '{';
      fields(*this, value);
      json_ += '}';
    }
  }

 private:
  std::string& json_;

  void name(const char* key);
};

/// `value` as JSON.
template <typename T>
std::string text_from(const T& value) {
  std::string json;
  Writer(json).write(value);
  return json;
}

/// Takes members from an object. What is missing or of another type leaves the default.
class Reader {
 public:
  explicit Reader(const Value& object) : object_(object) {}

  template <typename T>
  void operator()(const char* key, T&& value) {
    if (whole_) read(find(object_, key), value);
  }
  /// For something that is worth nothing without this member: whole() is false then.
  template <typename T>
  void required(const char* key, T&& value) {
    whole_ = whole_ && read(find(object_, key), value);
  }
  /// bindings.d.ts says that it may be left out.
  template <typename T>
  void maybe(const char* key, T&& value) {
    (*this)(key, value);
  }
  /// For something that tells what it is: nothing else is read if it is something else.
  void type(const char* expected);
  bool whole() const { return whole_; }

  /// Whether `value` is there and can be a T. Items of an array that can't be what they should are left out.
  template <typename T>
  static bool read(const Value* value, T& out) {
    if constexpr (requires { read_json(value, out); }) {
      return read_json(value, out);
    } else if constexpr (kIsOptional<T>) {
      typename T::value_type inner{};
      if (read(value, inner)) out = std::move(inner);
      return true;
    } else if constexpr (kIsVariant<T>) {
      return read_one_of(value, out);
    } else if constexpr (kIsVector<T>) {
      if (value == nullptr || !value->is(Value::Kind::kArray)) return false;
      for (const Value& item : value->items) {
        typename T::value_type inner{};
        if (read(&item, inner)) out.push_back(std::move(inner));
      }
      return true;
    } else if constexpr (kIsArray<T>) {
      if (value == nullptr || !value->is(Value::Kind::kArray)) return false;
      for (std::size_t i = 0; i < std::min(out.size(), value->items.size()); ++i)
        read(&value->items[i], out[i]);
      return true;
    } else if constexpr (std::is_enum_v<T>) {
      if (value == nullptr || !value->is(Value::Kind::kString)) return false;
      static_assert(kEnumerators<T> > 0);
      for (std::size_t i = 0; i < kEnumerators<T>; ++i) {
        if (value->text != to_string(static_cast<T>(i))) continue;
        out = static_cast<T>(i);
        return true;
      }
      return false;
    } else {
      if (value == nullptr || !value->is(Value::Kind::kObject)) return false;
      return Reader(*value).fill(out);
    }
  }
  static bool read(const Value* value, bool& out);
  static bool read(const Value* value, std::string& out);
  static bool read(const Value* value, double& out);
  static bool read(const Value* value, std::uint64_t& out);
  static bool read(const Value* value, std::uint32_t& out);
  /// As it is, whatever it is.
  static bool read(const Value* value, const Value*& out);

 private:
  /// The first alternative that `value` can be. Each of them tells what it is, see type().
  template <typename... T>
  static bool read_one_of(const Value* value, std::variant<T...>& out) {
    if (value == nullptr || !value->is(Value::Kind::kObject)) return false;
    Reader reader(*value);
    return (reader.fill(out.template emplace<T>()) || ...);
  }
  template <typename T>
  bool fill(T& out) {
    fields(*this, out);
    return whole_;
  }

  const Value& object_;
  bool whole_ = true;
};

/// The T that a text holds; empty when it is no JSON or no whole T.
template <typename T>
std::optional<T> from_text(std::string_view text, const Limits& limits = {}) {
  const auto value = parse(text, limits);
  std::optional<T> out(std::in_place);
  if (!value || !Reader::read(&*value, *out)) out.reset();
  return out;
}

}  // namespace candor::json
