#pragma once

#include <optional>

#include "candor/base/time.hpp"
#include "candor/progress/eta.hpp"

namespace candor {

/// Turns raw estimates into what is shown. One number while the range is narrow (high / low up to 1.4),
/// "about" up to 2.2, the range itself beyond. Numbers lie on the grid on which people count: seconds, then 5
/// s, 30 s and 1 min for one number; 5 s, 10 s, 1 min, 5 min, 15 min, 30 min and 1 h for the others.
/// Hysteresis: a kind is left only when the range is clearly (10 %) past its limit, a number only when the
/// estimate is three quarters of a step away.
class EtaDisplayRounder {
 public:
  /// What to show for this estimate. `stalled_for`: time without a byte, 0 while bytes flow. Asking changes
  /// nothing.
  EtaDisplay show(const std::optional<EtaEstimate>& estimate, Millis stalled_for) const;
  /// Holds to what was shown from now on. A stall is no number to hold to: what was held before it stays.
  void keep(const EtaDisplay& shown);

 private:
  EtaDisplay held_;
};

}  // namespace candor
