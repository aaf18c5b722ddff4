#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "candor/base/time.hpp"
#include "candor/progress/circular_buffer.hpp"
#include "candor/progress/eta.hpp"

namespace candor {

/// Predicts the time left of a download from the bytes that came over the network so far.
///
/// The throughput is taken to return from its present level to its long-run mean (all bytes over all time,
/// the first second of which, slow start, counts little), exponentially, within about 20 s; the prediction is
/// the time at which the remaining bytes have come in that model. A change of the level (another network, a
/// throttled server) is looked for in the last 40 s with a likelihood-ratio test on the logarithm of the
/// throughput, against how much this line varies anyway. After one, the mean of the new level is believed for
/// about as long again as it has lasted, and the mean of everything beyond that: levels that have lasted go
/// on lasting. A stall is not a speed: after 3 s of silence, time stops counting until bytes come again.
///
/// What estimate() gives counts down one second a second as long as the prediction stays within a band of a
/// fraction of its own uncertainty, and moves no further than to the edge of the band.
///
/// Constant memory; `record` and `estimate` cost tens of nanoseconds, since all work is done per quarter of a
/// second, whatever the number of calls in it. Times that run backwards or are not finite count as "no time
/// has passed".
class EtaEstimator {
 public:
  /// Time begins to count here. Without it, it begins at the first record(), whose bytes then have no
  /// duration.
  void start(Instant now);
  /// The bytes still to come. Call it when the total becomes known, changes, or when bytes turn out to be
  /// here already (resumed, cached): the next estimate then jumps to the new truth. Empty: unknown, so there
  /// is no estimate.
  void set_remaining(std::optional<std::uint64_t> bytes);
  /// `bytes` more arrived over the network; they are taken off what remains.
  void record(std::uint64_t bytes, Instant now);
  /// Time stops counting until resume(). What was learned about the line stays.
  void pause(Instant now);
  void resume(Instant now);
  /// The prediction at `now`; empty without a basis (one second and one byte), without a known remainder, or
  /// while paused. Asking changes nothing.
  std::optional<EtaEstimate> estimate(Instant now) const;

 private:
  static constexpr std::size_t kRecentSeconds = 40;

  struct Second {
    double bytes = 0;
    double log_rate = 0;
  };
  /// Bytes over counted time.
  struct Level {
    double bytes = 0;
    double seconds = 0;
  };
  /// Mean and spread of log rates, relative to the first of them to keep the sums small.
  struct Spread {
    double count = 0;
    double sum = 0;
    double squares = 0;
    void add(double x);
    Spread without(const Spread& part) const;
  };

  MonotonicTime time_;
  Instant origin_{};  // the start, moved on by the length of every pause
  Instant paused_at_{};
  bool started_ = false;
  bool paused_ = false;

  std::optional<std::uint64_t> remaining_;
  double open_bytes_ = 0;   // of the running tick
  std::int64_t ticks_ = 0;  // closed ones
  std::int64_t silent_ticks_ = 0;
  double stalled_s_ = 0;  // left out of the counted time since bytes came last

  Level level_;   // since the last change of level
  Level before_;  // before it
  double first_second_bytes_ = 0;
  double fast_ = 0;  // bytes per second, exponentially weighted; divide by fast_weight_
  double fast_weight_ = 0;
  double mean_rate_ = 0;  // of level_

  Level second_;  // the running one
  CircularBuffer<Second> recent_{kRecentSeconds};
  double reference_ = 0;    // the first log rate
  Spread older_;            // seconds of this level that have left `recent_`
  Spread all_;              // every second so far
  Spread spread_before_;    // of the level before the last change
  double swings_ = 1;       // factor of the threshold; grows when a change turns out to be a swing
  double persistence_ = 0;  // of the new level, as a multiple of its age
  int last_change_ = 0;     // +1 faster, -1 slower, 0 none

  double predicted_ = 0;  // seconds, as of shown_at_
  double shown_ = 0;
  double sigma_ = 0;
  double shown_at_ = 0;  // counted seconds since the start
  bool has_basis_ = false;
  bool must_jump_ = true;

  double elapsed(Instant now) const;
  bool stalled() const;
  void close_ticks(double until_s, bool including_end);
  void close_tick();
  void close_second();
  void look_for_change();
  static double likelihood(const Spread& before, const Spread& after);
  void predict();
  std::optional<EtaEstimate> read(double at_s) const;
};

}  // namespace candor
