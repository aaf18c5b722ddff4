#include "base/json.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/text.hpp"
#include "candor/base/bytes.hpp"

namespace candor::json {
namespace {

using Kind = Value::Kind;

/// How many bytes the character at the start of `text` has; negative: so many bytes are the beginning of one
/// that is broken (Unicode 15, table 3-7).
int character_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  const int length = lead >= 0xc2 && lead < 0xe0   ? 2
                     : lead >= 0xe0 && lead < 0xf0 ? 3
                     : lead >= 0xf0 && lead < 0xf5 ? 4
                                                   : 0;
  unsigned low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
  unsigned high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
  for (int i = 1; i < length; ++i) {
    const auto at = static_cast<std::size_t>(i);
    if (at >= text.size() || byte(at) < low || byte(at) > high) return -i;
    low = 0x80;
    high = 0xbf;
  }
  return length == 0 ? -1 : length;
}

/// Takes what nlohmann's parser finds, and builds the value.
class Builder {
 public:
  Builder(Value& root, const Limits& limits)
      : root_(root), max_depth_(limits.max_depth), values_left_(limits.max_values) {}

  bool null() { return add(Kind::kNull, 0); }
  bool boolean(bool value) { return add(Kind::kBoolean, value ? 1 : 0); }
  bool number_integer(std::int64_t value) { return add(Kind::kNumber, static_cast<double>(value)); }
  bool number_unsigned(std::uint64_t value) { return add(Kind::kNumber, static_cast<double>(value)); }
  bool number_float(double value, const std::string&) { return add(Kind::kNumber, value); }
  bool string(std::string& value) {
    slot(Kind::kString).text = std::move(value);
    return values_left_-- > 0;
  }
  bool binary(const std::vector<std::uint8_t>&) { return false; }
  bool key(std::string& name) {
    name_ = std::move(name);
    return true;
  }
  bool start_object(std::size_t) { return open(Kind::kObject); }
  bool start_array(std::size_t) { return open(Kind::kArray); }
  bool end_object() { return close(); }
  bool end_array() { return close(); }
  bool parse_error(std::size_t, const std::string&, const nlohmann::json::exception&) { return false; }

 private:
  Value& slot(Kind kind) {
    // What is open lies at the end of what is open around it, so these pointers stay good.
    Value& value = open_.empty() ? root_ : open_.back()->items.emplace_back();
    value.kind = kind;
    value.name = std::exchange(name_, {});
    return value;
  }
  bool add(Kind kind, double number) {
    slot(kind).number = number;
    return values_left_-- > 0;
  }
  bool open(Kind kind) {
    if (open_.size() == max_depth_) return false;
    open_.push_back(&slot(kind));
    return values_left_-- > 0;
  }
  bool close() {
    open_.pop_back();
    return true;
  }

  Value& root_;
  std::size_t max_depth_;
  std::size_t values_left_;
  std::vector<Value*> open_;
  std::string name_;
};

}  // namespace

void append_text(std::string& json, std::string_view text) {
  json += '"';
  while (!text.empty()) {
    const char c = text[0];
    const int length = character_length(text);
    const auto taken = static_cast<std::size_t>(std::abs(length));
    if (length < 0) {
      json += "\xef\xbf\xbd";
    } else if (c == '"' || c == '\\') {
      json += '\\';
      json += c;
    } else if (c == '\n') {
      json += "\\n";
    } else if (length == 1 && c < ' ') {
      json += "\\u";
      json += text::in_hex(static_cast<unsigned char>(c), 4);
    } else {
      json += text.substr(0, taken);
    }
    text.remove_prefix(taken);
  }
  json += '"';
}

