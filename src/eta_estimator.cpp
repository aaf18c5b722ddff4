#include "candor/eta_estimator.hpp"

#include <algorithm>
#include <cmath>

#include "candor/bytes.hpp"

namespace candor {
namespace {

constexpr double kFastTau = 5.0;
constexpr double kMinBasis = 1.0;

}  // namespace

void EtaEstimator::start(Instant now) {
  if (started_) return;
  last_ = time_.advance(now);
  started_ = time_.known();
}

void EtaEstimator::set_remaining(std::optional<std::uint64_t> bytes) { remaining_ = bytes; }

void EtaEstimator::advance(Instant now) {
  const Instant to = time_.advance(now);
  if (!paused_) {
    const double dt = seconds_between(last_, to);
    elapsed_s_ += dt;
    fast_sum_ *= std::exp(-dt / kFastTau);
  }
  last_ = to;
}

void EtaEstimator::record(std::uint64_t bytes, Instant now) {
  if (remaining_) remaining_ = saturating_sub(*remaining_, bytes);
  if (!started_) {
    start(now);
    return;
  }
  if (paused_) return;
  advance(now);
  total_bytes_ += static_cast<double>(bytes);
  fast_sum_ += static_cast<double>(bytes) / kFastTau;
}

void EtaEstimator::pause(Instant now) {
  if (started_) advance(now);
  paused_ = true;
}

void EtaEstimator::resume(Instant now) {
  if (started_) advance(now);
  paused_ = false;
}

std::optional<EtaEstimate> EtaEstimator::estimate(Instant now) {
  if (!started_ || paused_ || !remaining_) return std::nullopt;
  advance(now);
  if (elapsed_s_ < kMinBasis || total_bytes_ <= 0) return std::nullopt;
  const double mean = total_bytes_ / elapsed_s_;
  const double fast = fast_sum_ / -std::expm1(-elapsed_s_ / kFastTau);
  const double rate = std::max(0.5 * (mean + fast), 0.1 * mean);
  const double seconds = static_cast<double>(*remaining_) / rate;
  return EtaEstimate{seconds, seconds / 1.7, seconds * 1.7};
}

}  // namespace candor
