#include "base/json.hpp"

#include <algorithm>
#include <cmath>
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

void append_code_point(std::string& text, std::uint32_t code) {
  const auto add = [&](std::uint32_t byte) { text += static_cast<char>(byte); };
  if (code < 0x80) {
    add(code);
    return;
  }
  int rest = 1;
  if (code < 0x800) {
    add(0xc0 | code >> 6);
  } else if (code < 0x10000) {
    add(0xe0 | code >> 12);
    rest = 2;
  } else {
    add(0xf0 | code >> 18);
    rest = 3;
  }
  while (rest-- > 0) add(0x80 | (code >> (6 * rest) & 0x3f));
}

/// RFC 8259, to the letter. Each function takes what it reads from the front of the text, and says whether it
/// was there. A number of more than fifteen digits may be off in the last of them.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {
    take("\xef\xbb\xbf");  // some write a byte order mark
  }

  bool read(Value& value, std::size_t depth) {
    space();
    if (text_.empty()) return false;
    switch (text_[0]) {
      case '{':
        value.kind = Kind::kObject;
        return items(value, '}', depth);
      case '[':
        value.kind = Kind::kArray;
        return items(value, ']', depth);
      case '"':
        value.kind = Kind::kString;
        return string(value.text);
      case 't':
        value.kind = Kind::kBoolean;
        value.number = 1;
        return take("true");
      case 'f':
        value.kind = Kind::kBoolean;
        return take("false");
      case 'n':
        return take("null");
      default:
        value.kind = Kind::kNumber;
        return number(value.number);
    }
  }
  bool at_end() {
    space();
    return text_.empty();
  }

 private:
  void space() {
    while (!text_.empty() && (text_[0] == ' ' || text_[0] == '\t' || text_[0] == '\n' || text_[0] == '\r'))
      text_.remove_prefix(1);
  }
  bool take(std::string_view token) {
    if (!text_.starts_with(token)) return false;
    text_.remove_prefix(token.size());
    return true;
  }
  bool take(char c) { return take(std::string_view(&c, 1)); }

  bool items(Value& value, char end, std::size_t depth) {
    if (depth == 0) return false;
    text_.remove_prefix(1);
    space();
    if (take(end)) return true;
    do {
      space();
      Value& item = value.items.emplace_back();
      if (value.kind == Kind::kObject) {
        if (!string(item.name)) return false;
        space();
        if (!take(':')) return false;
      }
      if (!read(item, depth - 1)) return false;
      space();
    } while (take(','));
    return take(end);
  }

  bool string(std::string& out) {
    if (!take('"')) return false;
    while (!text_.empty()) {
      if (take('"')) return true;
      if (take('\\')) {
        if (!escape(out)) return false;
        continue;
      }
      const int length = character_length(text_);
      if (length <= 0 || static_cast<unsigned char>(text_[0]) < ' ') return false;
      out += text_.substr(0, static_cast<std::size_t>(length));
      text_.remove_prefix(static_cast<std::size_t>(length));
    }
    return false;
  }
  bool escape(std::string& out) {
    constexpr std::string_view kNames = "\"\\/bfnrt";
    constexpr std::string_view kMeaning = "\"\\/\b\f\n\r\t";
    if (text_.empty()) return false;
    const std::size_t at = kNames.find(text_[0]);
    if (at != std::string_view::npos) {
      out += kMeaning[at];
      text_.remove_prefix(1);
      return true;
    }
    std::uint32_t code = 0;
    if (!unit(code)) return false;
    if (code >= 0xd800 && code < 0xe000) {
      std::uint32_t low = 0;
      if (code >= 0xdc00 || !take('\\') || !unit(low) || low < 0xdc00 || low >= 0xe000) return false;
      code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    }
    append_code_point(out, code);
    return true;
  }
  bool unit(std::uint32_t& code) {
    if (!take('u') || text_.size() < 4) return false;
    for (const char c : text_.substr(0, 4)) {
      const char l = text::lower(c);
      if (!(c >= '0' && c <= '9') && !(l >= 'a' && l <= 'f')) return false;
      code = code * 16 + static_cast<std::uint32_t>(c <= '9' ? c - '0' : l - 'a' + 10);
    }
    text_.remove_prefix(4);
    return true;
  }

  std::size_t digits(double& value) {
    std::size_t count = 0;
    for (; !text_.empty() && text_[0] >= '0' && text_[0] <= '9'; ++count) {
      value = value * 10 + (text_[0] - '0');
      text_.remove_prefix(1);
    }
    return count;
  }
  bool number(double& value) {
    const bool negative = take('-');
    const bool zero = text_.starts_with('0');
    const std::size_t whole = digits(value);
    if (whole == 0 || (zero && whole > 1)) return false;
    double exponent = 0;
    if (take('.')) {
      const std::size_t count = digits(value);
      if (count == 0) return false;
      exponent = -static_cast<double>(count);
    }
    if (take('e') || take('E')) {
      const bool down = take('-');
      if (!down) take('+');
      double by = 0;
      if (digits(by) == 0) return false;
      exponent += down ? -by : by;
    }
    const double power = std::pow(10, std::abs(exponent));
    if (value != 0) value = exponent < 0 ? value / power : value * power;
    if (negative) value = -value;
    return std::isfinite(value);
  }

  std::string_view text_;
};

void quote(std::string& json, std::string_view text) {
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

/// With twelve decimals: enough for every number that is shown or compared, and few enough to hide the noise
/// of the last bits.
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

}  // namespace

std::optional<Value> parse(std::string_view text, const Limits& limits) {
  if (text.size() > limits.max_bytes) return std::nullopt;
  std::optional<Value> value(std::in_place);
  Reader reader(text);
  if (!reader.read(*value, limits.max_depth) || !reader.at_end()) value.reset();
  return value;
}

Text text_of(const std::string& value) {
  Text text;
  quote(text.json, value);
  return text;
}
Text text_of(double value) {
  Text text;
  append_number(text.json, value);
  return text;
}
Text text_of(std::uint64_t value) {
  Text text;
  text::append(text.json, value);
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
  quote(json_, value);
  return *this;
}
Object& Object::add(const char* key, const std::string& value) { return add(key, std::string_view(value)); }
Object& Object::add(const char* key, const char* value) { return add(key, std::string_view(value)); }
Object& Object::add(const char* key, double value) {
  add_key(key);
  append_number(json_, value);
  return *this;
}
Object& Object::add(const char* key, std::uint64_t value) {
  add_key(key);
  text::append(json_, value);
  return *this;
}
Object& Object::add(const char* key, std::nullptr_t) {
  add_key(key);
  json_ += "null";
  return *this;
}
Object& Object::add_bool(const char* key, bool value) {
  add_key(key);
  json_ += value ? "true" : "false";
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

Text array_of(const std::vector<std::string>& values) {
  return array_of(values, [](const std::string& value) { return text_of(value); });
}
Text array_of(const std::vector<double>& values) {
  return array_of(values, [](double value) { return text_of(value); });
}
Text array_of(const std::vector<std::uint32_t>& values) {
  return array_of(values, [](std::uint32_t value) { return text_of(std::uint64_t{value}); });
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
