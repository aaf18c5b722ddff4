#include "candor/eta_display.hpp"

#include <cmath>

namespace candor {

std::string_view to_string(EtaDisplay::Kind kind) {
  switch (kind) {
    case EtaDisplay::Kind::none:
      return "none";
    case EtaDisplay::Kind::exact:
      return "exact";
    case EtaDisplay::Kind::about:
      return "about";
    case EtaDisplay::Kind::range:
      return "range";
    case EtaDisplay::Kind::stalled:
      return "stalled";
  }
  return "none";
}

EtaDisplay EtaDisplayRounder::show(const std::optional<EtaEstimate>& estimate, Millis stalled_for) {
  if (stalled_for.count() > 0) {
    const double seconds = std::floor(Seconds{stalled_for}.count());
    shown_ = {EtaDisplay::Kind::stalled, seconds, seconds};
  } else if (!estimate) {
    shown_ = {};
  } else {
    const double seconds = std::round(estimate->seconds);
    shown_ = {EtaDisplay::Kind::about, seconds, seconds};
  }
  return shown_;
}

}  // namespace candor
