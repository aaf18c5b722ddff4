#pragma once

#include <string_view>

namespace candor {

/// Seconds until the remaining bytes are here, and the range that holds the true value 8 times in 10.
/// 0 <= low <= seconds <= high, all finite.
struct EtaEstimate {
  double seconds = 0;
  double low = 0;
  double high = 0;
};

/// The remaining time as a person would say it. Decided here, so that a formatter only needs words.
struct EtaDisplay {
  enum class Kind {
    kNone,     ///< nothing is known (yet)
    kExact,    ///< `low` == `high`: "42s"
    kAbout,    ///< `low` == `high`: "about 3 min"
    kRange,    ///< `low` < `high`: "2–4 min"
    kStalled,  ///< nothing arrives; `low` == `high` == whole seconds without a byte: "stalled for 12 s"
  };
  Kind kind = Kind::kNone;
  double low = 0;   ///< seconds, rounded as people round
  double high = 0;  ///< seconds, rounded as people round

  friend bool operator==(const EtaDisplay&, const EtaDisplay&) = default;
};

std::string_view to_string(EtaDisplay::Kind kind);

}  // namespace candor