// With twelve decimals: enough for every number that is shown or compared, and few enough to hide the noise
// of the last bits.
void append_number(std::string& json, double value) {
  constexpr std::uint64_t kParts = 1'000'000'000'000;
  if (!std::isfinite(value)) {
    json += "null";
    return;
  }
  if (value < 0) {
    json += '-';
    value = -value;
  }
  value = std::min(value, 1.79e308);  // rounding below must not carry it past the largest double
  int exponent = 0;
  for (; value > 1e18; value /= 10) ++exponent;
  auto whole = static_cast<std::uint64_t>(value);
  auto parts = static_cast<std::uint64_t>(
      std::round((value - static_cast<double>(whole)) * static_cast<double>(kParts)));
  if (parts == kParts) {
    ++whole;
    parts = 0;
  }
  text::append(json, whole);
  if (parts > 0) {
    json += '.';
    text::append(json, parts, 12);
    while (json.back() == '0') json.pop_back();
  }
  if (exponent > 0) {
    json += 'e';
    text::append(json, static_cast<std::uint64_t>(exponent));
  }
}

void append_number(std::string& json, std::uint64_t value) { text::append(json, value); }

void append_bool(std::string& json, bool value) { json += value ? "true" : "false"; }

std::optional<Value> parse(std::string_view text, const Limits& limits) {
  if (text.size() > limits.max_bytes) return std::nullopt;
  std::optional<Value> value(std::in_place);
  Builder builder(*value, limits);
  if (!nlohmann::json::sax_parse(text.begin(), text.end(), &builder)) value.reset();
  return value;
}

Text text_of(std::uint64_t value) {
  Text text;
  append_number(text.json, value);
  return text;
}

void Object::add_key(const char* key) {
  if (json_.size() > 1) json_ += ',';
  json_ += '"';
  json_ += key;
  json_ += "\":";
}
Object& Object::add(const char* key, const Text& value) {
  add_key(key);
  json_ += value.json;
  return *this;
}
Object& Object::add(const char* key, std::string_view value) {
  add_key(key);
  append_text(json_, value);
  return *this;
}
Object& Object::add(const char* key, double value) {
  add_key(key);
  append_number(json_, value);
  return *this;
}
Object& Object::add(const char* key, std::uint64_t value) {
  add_key(key);
  append_number(json_, value);
  return *this;
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

const Value* find(const Value& value, const char* key) {
  if (!value.is(Kind::kObject)) return nullptr;
  // From the end: of two members with one name the last one counts, as in
  // JavaScript.
  for (std::size_t i = value.items.size(); i-- > 0;) {
    if (value.items[i].name == key) return &value.items[i];
  }
  return nullptr;
}

const Value* find(const Value& value, const char* key, Kind kind) {
  const Value* member = find(value, key);
  return member != nullptr && member->is(kind) ? member : nullptr;
}

std::span<const Value> items_at(const Value& object, const char* key, Kind kind) {
  const Value* member = find(object, key, kind);
  return member == nullptr ? std::span<const Value>() : std::span(member->items);
}

std::optional<std::string> string_at(const Value& object, const char* key) {
  const Value* value = find(object, key, Kind::kString);
  if (value == nullptr) return std::nullopt;
  return value->text;
}

std::string text_at(const Value& object, const char* key) {
  const Value* value = find(object, key, Kind::kString);
  return value == nullptr ? std::string() : value->text;
}

std::optional<double> as_number(const Value& value) {
  if (!value.is(Kind::kNumber)) return std::nullopt;
  return value.number;
}

std::optional<std::uint64_t> as_uint(const Value& value) {
  if (!value.is(Kind::kNumber) || value.number != std::floor(value.number)) return std::nullopt;
  return bytes_from_double(value.number);
}

std::optional<double> number_at(const Value& object, const char* key) {
  const Value* value = find(object, key);
  return value == nullptr ? std::nullopt : as_number(*value);
}

std::optional<double> amount_at(const Value& object, const char* key) {
  const auto number = number_at(object, key);
  return number && *number < 0 ? std::nullopt : number;
}

std::optional<std::uint64_t> uint_at(const Value& object, const char* key) {
  const Value* value = find(object, key);
  return value == nullptr ? std::nullopt : as_uint(*value);
}

std::optional<bool> bool_at(const Value& object, const char* key) {
  const Value* value = find(object, key, Kind::kBoolean);
  if (value == nullptr) return std::nullopt;
  return value->number != 0;
}

}  // namespace candor::json
