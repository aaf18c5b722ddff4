#include "candor/progress/speed_estimator.hpp"

#include <cmath>

namespace candor {
namespace {

// Seconds. Long enough to even out batches (up to 400 ms) and TCP's sawtooth, short enough to follow a
// person's eye.
constexpr double kTau = 4.0;
// Seconds of basis before there is a speed.
constexpr double kMinBasis = 0.5;

}  // namespace

void SpeedEstimator::start(Instant now) {
  if (started_) return;
  last_ = time_.advance(now);
  started_ = time_.known();
}

void SpeedEstimator::advance(Instant now) {
  const Instant to = time_.advance(now);
  if (!paused_) {
    const double dt = seconds_between(last_, to);
    elapsed_s_ += dt;
    sum_ *= std::exp(-dt / kTau);
  }
  last_ = to;
}

void SpeedEstimator::record(std::uint64_t bytes, Instant now) {
  if (!started_) {
    start(now);  // these bytes have no duration yet
    return;
  }
  if (paused_) return;
  const double dt = seconds_between(last_, time_.advance(now));
  const double arrived = static_cast<double>(bytes);
  // The bytes came evenly since the last record: the integral of their weights. At the same moment: full
  // weight.
  const double share = dt > 0 ? -std::expm1(-dt / kTau) / (dt / kTau) : 1.0;
  advance(now);
  sum_ += arrived * share / kTau;
  any_bytes_ = any_bytes_ || bytes > 0;
}

void SpeedEstimator::pause(Instant now) {
  if (started_) advance(now);
  paused_ = true;
}

void SpeedEstimator::resume(Instant now) {
  if (started_) advance(now);
  paused_ = false;
}

std::optional<double> SpeedEstimator::bytes_per_second(Instant now) const {
  if (!started_ || paused_ || !any_bytes_) return std::nullopt;
  MonotonicTime time = time_;
  const double silence = seconds_between(last_, time.advance(now));
  const double basis = elapsed_s_ + silence;
  if (basis < kMinBasis) return std::nullopt;
  return sum_ * std::exp(-silence / kTau) / -std::expm1(-basis / kTau);
}

}  // namespace candor
