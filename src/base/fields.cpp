#include "base/fields.hpp"

namespace candor::json {

void Writer::name(const char* key) {
  if (json_.back() != '{') json_ += ',';
  json_ += '"';
  json_ += key;
  json_ += "\":";
}

void Reader::type(const char* expected) {
  const Value* const found = find(object_, "type", Value::Kind::kString);
  whole_ = found != nullptr && found->text == expected;
}

bool Reader::read(const Value* value, bool& out) {
  if (value == nullptr || !value->is(Value::Kind::kBoolean)) return false;
  out = value->number != 0;
  return true;
}
bool Reader::read(const Value* value, std::string& out) {
  if (value == nullptr || !value->is(Value::Kind::kString)) return false;
  out = value->text;
  return true;
}
bool Reader::read(const Value* value, double& out) {
  if (value == nullptr || !value->is(Value::Kind::kNumber)) return false;
  out = value->number;
  return true;
}
bool Reader::read(const Value* value, std::uint64_t& out) {
  const auto number = value == nullptr ? std::nullopt : as_uint(*value);
  if (number) out = *number;
  return number.has_value();
}
bool Reader::read(const Value* value, std::uint32_t& out) {
  std::uint64_t number = 0;
  if (!read(value, number) || number > 0xFFFFFFFFULL) return false;
  out = static_cast<std::uint32_t>(number);
  return true;
}
bool Reader::read(const Value* value, const Value*& out) {
  out = value;
  return value != nullptr;
}

}  // namespace candor::json
