#include "base/words.hpp"

#include <iterator>

#include "base/text.hpp"

namespace candor {

std::string bytes_in_words(std::uint64_t bytes) {
  struct Unit {
    const char* name;
    std::uint64_t quantum;  ///< the smallest difference that is shown
    unsigned decimals;
  };
  constexpr Unit kUnits[] = {
      {" kB", 1'000, 0}, {" MB", 100'000, 1}, {" GB", 10'000'000, 2}, {" TB", 10'000'000'000, 2}};
  if (bytes < 1000) return text::joined(bytes, bytes == 1 ? " byte" : " bytes");
  for (const Unit& unit : kUnits) {
    // Rounded first, so that 999,999 bytes are "1.0 MB" and not "1000 kB".
    const std::uint64_t rounded = bytes / unit.quantum + (bytes % unit.quantum >= unit.quantum / 2 ? 1 : 0);
    const unsigned step = unit.decimals == 0 ? 1 : unit.decimals == 1 ? 10 : 100;
    if (rounded >= 1000 * step && unit.quantum != std::end(kUnits)[-1].quantum) continue;
    if (step == 1) return text::joined(rounded, unit.name);
    const std::uint64_t rest = rounded % step;
    return text::joined(rounded / step, step == 100 && rest < 10 ? ".0" : ".", rest, unit.name);
  }
  return {};
}

}  // namespace candor
