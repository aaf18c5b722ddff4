#include "base/text.hpp"

namespace candor::text {

void append(std::string& text, const char* part) { text += part; }
void append(std::string& text, std::string_view part) { text += part; }
void append(std::string& text, const std::string& part) { text += part; }

void append(std::string& text, std::uint64_t value, int digits) {
  if (value >= 10 || digits > 1) append(text, value / 10, digits - 1);
  text += static_cast<char>('0' + value % 10);
}

std::string in_hex(std::uint64_t value, int digits) {
  std::string text;
  for (int at = 4 * digits; at > 0;) {
    at -= 4;
    text += "0123456789abcdef"[value >> at & 15U];
  }
  return text;
}

std::string_view file_name(std::string_view path) {
  for (const char c : path)
    if (!is_plain(c) && c != '.' && c != '/' && c != ' ') return "file";
  return path.empty() || path.size() > 120 ? "file" : path;
}

}  // namespace candor::text
