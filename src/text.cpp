#include "text.hpp"

namespace candor::text {

std::string joined(std::initializer_list<std::string_view> parts) {
  std::string text;
  for (const std::string_view part : parts) text += part;
  return text;
}

std::string in_digits(std::uint64_t value) {
  std::string text;
  do {
    text.insert(text.begin(), static_cast<char>('0' + value % 10));
    value /= 10;
  } while (value > 0);
  return text;
}

std::string in_hex(std::uint64_t value, int digits) {
  std::string text;
  for (int at = 4 * digits; at > 0;) {
    at -= 4;
    text += "0123456789abcdef"[value >> at & 15U];
  }
  return text;
}

}  // namespace candor::text
