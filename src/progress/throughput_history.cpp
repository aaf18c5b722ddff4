#include "candor/progress/throughput_history.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace candor {

void ThroughputHistory::start(Instant now) {
  if (started_) return;
  last_ = time_.advance(now);
  started_ = time_.known();
  if (started_) bytes_.assign(1, 0);
}

void ThroughputHistory::advance(Instant now) {
  const Instant to = time_.advance(now);
  if (!paused_) elapsed_s_ += seconds_between(last_, to);
  last_ = to;
  // A point that is just over may be full; the running one must fit as well.
  while (elapsed_s_ >= width_s_ * static_cast<double>(kMaxPoints)) {
    for (std::size_t i = 0; 2 * i < bytes_.size(); ++i) {
      bytes_[i] = bytes_[2 * i] + (2 * i + 1 < bytes_.size() ? bytes_[2 * i + 1] : 0);
    }
    bytes_.resize((bytes_.size() + 1) / 2);
    width_s_ *= 2;
  }
  bytes_.resize(static_cast<std::size_t>(elapsed_s_ / width_s_) + 1, 0);
}

void ThroughputHistory::record(std::uint64_t bytes, Instant now) {
  if (!started_) {
    start(now);
    return;
  }
  if (paused_) return;
  advance(now);
  // The bytes came evenly since the last record.
  const double begin = std::min(recorded_s_, elapsed_s_);
  const double took = elapsed_s_ - begin;
  recorded_s_ = elapsed_s_;
  if (took <= 0) {
    bytes_.back() += static_cast<double>(bytes);
    return;
  }
  const double rate = static_cast<double>(bytes) / took;
  const auto first = static_cast<std::size_t>(begin / width_s_);
  for (std::size_t i = first; i < bytes_.size(); ++i) {
    const double from = std::max(begin, static_cast<double>(i) * width_s_);
    const double to = std::min(elapsed_s_, static_cast<double>(i + 1) * width_s_);
    bytes_[i] += rate * std::max(0.0, to - from);
  }
}

void ThroughputHistory::pause(Instant now) {
  if (started_) advance(now);
  paused_ = true;
}

void ThroughputHistory::resume(Instant now) {
  if (started_) advance(now);
  paused_ = false;
}

Sparkline ThroughputHistory::sparkline(Instant now) const {
  if (!started_) return {};
  ThroughputHistory then = *this;
  then.advance(now);
  Sparkline line;
  if (then.bytes_.size() < 2) return line;
  line.seconds_per_point = then.width_s_;
  then.bytes_.pop_back();
  for (double& point : then.bytes_) point /= then.width_s_;
  line.bytes_per_second = std::move(then.bytes_);
  return line;
}

}  // namespace candor
