#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "candor/base/time.hpp"

namespace candor {

/// Throughput over the life of a download, for drawing. Time without counting (paused) is left out.
struct Sparkline {
  double seconds_per_point = 0;          ///< 0 while there is no point
  std::vector<double> bytes_per_second;  ///< oldest first, at most 120 points
};

/// Keeps a sparkline in constant memory: when all points are used up, neighbours are merged and each point
/// stands for twice the time.
class ThroughputHistory {
 public:
  static constexpr std::size_t kMaxPoints = 120;
  static constexpr Seconds kFirstWidth{0.5};

  ThroughputHistory() { bytes_.reserve(kMaxPoints); }

  /// Time begins to count here. Without it, it begins at the first record(), whose bytes are then left out.
  void start(Instant now);
  void record(std::uint64_t bytes, Instant now);
  void pause(Instant now);
  void resume(Instant now);
  /// The points that are over by `now`. Asking changes nothing.
  Sparkline sparkline(Instant now) const;

 private:
  MonotonicTime time_;
  Instant last_{};
  double elapsed_s_ = 0;   // counted time
  double recorded_s_ = 0;  // up to where bytes were recorded
  double width_s_ = kFirstWidth.count();
  std::vector<double> bytes_;  // per point; the last one is still running
  bool started_ = false;
  bool paused_ = false;

  void advance(Instant now);
};

}  // namespace candor
