#pragma once

#include <cstdint>
#include <optional>

#include "candor/base/time.hpp"

namespace candor {

/// The current throughput in bytes per second, weighted by time, never by the number of events: bytes that
/// arrive in one batch or in many small pieces give the same speed, and silence lowers it.
///
/// An exponentially weighted average of the throughput (age weight e^(-age / 4 s)), divided by the weight
/// seen so far, so that it does not start from zero. Bytes since the last record count from that record to
/// `now`. Constant memory. Times that run backwards or are not finite count as "no time has passed".
class SpeedEstimator {
 public:
  /// Time begins to count here. Without it, it begins at the first record().
  void start(Instant now);
  /// `bytes` more arrived over the network. Resumed or cached bytes must not be recorded.
  void record(std::uint64_t bytes, Instant now);
  /// Time stops counting until resume().
  void pause(Instant now);
  void resume(Instant now);
  /// Bytes per second; empty before half a second of basis, and while paused.
  std::optional<double> bytes_per_second(Instant now) const;

 private:
  MonotonicTime time_;
  Instant last_{};        // the moment `sum_` stands for
  double sum_ = 0;        // bytes/s, weighted by age
  double elapsed_s_ = 0;  // counted time
  bool started_ = false;
  bool paused_ = false;
  bool any_bytes_ = false;

  void advance(Instant now);
};

}  // namespace candor
