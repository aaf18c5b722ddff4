#include "candor/progress/eta_display.hpp"

#include <algorithm>
#include <cmath>

namespace candor {
namespace {

using Kind = EtaDisplay::Kind;

constexpr double kNarrow = 1.4;
constexpr double kWide = 2.2;
constexpr double kMargin = 1.1;
constexpr double kMinute = 60;
constexpr double kHour = 3600;

double fine_step(double seconds) {
  if (seconds < kMinute) return 1;
  if (seconds < 10 * kMinute) return 5;
  if (seconds < kHour) return 30;
  return kMinute;
}

double coarse_step(double seconds) {
  if (seconds < 20) return 5;
  if (seconds < kMinute) return 10;
  if (seconds < 10 * kMinute) return kMinute;
  if (seconds < kHour) return 5 * kMinute;
  if (seconds < 3 * kHour) return 15 * kMinute;
  if (seconds < 12 * kHour) return 30 * kMinute;
  return kHour;
}

// The nearest multiple of the step, at least one; `held` stays as long as it is near enough.
double rounded(double seconds, double step, double held) {
  const bool on_grid = held > 0 && held == std::round(held / step) * step;
  if (on_grid && std::abs(seconds - held) < 0.75 * step) return held;
  return std::max(step, std::round(seconds / step) * step);
}

// A limit that is crossed late from either side.
double limit(double at, bool inside) { return inside ? at * kMargin : at / kMargin; }

Kind kind_for(double spread, Kind before) {
  const bool was_exact = before == Kind::kExact;
  const bool was_range = before == Kind::kRange;
  // Coming from nothing there is no side to stay on.
  const bool fresh = !was_exact && !was_range && before != Kind::kAbout;
  if (spread <= (fresh ? kNarrow : limit(kNarrow, was_exact))) return Kind::kExact;
  if (spread <= (fresh ? kWide : limit(kWide, !was_range))) return Kind::kAbout;
  return Kind::kRange;
}

}  // namespace

EtaDisplay EtaDisplayRounder::show(const std::optional<EtaEstimate>& estimate, Millis stalled_for) const {
  if (stalled_for.count() > 0) {
    const double seconds = std::floor(Seconds{stalled_for}.count());
    return {Kind::kStalled, seconds, seconds};
  }
  if (!estimate) return {};
  // Below a second nobody asks how wide the range is.
  const double spread = estimate->high < 1 ? 1 : estimate->high / std::max(estimate->low, 1.0);
  const Kind kind = kind_for(spread, held_.kind);
  const bool same = kind == held_.kind;
  if (kind == Kind::kRange) {
    const double low = rounded(estimate->low, coarse_step(estimate->low), same ? held_.low : 0);
    const double high = rounded(estimate->high, coarse_step(estimate->high), same ? held_.high : 0);
    if (low < high) return {kind, low, high};
  }
  const double step = kind == Kind::kExact ? fine_step(estimate->seconds) : coarse_step(estimate->seconds);
  const double seconds = rounded(estimate->seconds, step, same ? held_.low : 0);
  return {kind == Kind::kExact ? Kind::kExact : Kind::kAbout, seconds, seconds};
}

void EtaDisplayRounder::keep(const EtaDisplay& shown) {
  if (shown.kind != Kind::kStalled) held_ = shown;
}

}  // namespace candor
