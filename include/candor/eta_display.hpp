#pragma once

#include <optional>
#include <string_view>

#include "candor/eta_estimator.hpp"
#include "candor/time.hpp"

namespace candor {

/// The remaining time as a person would say it. Decided here, so that a formatter only needs words.
struct EtaDisplay {
  enum class Kind {
    none,     ///< nothing is known (yet)
    exact,    ///< `low` == `high`: "42s"
    about,    ///< `low` == `high`: "about 3 min"
    range,    ///< `low` < `high`: "2–4 min"
    stalled,  ///< nothing arrives; `low` == `high` == whole seconds without a byte: "stalled for 12 s"
  };
  Kind kind = Kind::none;
  double low = 0;   ///< seconds, rounded as people round
  double high = 0;  ///< seconds, rounded as people round

  friend bool operator==(const EtaDisplay&, const EtaDisplay&) = default;
};

std::string_view to_string(EtaDisplay::Kind kind);

/// Turns raw estimates into what is shown, with hysteresis, so that the words do not flicker.
class EtaDisplayRounder {
 public:
  /// What to show for this estimate. `stalled_for`: time without a byte, 0 while bytes flow.
  EtaDisplay show(const std::optional<EtaEstimate>& estimate, Millis stalled_for);

 private:
  EtaDisplay shown_;
};

}  // namespace candor
