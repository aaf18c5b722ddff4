#include "base/words.hpp"

#include "base/text.hpp"

namespace candor {

std::string bytes_in_words(std::uint64_t bytes) {
  struct Unit {
    std::uint64_t size;
    const char* name;
  };
  constexpr Unit kUnits[] = {
      {1'000'000'000'000, " TB"}, {1'000'000'000, " GB"}, {1'000'000, " MB"}, {1'000, " kB"}};
  for (const Unit& unit : kUnits) {
    // Rounded first, so that 999,999 bytes are "1 MB" and not "1000 kB".
    if (bytes < unit.size - unit.size / 2000) continue;
    const std::uint64_t tenths = (bytes + unit.size / 20) / (unit.size / 10);
    if (tenths >= 100 || tenths % 10 == 0)
      return text::joined((tenths + 5 * (tenths >= 100 ? 1 : 0)) / 10, unit.name);
    return text::joined(tenths / 10, ".", tenths % 10, unit.name);
  }
  return text::joined(bytes, bytes == 1 ? " byte" : " bytes");
}

}  // namespace candor
