#pragma once

#include <cstdint>
#include <optional>

#include "candor/time.hpp"

namespace candor {

/// Seconds until the remaining bytes are here, and the range that holds the true value 8 times in 10.
/// 0 <= low <= seconds <= high, all finite.
struct EtaEstimate {
  double seconds = 0;
  double low = 0;
  double high = 0;
};

/// Predicts the time left of a download from the bytes that came over the network so far.
/// Constant memory; `record` and `estimate` cost tens of nanoseconds each. Times that run backwards or are
/// not finite count as "no time has passed".
class EtaEstimator {
 public:
  /// Time begins to count here. Without it, it begins at the first record(), whose bytes then have no
  /// duration.
  void start(Instant now);
  /// The bytes still to come. Call it when the total becomes known, changes, or when bytes turn out to be
  /// here already (resumed, cached). Empty: unknown, so there is no estimate.
  void set_remaining(std::optional<std::uint64_t> bytes);
  /// `bytes` more arrived over the network; they are taken off what remains.
  void record(std::uint64_t bytes, Instant now);
  /// Time stops counting until resume(). What was learned about the line stays.
  void pause(Instant now);
  void resume(Instant now);
  /// The prediction at `now`; empty without a basis, without a known remainder, or while paused.
  std::optional<EtaEstimate> estimate(Instant now);

 private:
  MonotonicTime time_;
  Instant last_{};
  std::optional<std::uint64_t> remaining_;
  double total_bytes_ = 0;
  double elapsed_s_ = 0;
  double fast_sum_ = 0;
  bool started_ = false;
  bool paused_ = false;

  void advance(Instant now);
};

}  // namespace candor
