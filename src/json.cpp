#include "json.hpp"

#include <cmath>
#include <utility>

#include "candor/bytes.hpp"

namespace candor::json {
namespace {

// nlohmann's parser does not recurse, but copying, comparing and dumping do: so depth is limited before
// parsing.
bool depth_within(std::string_view text, std::size_t max_depth) {
  std::size_t depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') {
        ++i;
      } else if (c == '"') {
        in_string = false;
      }
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      if (++depth > max_depth) return false;
    } else if ((c == '}' || c == ']') && depth > 0) {
      --depth;
    }
  }
  return true;
}

}  // namespace

std::optional<Value> parse(std::string_view text, const Limits& limits) {
  if (text.size() > limits.max_bytes || !depth_within(text, limits.max_depth)) return std::nullopt;
  Value value = Value::parse(text.begin(), text.end(), nullptr, false);
  if (value.is_discarded()) return std::nullopt;
  return value;
}

namespace {

std::string dump(const Value& value) { return value.dump(-1, ' ', false, Value::error_handler_t::replace); }

}  // namespace

Text text_of(std::string_view value) { return {dump(Value(value))}; }
Text text_of(double value) { return {dump(Value(value))}; }
Text text_of(std::uint64_t value) { return {dump(Value(value))}; }

Object& Object::add(std::string_view key, const Text& value) {
  if (json_.size() > 1) json_ += ',';
  json_ += '"';
  json_ += key;
  json_ += "\":";
  json_ += value.json;
  return *this;
}
Object& Object::add(std::string_view key, std::string_view value) { return add(key, text_of(value)); }
Object& Object::add(std::string_view key, double value) { return add(key, text_of(value)); }
Object& Object::add(std::string_view key, std::uint64_t value) { return add(key, text_of(value)); }
Object& Object::add(std::string_view key, std::nullptr_t) { return add(key, Text{"null"}); }
Object& Object::add_bool(std::string_view key, bool value) {
  return add(key, Text{value ? "true" : "false"});
}
Text Object::text() {
  json_ += '}';
  return {std::move(json_)};
}

Array& Array::add(const Text& value) {
  if (json_.size() > 1) json_ += ',';
  json_ += value.json;
  return *this;
}
Text Array::text() {
  json_ += ']';
  return {std::move(json_)};
}

Text array_of(const std::vector<std::string>& values) {
  return array_of(values, [](const std::string& value) { return text_of(value); });
}
Text array_of(const std::vector<double>& values) {
  return array_of(values, [](double value) { return text_of(value); });
}
Text array_of(const std::vector<std::uint32_t>& values) {
  return array_of(values, [](std::uint32_t value) { return text_of(std::uint64_t{value}); });
}

const Value* find(const Value& value, std::string_view key) {
  if (!value.is_object()) return nullptr;
  const auto it = value.find(std::string(key));
  return it == value.end() ? nullptr : &*it;
}

std::optional<std::string> string_at(const Value& object, std::string_view key) {
  const Value* value = find(object, key);
  if (value == nullptr || !value->is_string()) return std::nullopt;
  return value->get_ref<const std::string&>();
}

std::optional<double> as_number(const Value& value) {
  if (!value.is_number()) return std::nullopt;
  const double number = value.get<double>();
  if (!std::isfinite(number)) return std::nullopt;
  return number;
}

std::optional<std::uint64_t> as_uint(const Value& value) {
  const auto number = as_number(value);
  if (!number || *number != std::floor(*number)) return std::nullopt;
  return bytes_from_double(*number);
}

std::optional<double> number_at(const Value& object, std::string_view key) {
  const Value* value = find(object, key);
  return value == nullptr ? std::nullopt : as_number(*value);
}

std::optional<std::uint64_t> uint_at(const Value& object, std::string_view key) {
  const Value* value = find(object, key);
  return value == nullptr ? std::nullopt : as_uint(*value);
}

std::optional<bool> bool_at(const Value& object, std::string_view key) {
  const Value* value = find(object, key);
  if (value == nullptr || !value->is_boolean()) return std::nullopt;
  return value->get<bool>();
}

}  // namespace candor::json
